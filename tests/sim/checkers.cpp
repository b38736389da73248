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

/// Whether the promise covers this message for this client.
bool due(const Accepted& message, const Process& origin, const Process& receiver, const Client& client) {
    if (message.at <= *client.confirmed) {
        return false;
    }
    if (origin.oid == receiver.oid) {
        return true;
    }
    const auto met = origin.first_session.find(receiver.oid);
    return met != origin.first_session.end() && met->second < message.at;
}

using ByChannel = std::map<std::string, std::vector<const Accepted*>>;

ByChannel by_channel(const World& world) {
    ByChannel messages;
    for (const Accepted& message : world.accepted()) {
        messages[message.channel].push_back(&message);
    }
    return messages;
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
        if (const auto pending = process->edge.longest_pending()) {
            world.violation("P1 " + world.name_of(process->oid) + " still waits to confirm " + pending->first);
        }
        for (HostId b = 0; b < world.hosts(); ++b) {
            if (a != b && world.process(b) != nullptr && !process->left && !world.process(b)->left) {
                check_pair(world, *process, *world.process(b));
            }
        }
    }
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
        process->roster.for_each_list([&](const std::string& channel, const std::set<std::string>& users) {
            ++outcome.checked;
            if (users != truth[channel]) {
                world.violation("P6 " + world.name_of(process->oid) + " sees on " + channel + text(users) + ", there are" +
                                text(truth[channel]));
            }
        });
    }
}

void check_deliveries(World& world, Outcome& outcome) {
    std::map<OriginId, Process*> alive;
    for (HostId host = 0; host < world.hosts(); ++host) {
        if (Process* process = world.process(host); process != nullptr && !process->left) {
            alive[process->oid] = process;
        }
    }
    ByChannel messages = by_channel(world);
    for (const auto& [receiver_oid, receiver] : alive) {
        receiver->edge.for_each_confirmed([&, who = receiver](const Client& client) {
            std::uint64_t missing = 0;
            const Accepted* last = nullptr;
            for (const Accepted* message : messages[client.channel]) {
                const auto origin = alive.find(message->origin);
                if (origin == alive.end() || !due(*message, *origin->second, *who, client)) {
                    ++outcome.exempted;
                    continue;
                }
                ++outcome.checked;
                if (!client.saw(message->origin, message->n)) {
                    ++missing;
                    last = message;
                }
            }
            if (missing > client.gap && !client.gap_unknown) {
                world.violation("P1 " + world.name_of(who->oid) + ": client " + std::to_string(client.id) + " misses " +
                                std::to_string(missing) + " on " + client.channel + " (announced " +
                                std::to_string(client.gap) + "), the last is " + world.name_of(last->origin) + ":" +
                                std::to_string(last->n.value));
            }
        });
    }
}

namespace {

/// The clients of the living that the message was due to.
std::vector<std::pair<const Process*, const Client*>> audience(World& world, const Accepted& message, const Process& origin) {
    std::vector<std::pair<const Process*, const Client*>> clients;
    for (HostId host = 0; host < world.hosts(); ++host) {
        const Process* process = world.process(host);
        if (process == nullptr || process->left) {
            continue;
        }
        for (const Client* client : process->edge.audience(message.channel)) {
            if (due(message, origin, *process, *client)) {
                clients.emplace_back(process, client);
            }
        }
    }
    return clients;
}

}  // namespace

namespace {

/// P3: of an origin that is gone, nothing is missing before what was delivered unless a gap says so. While the two were cut
/// off from each other nobody can know what it accepted for this node alone.
void check_skipped(World& world, const Process& process, const Client& client, const Accepted& message) {
    const auto seen = client.seen.find(message.origin);
    const bool later = seen != client.seen.end() && !seen->second.empty() && message.n < seen->second.back();
    if (later && !client.saw(message.origin, message.n) && client.gap == 0 && !client.gap_unknown) {
        world.violation("P3 " + world.name_of(process.oid) + ": client " + std::to_string(client.id) + " was not told that " +
                        std::to_string(message.n.value) + " of the ended " + world.name_of(message.origin) + " on " +
                        message.channel + " is lost");
    }
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
            for (const auto& [process, subscriber] : subscribers) {
                if (covered) {
                    check_skipped(world, *process, *subscriber, message);
                }
            }
            const auto one = std::find_if(subscribers.begin(), subscribers.end(), [&](const auto& s) {
                return s.second->saw(message.origin, message.n);
            });
            if (!covered || (one == subscribers.end() && !left)) {
                outcome.exempted += subscribers.size();
                continue;
            }
            for (const auto& [process, subscriber] : subscribers) {
                ++outcome.checked_killed;
                if (!subscriber->saw(message.origin, message.n) && subscriber->gap == 0 && !subscriber->gap_unknown) {
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
