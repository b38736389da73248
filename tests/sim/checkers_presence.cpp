#include <algorithm>

#include "tests/sim/checkers.hpp"

namespace tulle::sim {
namespace {

/// Between two looks at all lists.
constexpr Duration kLook = 500ms;
/// The users of an ended session stay listed for this time, in case the users or the node come again.
constexpr Duration kStays = 2s;

/// When `receiver` must know, and still know, what `owner` said of a user at `since`. Nothing: never, as the two have
/// not met. A fault since then may have made the receiver forget, so the recent past counts as well.
std::optional<Instant> due_at(const World& world, const Process& owner, const Process& receiver, Instant since) {
    const Instant lately = world.now() - World::kInTime - 1ms;
    if (owner.oid != receiver.oid) {
        const auto met = owner.first_session.find(receiver.oid);
        if (met == owner.first_session.end()) {
            return std::nullopt;
        }
        since = std::max(since, met->second);
    }
    return std::max(world.due(since, owner.host, receiver.host), world.due(lately, owner.host, receiver.host));
}

/// Channel and user.
using User = std::pair<std::string, std::string>;

/// When this process let the user go, or took the user along at its end.
std::optional<Instant> gone_since(const Process& owner, const User& user, std::optional<Instant> ended) {
    if (ended) {
        return owner.roster.has_had(user.first, user.second) ? std::optional(*ended + kStays) : std::nullopt;
    }
    return owner.roster.gone_since(user.first, user.second);
}

/// P1: a user connected to any node for long enough is in each list of the channel.
void check_joined(World& world, const Process& receiver, const Roster::List& list) {
    for (HostId host = 0; host < world.hosts(); ++host) {
        const Process* owner = world.process(host);
        if (owner == nullptr || owner->leaving_since) {
            continue;
        }
        owner->roster.for_each_in(list.channel, [&](const std::string& user, Instant since) {
            const std::optional<Instant> due = due_at(world, *owner, receiver, std::max(since, list.confirmed));
            if (due && *due < world.now() && !list.users.contains(user)) {
                world.violation("P1 " + world.name_of(receiver.oid) + " does not list " + user + " on " + list.channel +
                                ", who joined at " + world.name_of(owner->oid) + " " +
                                std::to_string((world.now() - since) / 1ms) + " ms ago");
            }
        });
    }
}

/// P1: a user gone from everywhere for long enough is in no list.
void check_gone(World& world, const Process& receiver, const Roster::List& list) {
    for (const std::string& user : list.users) {
        bool may_stay = false;
        const auto look = [&](const Process& owner, std::optional<Instant> ended) {
            const auto since = gone_since(owner, {list.channel, user}, ended);
            const auto due = since ? due_at(world, owner, receiver, std::max(*since, list.confirmed)) : std::nullopt;
            may_stay = may_stay || (!ended && owner.roster.has(list.channel, user)) || (due && *due >= world.now());
        };
        for (HostId host = 0; host < world.hosts(); ++host) {
            if (const Process* owner = world.process(host)) {
                // A leaver's users stay listed until the leaver has left.
                may_stay = may_stay || (owner->leaving_since && owner->roster.has_had(list.channel, user));
                look(*owner, {});
            }
        }
        for (const World::Dead& dead : world.dead()) {
            look(*dead.process, dead.at);
        }
        if (!may_stay) {
            world.violation("P1 " + world.name_of(receiver.oid) + " still lists " + user + " on " + list.channel +
                            ", who has gone");
        }
    }
}

}  // namespace

void watch_presence(World& world, Instant until) {
    world.scheduler().after(kLook, [&world, until] {
        for (HostId host = 0; host < world.hosts(); ++host) {
            const Process* process = world.process(host);
            if (process == nullptr || process->leaving_since || process->frozen) {
                continue;
            }
            process->roster.for_each_list([&](const Roster::List& list) {
                check_joined(world, *process, list);
                check_gone(world, *process, list);
                world.checked();
            });
        }
        if (world.now() < until) {
            watch_presence(world, until);
        }
    });
}

void check_presence(World& world, Outcome& outcome) {
    std::map<std::string, std::set<std::string>> truth;
    for (HostId host = 0; host < world.hosts(); ++host) {
        if (const Process* process = world.process(host); process != nullptr && !process->left) {
            process->roster.add_present(truth);
        }
    }
    const auto text = [](const std::set<std::string>& users) {
        std::string joined;
        for (const std::string& user : users) {
            joined += " " + user;
        }
        return joined;
    };
    for (HostId host = 0; host < world.hosts(); ++host) {
        const Process* process = world.process(host);
        if (process == nullptr || process->left) {
            continue;
        }
        if (process->roster.is_waiting()) {
            world.violation("P1 " + world.name_of(process->oid) + " has not taken in all its users");
        }
        process->roster.for_each_list([&](const Roster::List& list) {
            ++outcome.checked;
            if (list.users != truth[list.channel]) {
                world.violation("P6 " + world.name_of(process->oid) + " sees on " + list.channel + text(list.users) +
                                ", there are" + text(truth[list.channel]));
            }
        });
    }
}

}  // namespace tulle::sim
