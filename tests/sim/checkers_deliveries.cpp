#include <algorithm>
#include <set>

#include "tests/sim/checkers.hpp"

/// P1, P3 and P4: what was accepted after a client's confirmation reaches that client in time, or it is told in time
/// that just that is missing, also when the client, its node or the origin has gone since. Looked at first is whether
/// the message came; only of what neither came nor was told of is asked whether a promise excuses it, and that is
/// counted by its reason.
namespace tulle::sim {
namespace {

constexpr Duration kLastSecond = 1s;  // P4: what a killed origin accepted less than that before may be lost by all
constexpr Duration kFilledIn = 5s;    // after a death, until the survivors have found out and have filled each other in

/// One process, living or dead, and until when its clients could get something.
struct Receiver {
    const Process* process;
    std::optional<Instant> end;
};

struct Origin {
    const Process* process;
    std::optional<Instant> ended;
};

struct Everybody {
    std::map<OriginId, Origin> origins;
    std::vector<Receiver> receivers;
    // of origins that were killed: the survivors that did
    std::map<std::pair<OriginId, mesh::RecordNo>, std::set<const Process*>> delivered;
};

void for_each_client(const Process& process, const std::function<void(const Client&)>& visit) {
    process.edge.for_each_confirmed(visit);
    for (const Client& client : process.edge.ended()) {
        visit(client);
    }
}

Everybody gather(World& world) {
    Everybody all;
    for (HostId host = 0; host < world.hosts(); ++host) {
        if (const Process* process = world.process(host)) {
            const std::optional<Instant> ended = process->left ? std::optional(world.now()) : std::nullopt;
            all.origins[process->oid] = {process, ended};
            all.receivers.push_back({process, ended});
        }
    }
    for (const World::Dead& dead : world.dead()) {
        // what its clients get then is the shell's to say
        const std::optional<Instant> leaving = dead.process->leaving_since;
        all.origins[dead.process->oid] = {dead.process.get(), dead.at};
        all.receivers.push_back({dead.process.get(), std::min(leaving.value_or(dead.at), dead.at)});
    }
    for (const Receiver& receiver : all.receivers) {
        for_each_client(*receiver.process, [&](const Client& client) {
            for (const auto& [oid, seen] : client.seen) {
                const std::optional<Instant> died = all.origins.at(oid).ended;
                if (died && oid != receiver.process->oid &&
                    receiver.end.value_or(Instant::max()) >= *died + kFilledIn) {
                    for (const Client::Seen& one : seen) {
                        all.delivered[{oid, one.n}].insert(receiver.process);
                    }
                }
            }
        });
    }
    return all;
}

/// Whether the two had met when the message was accepted: before that no promise is made.
bool had_met(const Accepted& message, const Process& origin, const Process& receiver) {
    const auto met = origin.first_session.find(receiver.oid);
    return met != origin.first_session.end() && met->second < message.at;
}

/// A session with whom stood when the process ended.
bool parted_in_session(const Process& leaver, OriginId oid) {
    const mesh::Peer* peer = leaver.node->membership().find(oid);
    return peer != nullptr && peer->in_session();
}

/// All that one client is due, up to its end if it has gone.
class Judgement {
public:
    Judgement(World& world, Outcome& outcome, const Everybody& all, const Receiver& receiver, const Client& client)
        : world_(world), outcome_(outcome), all_(all), who_(*receiver.process), client_(client), end_(client.ended) {
        end_ = receiver.end ? std::min(end_.value_or(*receiver.end), *receiver.end) : end_;
    }

    void judge(const Accepted& message) {
        if (message.at <= *client_.confirmed || (end_ && *end_ <= message.at)) {
            return;  // not its subscriber
        }
        const Origin& origin = all_.origins.at(message.origin);
        const Instant due = world_.due(message.at, origin.process->host, who_.host);
        if (const std::optional<Instant> seen = client_.saw(message.origin, message.n)) {
            count(message, due);
            if (*seen > due) {
                accuse(message, "got late, after " + std::to_string((*seen - message.at) / 1ms) + " ms,");
            }
        } else {
            missing_.push_back({&message, due, excuse(message, origin, due)});
        }
    }

    /// Looks for what the client was told of that accounts for what is missing.
    void conclude() {
        std::vector<Client::Gap> gaps = client_.gaps;
        for (auto it = missing_.rbegin(); it != missing_.rend(); ++it) {  // later ones have less choice
            const Accepted& message = *it->message;
            if (take(gaps, message, it->due)) {
                count(message, it->due);
                ++outcome_.reached["deliveries_told_missing"];
            } else if (it->rule != nullptr) {
                ++outcome_.exempted[it->rule];
            } else {
                count(message, it->due);
                accuse(message, take(gaps, message, Instant::max()) ? "was told late of the loss of"
                                                                    : "was neither given nor told of the loss of");
            }
        }
    }

private:
    struct Missing {
        const Accepted* message;
        Instant due;
        const char* rule;  ///< that excuses it; null: none does
    };

