#include "tools/chaos/watcher.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "tools/chaos/status_view.hpp"
#include "tools/cli/admin.hpp"

namespace tulle::chaos {
namespace {

/// 20 looks a second: a quarter second of slack (kPollSlack) covers several looks.
constexpr Duration kInterval = 50ms;
/// A frozen node does not answer; the thread must notice the thaw soon.
constexpr std::chrono::milliseconds kAdminPatience{500};

}  // namespace

Watcher::Watcher(const std::vector<std::string>& admins, const std::string& token, Recorder& recorder)
    : recorder_(recorder), latest_(admins.size()) {
    for (std::size_t i = 0; i < admins.size(); ++i) {
        threads_.emplace_back(
            [this, i, admin = admins[i], token] { watch(static_cast<std::uint32_t>(i + 1), admin, token); });
    }
}

Watcher::~Watcher() {
    stop_.set();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

bool Watcher::is_whole() const {
    const std::lock_guard lock(mutex_);
    return std::all_of(latest_.begin(), latest_.end(), [this](const Event& view) {
        return !view.text.empty() && std::all_of(latest_.begin(), latest_.end(), [&view](const Event& other) {
            return other.node == view.node ||
                   std::any_of(view.members.begin(), view.members.end(), [&other](const Member& member) {
                       return member.oid == other.text && member.state == "alive";
                   });
        });
    });
}

void Watcher::watch(std::uint32_t node, const std::string& admin, const std::string& token) {
    cli::Admin connection(admin, kAdminPatience, token);
    Instant next = now();
    while (!stop_.wait_until(next)) {
        const client::Exchange answer = connection.get("/v1/status");
        Event view;
        view.node = node;
        if (answer.outcome == client::ExchangeOutcome::kAnswered && answer.status == 200) {
            if (std::optional<Event> told = view_from(node, answer.body)) {
                view = std::move(*told);
            }
        }
        note(node, std::move(view));
        // Looks missed during a slow answer are not made up for.
        next = std::max(next + kInterval, now());
    }
}

void Watcher::note(std::uint32_t node, Event view) {
    const std::lock_guard lock(mutex_);
    Event& latest = latest_[node - 1];
    // Only changes are recorded. An answer without an oid marks a missing answer, so the next real answer is a change.
    if (latest == view) {
        return;
    }
    latest = view;
    if (!view.text.empty()) {
        recorder_.add(std::move(view));
    }
}

}  // namespace tulle::chaos
