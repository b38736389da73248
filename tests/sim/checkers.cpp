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

/// Whether the two had met when the message was accepted: before that no promise is made.
bool had_met(const Accepted& message, const Process& origin, const Process& receiver) {
    if (origin.oid == receiver.oid) {
        return true;
    }
    const auto met = origin.first_session.find(receiver.oid);
    return met != origin.first_session.end() && met->second < message.at;
}

bool due(const Accepted& message, const Process& origin, const Process& receiver, const Client& client) {
    return client.confirmed < message.at && had_met(message, origin, receiver);
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

namespace {

/// While nothing is wrong a message takes no longer: a hole is asked for within 2 ms, and a lost last frame is found by the tail
/// of the next second at the latest.
constexpr Duration kInTime = 1500ms;

/// One process, living or dead, and until when its clients could get something.
struct Receiver {
    const Process* process;
    std::optional<Instant> end;
};

/// P1 for one client, also for one that has gone, up to then.
class Judgement {
public:
    Judgement(World& world, Outcome& outcome, const Receiver& receiver, const Client& client)
        : world_(world), outcome_(outcome), who_(*receiver.process), client_(client), end_(client.ended) {
        end_ = receiver.end ? std::min(end_.value_or(*receiver.end), *receiver.end) : end_;
    }

    /// `origin`: null when it has ended, which P4 is about.
    void judge(const Accepted& message, const Process* origin) {
        if (message.at <= *client_.confirmed || (end_ && *end_ <= message.at)) {
            return;  // not its subscriber
        }
        if (origin == nullptr) {
            ++outcome_.exempted["P1: the origin has ended"];
        } else if (!had_met(message, *origin, who_)) {
            ++outcome_.exempted["P1: the two had not met"];
        } else {
            const std::optional<Instant> seen = client_.saw(message.origin, message.n);
            const bool calm = world_.calm(message.at, message.at + kInTime);
            const bool late = calm && (!seen || *seen > message.at + kInTime) && !(end_ && *end_ <= message.at + kInTime);
            if (end_ && !seen && !late) {
                ++outcome_.exempted["P1: under way when its client went"];
                return;
            }
            ++outcome_.checked;
            outcome_.reached["deliveries_in_time"] += calm ? 1u : 0u;
            outcome_.reached["deliveries_to_leavers"] += end_ ? 1u : 0u;
            if (late && seen) {
                accuse(message, "got late, after " + std::to_string((*seen - message.at) / 1ms) + " ms,");
            } else if (!seen && !client_.was_told(message.at)) {
                ++missing_;
                last_ = &message;
            }
        }
    }

    void conclude() const {
        if (missing_ > client_.gap) {
            accuse(*last_, "misses " + std::to_string(missing_) + " (announced " + std::to_string(client_.gap) + "), the last is");
        }
    }

private:
    void accuse(const Accepted& message, const std::string& what) const {
        world_.violation("P1 " + world_.name_of(who_.oid) + ": client " + std::to_string(client_.id) + (end_ ? ", gone since, " : " ") +
                         what + " " + world_.name_of(message.origin) + ":" + std::to_string(message.n.value) + " on " +
                         message.channel);
    }

    World& world_;
    Outcome& outcome_;
    const Process& who_;
    const Client& client_;
    std::optional<Instant> end_;
    std::uint64_t missing_ = 0;
    const Accepted* last_ = nullptr;
};

}  // namespace

void check_deliveries(World& world, Outcome& outcome) {
    std::map<OriginId, const Process*> alive;
    std::vector<Receiver> receivers;
    for (HostId host = 0; host < world.hosts(); ++host) {
        if (const Process* process = world.process(host); process != nullptr && !process->left) {
            alive[process->oid] = process;
            receivers.push_back({process, {}});
        }
    }
    for (const World::Dead& dead : world.dead()) {
        const std::optional<Instant> leaving = dead.process->leaving_since;  // what its clients get then is the shell's to say
        receivers.push_back({dead.process.get(), std::min(leaving.value_or(dead.at), dead.at)});
    }
    ByChannel messages = by_channel(world);
    for (const Receiver& receiver : receivers) {
        const auto judge = [&](const Client& client) {
            Judgement judgement(world, outcome, receiver, client);
            for (const Accepted* message : messages[client.channel]) {
                const auto origin = alive.find(message->origin);
                judgement.judge(*message, origin == alive.end() ? nullptr : origin->second);
            }
            judgement.conclude();
        };
        receiver.process->edge.for_each_confirmed(judge);
        for (const Client& client : receiver.process->edge.ended()) {
            judge(client);
        }
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
    const bool later = seen != client.seen.end() && !seen->second.empty() && message.n < seen->second.back().n;
    if (later && !client.saw(message.origin, message.n) && client.gap == 0 && !client.was_told(message.at)) {
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
                return s.second->saw(message.origin, message.n).has_value();
            });
            if (!covered || (one == subscribers.end() && !left)) {
                outcome.exempted[covered ? "P4: no survivor had it" : "P4: survivors were cut off"] += subscribers.size();
                continue;
            }
            for (const auto& [process, subscriber] : subscribers) {
                ++outcome.checked_killed;
                if (!subscriber->saw(message.origin, message.n) && subscriber->gap == 0 && !subscriber->was_told(message.at)) {
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
