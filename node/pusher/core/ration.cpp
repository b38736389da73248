#include "node/pusher/core/ration.hpp"

#include <algorithm>
#include <functional>

namespace tulle::node {
namespace {

/// Allowances are by the second.
constexpr Duration kWindow = 1s;
/// Uses are whole numbers in the mesh; in thousandths a use below a point a second is not lost.
constexpr double kThousandths = 1000;
/// The least share of each source is a tenth of an equal share: a new source is never shut out, and all floors together
/// exceed the allowance by a tenth at most.
constexpr double kFloorPart = 10;
/// Suffix of the use's name, after the app id.
constexpr std::string_view kConnections = "/connections";
/// Suffixes of the names of rationed uses.
constexpr std::pair<Rationed, std::string_view> kNames[] = {{Rationed::kEvents, "/events"},
                                                            {Rationed::kReads, "/reads"}};

std::size_t index_of(Rationed what) {
    return static_cast<std::size_t>(what);
}

/// True when nodes must know each other's use of the app.
bool is_limited(const App& app) {
    return app.max_connections > 0 || app.max_backend_events_per_second > 0 || app.max_read_requests_per_second > 0;
}

/// A use, and the part of the limit that the use takes: the order in which uses are reported.
struct ToldUse {
    double part = 0;
    std::pair<std::string, std::uint64_t> use;
};

}  // namespace

void Ration::turn_windows(Instant now) {
    if (now < window_begin_ + kWindow) {
        return;
    }
    // After a pause of more than a window, the window before the present window was empty.
    const bool is_next = now < window_begin_ + 2 * kWindow;
    asked_last_ = is_next ? asked_ : 0;
    asked_ = 0;
    window_begin_ = is_next ? window_begin_ + kWindow : now;
}

double Ration::own_use(std::size_t allowance) const {
    return std::min(static_cast<double>(std::max(asked_, asked_last_)), static_cast<double>(allowance));
}

double Ration::share(std::size_t allowance) const {
    const auto whole = static_cast<double>(allowance);
    const double own = own_use(allowance);
    const double others = static_cast<double>(others_) / kThousandths;
    // The same allowance in proportion to use: with steady use on all nodes, the shares add up to the allowance.
    const double by_use = own > 0 ? whole * own / (own + others) : 0;
    const double least = whole / (kFloorPart * static_cast<double>(std::max<std::uint64_t>(sources_, 1)));
    return std::max({whole - others, by_use, least});
}

Grant Ration::take(Instant now, std::size_t points, std::size_t allowance) {
    turn_windows(now);
    asked_ += points;
    const auto wanted = static_cast<double>(points);
    const double rate = share(allowance);
    // A request beyond the whole allowance can never be granted. Taking 0 points still lets the bucket refill at the
    // present rate, so that `remaining` is right.
    const bool is_possible = points <= allowance;
    Grant grant;
    grant.is_granted = bucket_.take(now, is_possible ? wanted : 0, rate) && is_possible;
    grant.remaining = bucket_.left();
    if (!grant.is_granted) {
        grant.retry_after = bucket_.wait_for(wanted, rate);
    }
    return grant;
}

std::uint64_t Ration::use(Instant now, std::size_t allowance) {
    turn_windows(now);
    return static_cast<std::uint64_t>(own_use(allowance) * kThousandths);
}

std::size_t allowance_of(const App& app, Rationed what) {
    return what == Rationed::kEvents ? app.max_backend_events_per_second : app.max_read_requests_per_second;
}

bool has_limited_app(const AppTable& apps) {
    return std::any_of(apps.all().begin(), apps.all().end(), is_limited);
}

std::uint64_t Rations::others_use(std::string_view app_id, std::string_view kind) const {
    const auto found = others_.find(std::string(app_id).append(kind));
    return found == others_.end() ? 0 : found->second;
}

void Rations::tell(std::string_view app_id, Account& account) const {
    account.others_connections = others_use(app_id, kConnections);
    for (const auto& [what, name] : kNames) {
        Ration& ration = account.rations[index_of(what)];
        ration.tell_others(others_use(app_id, name));
        ration.tell_sources(sources_);
    }
}

Rations::Account& Rations::account_of(std::string_view app_id) {
    const auto found = accounts_.find(app_id);
    if (found != accounts_.end()) {
        return found->second;
    }
    Account& account = accounts_[std::string(app_id)];
    tell(app_id, account);
    return account;
}

bool Rations::open_connection(const App& app) {
    Account& account = account_of(app.id);
    if (app.max_connections > 0 && account.connections + account.others_connections >= app.max_connections) {
        return false;
    }
    ++account.connections;
    return true;
}

void Rations::close_connection(std::string_view app_id) {
    const auto found = accounts_.find(app_id);
    if (found != accounts_.end() && found->second.connections > 0) {
        --found->second.connections;
    }
}

Grant Rations::take(Instant now, const App& app, Rationed what, std::size_t points) {
    const std::size_t allowance = allowance_of(app, what);
    return allowance == 0 ? Grant{} : account_of(app.id).rations[index_of(what)].take(now, points, allowance);
}

Rations::Uses Rations::uses(Instant now, const AppTable& apps) {
    std::vector<ToldUse> told;
    const auto tell = [&told](const App& app, std::string_view name, std::uint64_t use, double limit) {
        if (use > 0) {
            told.push_back({static_cast<double>(use) / limit, {app.id + std::string(name), use}});
        }
    };
    for (auto& [id, account] : accounts_) {
        const App* app = apps.find_by_id(id);
        if (app == nullptr) {
            continue;
        }
        if (app->max_connections > 0) {
            tell(*app, kConnections, account.connections, static_cast<double>(app->max_connections));
        }
        for (const auto& [what, name] : kNames) {
            if (const std::size_t allowance = allowance_of(*app, what); allowance > 0) {
                tell(*app, name, account.rations[index_of(what)].use(now, allowance),
                     static_cast<double>(allowance) * kThousandths);
            }
        }
    }
    std::stable_sort(told.begin(), told.end(), [](const ToldUse& a, const ToldUse& b) { return a.part > b.part; });
    // The mesh carries a bounded number of uses. The uses nearest to their limits matter most. stable_sort keeps the
    // order of the map for equal parts, so that the report is deterministic.
    told.resize(std::min(told.size(), kMaxToldUses));
    Uses uses;
    for (ToldUse& one : told) {
        uses.push_back(std::move(one.use));
    }
    return uses;
}

void Rations::on_others(std::uint64_t sources, const Uses& others) {
    sources_ = std::max<std::uint64_t>(sources, 1);
    // The list is complete: a use that is not in the list any more is 0, in every account.
    others_ = {others.begin(), others.end()};
    for (auto& [id, account] : accounts_) {
        tell(id, account);
    }
}

void Rations::on_apps(const AppTable& apps) {
    std::erase_if(accounts_, [&apps](const auto& entry) {
        const App* app = apps.find_by_id(entry.first);
        // An account with connections stays: close_connection() still needs the count, and a limit may come back.
        return (app == nullptr || !is_limited(*app)) && entry.second.connections == 0;
    });
}

}  // namespace tulle::node
