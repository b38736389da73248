#include "tests/sim/checkers.hpp"

#include <algorithm>

namespace tulle::sim {
namespace {

/// P6: same members, same interest.
void check_pair(World& world, Process& a, Process& b) {
    const std::string pair = world.name_of(a.oid) + " -> " + world.name_of(b.oid);
    const mesh::Peer* peer = a.node->membership().find(b.oid);
    if (peer == nullptr || peer->state != mesh::PeerState::kAlive) {
        world.violation("P6 " + pair + " is " + (peer == nullptr ? "unknown" : to_text(peer->state)));
        return;
    }
    const auto held = a.node->interest_of(b.oid);
    const mesh::InterestLog& log = b.node->local_interest().log();
    if (!held || held->first != log.version() || held->second != log.digest()) {
        world.violation("P6 " + pair + " holds another interest than there is");
    }
}

/// Whether the promise covers this message for this subscriber.
bool due(const Accepted& message, const Process& origin, const Process& receiver, const Subscriber& subscriber) {
    if (message.at <= subscriber.confirmed) {
        return false;
    }
    if (origin.oid == receiver.oid) {
        return true;
    }
    const auto met = origin.first_session.find(receiver.oid);
    return met != origin.first_session.end() && met->second < message.at;
}

}  // namespace

void check_views(World& world) {
    for (HostId a = 0; a < world.hosts(); ++a) {
        Process* process = world.process(a);
        if (process == nullptr) {
            continue;
        }
        if (!process->node->ready() && !process->left) {
            world.violation("P6 " + world.name_of(process->oid) + " is not ready");
        }
        if (!process->pending.empty()) {
            world.violation("P1 " + world.name_of(process->oid) + " still waits to confirm " +
                            process->pending.begin()->first);
        }
        for (HostId b = 0; b < world.hosts(); ++b) {
            if (a != b && world.process(b) != nullptr && !process->left && !world.process(b)->left) {
                check_pair(world, *process, *world.process(b));
            }
        }
    }
}

void check_deliveries(World& world, Outcome& outcome) {
    std::map<OriginId, Process*> alive;
    for (HostId host = 0; host < world.hosts(); ++host) {
        if (Process* process = world.process(host); process != nullptr && !process->left) {
            alive[process->oid] = process;
        }
    }
    for (const auto& [receiver_oid, receiver] : alive) {
        for (const auto& [channel, subscriber] : receiver->subscribed) {
            std::uint64_t missing = 0;
            std::string first;
            for (const Accepted& message : world.accepted()) {
                if (message.channel != channel) {
                    continue;
                }
                const auto origin = alive.find(message.origin);
                if (origin == alive.end() || !due(message, *origin->second, *receiver, subscriber)) {
                    ++outcome.exempted;
                    continue;
                }
                ++outcome.checked;
                const auto seen = subscriber.seen.find(message.origin);
                if (seen == subscriber.seen.end() ||
                    !std::binary_search(seen->second.begin(), seen->second.end(), message.n)) {
                    ++missing;
                    first = world.name_of(message.origin) + ":" + std::to_string(message.n.value);
                }
            }
            if (missing > subscriber.gap && !subscriber.gap_unknown) {
                world.violation("P1 " + world.name_of(receiver_oid) + " misses " + std::to_string(missing) + " on " +
                                channel + " (announced " + std::to_string(subscriber.gap) + "), the last is " + first);
            }
        }
    }
}

namespace {

bool saw(const Subscriber& subscriber, const Accepted& message) {
    const auto seen = subscriber.seen.find(message.origin);
    return seen != subscriber.seen.end() && std::binary_search(seen->second.begin(), seen->second.end(), message.n);
}

/// The living subscribers that the message was due to.
std::vector<std::pair<const Process*, const Subscriber*>> audience(World& world, const Accepted& message,
                                                                   const Process& origin) {
    std::vector<std::pair<const Process*, const Subscriber*>> subscribers;
    for (HostId host = 0; host < world.hosts(); ++host) {
        const Process* process = world.process(host);
        if (process == nullptr || process->left) {
            continue;
        }
        const auto found = process->subscribed.find(message.channel);
        if (found != process->subscribed.end() && due(message, origin, *process, found->second)) {
            subscribers.emplace_back(process, &found->second);
        }
    }
    return subscribers;
}

}  // namespace

void check_ended_origins(World& world, Outcome& outcome) {
    constexpr Duration kBefore = 1s;
    constexpr Duration kAfter = 5s;
    for (const World::Dead& dead : world.dead()) {
        const bool covered = world.quiet(dead.at - kBefore, dead.at + kAfter);
        const bool left = dead.process->left && !dead.process->left_late;
        if (dead.process->left_late) {
            continue;  // some receipts were missing at the drain deadline: it had said what it could
        }
        for (const Accepted& message : world.accepted()) {
            if (message.origin != dead.process->oid) {
                continue;
            }
            const auto subscribers = audience(world, message, *dead.process);
            const auto one = std::find_if(subscribers.begin(), subscribers.end(),
                                          [&](const auto& s) { return saw(*s.second, message); });
            if (!covered || (one == subscribers.end() && !left)) {
                outcome.exempted += subscribers.size();
                continue;
            }
            for (const auto& [process, subscriber] : subscribers) {
                ++outcome.checked_killed;
                if (!saw(*subscriber, message) && subscriber->gap == 0 && !subscriber->gap_unknown) {
                    const std::string which = std::to_string(message.n.value) + (left ? " of the leaver " : " of the killed ") +
                                              world.name_of(message.origin) + " on " + message.channel;
                    world.violation("P4 " + world.name_of(process->oid) + " did not get " + which +
                                    (left ? "" : "; " + world.name_of(one->first->oid) + " did"));
                }
            }
        }
    }
}

}  // namespace tulle::sim