    void count(const Accepted& message, Instant due) {
        const Origin& origin = all_.origins.at(message.origin);
        ++outcome_.checked;
        outcome_.checked_killed += origin.ended && origin.process != &who_ ? 1u : 0u;
        outcome_.reached["deliveries_in_time"] += due == message.at + World::kInTime ? 1u : 0u;
        outcome_.reached["deliveries_to_leavers"] += end_ ? 1u : 0u;
    }

    /// Whether a gap that was told until then may be about the message: one of its own channel, of which each is about
    /// so many messages, or one that may be about any channel.
    static bool take(std::vector<Client::Gap>& gaps, const Accepted& message, Instant until) {
        for (const bool named : {true, false}) {
            for (Client::Gap& gap : gaps) {
                if (gap.named == named && gap.at <= until && (!named || gap.missing > 0) &&
                    gap.may_be(message.origin, message.n, message.at)) {
                    gap.missing -= named ? 1u : 0u;
                    return true;
                }
            }
        }
        return false;
    }

    /// The promise by which the message need neither have come nor be told of; null: there is none.
    [[nodiscard]] const char* excuse(const Accepted& message, const Origin& origin, Instant due) const {
        if (origin.process == &who_) {
            return nullptr;  // its own messages a node delivers when it accepts them
        }
        if (!had_met(message, *origin.process, who_)) {
            return "P1: the two had not met";  // who cannot reach its only seed serves alone
        }
        const bool killed = origin.ended && !origin.process->left;
        const bool cut_off = killed && !world_.quiet(message.at - kSessions, *origin.ended + kFilledIn);
        if (end_ && *end_ <= (killed && !cut_off ? std::min(due, *origin.ended + kFilledIn) : due)) {
            return "P1: under way when its client went";
        }
        if (!origin.ended) {
            return nullptr;
        }
        if (!killed) {
            const bool may_say = parted_in_session(*origin.process, who_.oid);
            return !may_say ? "P1: cut off from an origin that left"
                            : (origin.process->left_late ? "P1: its origin left at its deadline" : nullptr);
        }
        if (cut_off) {
            return "P3: cut off from an origin that was killed";
        }
        const bool may_be_lost = *origin.ended - message.at < kLastSecond && !has_later(message, *origin.ended) &&
                                 !all_.delivered.contains({message.origin, message.n});
        return may_be_lost ? "P4: accepted in the last second of its origin, and lost by all" : nullptr;
    }

    /// Whether a later message of the origin has shown this node that the message is missing. One that another node has
    /// filled in after the death has not: what that node has no subscribers for is missing there as well.
    [[nodiscard]] bool has_later(const Accepted& message, Instant ended) const {
        const auto seen = client_.seen.find(message.origin);
        return seen != client_.seen.end() &&
               std::any_of(seen->second.begin(), seen->second.end(), [&](const Client::Seen& one) {
                   const auto delivered = all_.delivered.find({message.origin, one.n});
                   const bool may_be_filled_in = one.at > ended && delivered != all_.delivered.end() &&
                                                 std::any_of(delivered->second.begin(), delivered->second.end(),
                                                             [&](const Process* process) { return process != &who_; });
                   return message.n < one.n && !may_be_filled_in;
               });
    }

    void accuse(const Accepted& message, const std::string& what) const {
        const Origin& origin = all_.origins.at(message.origin);
        const std::string fate = !origin.ended ? "" : (origin.process->left ? "the leaver " : "the killed ");
        const auto other = all_.delivered.find({message.origin, message.n});
        world_.violation(
            (origin.ended ? "P4 " : "P1 ") + world_.name_of(who_.oid) + ": client " + std::to_string(client_.id) +
            (end_ ? ", gone since, " : " ") + what + " " + std::to_string(message.n.value) + " of " + fate +
            world_.name_of(message.origin) + " on " + message.channel +
            (other == all_.delivered.end() ? ""
                                           : "; " + world_.name_of((*other->second.begin())->oid) + " did get it"));
    }

    World& world_;
    Outcome& outcome_;
    const Everybody& all_;
    const Process& who_;
    const Client& client_;
    std::optional<Instant> end_;
    std::vector<Missing> missing_;
};

}  // namespace

void check_deliveries(World& world, Outcome& outcome) {
    const Everybody all = gather(world);
    std::map<std::string, std::vector<const Accepted*>> messages;  // by channel
    for (const Accepted& message : world.accepted()) {
        messages[message.channel].push_back(&message);
    }
    for (const Receiver& receiver : all.receivers) {
        for_each_client(*receiver.process, [&](const Client& client) {
            Judgement judgement(world, outcome, all, receiver, client);
            for (const Accepted* message : messages[client.channel]) {
                judgement.judge(*message);
            }
            judgement.conclude();
        });
    }
}

}  // namespace tulle::sim
