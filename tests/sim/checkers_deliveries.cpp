#include <algorithm>
#include <set>

#include "tests/sim/checkers.hpp"

// P1, P3, P4 and P11. A message accepted after a client's confirmation reaches the client in time, or the client is
// told in time of exactly this loss, also when the client, the client's node or the origin has gone since. The first
// question is whether the message came. Only for a message that neither came nor was told of, the second question is
// whether a promise excuses the loss; excuses are counted by reason.
namespace tulle::sim {
namespace {

/// P4: messages accepted within this time before the kill of their origin may be lost by all.
constexpr Duration kLastSecond = 1s;
/// After a death, until the survivors have found out and have filled each other in.
constexpr Duration kFilledIn = 5s;

/// A process, living or dead, and until when the clients of the process could get messages.
struct Receiver {
    const Process* process;
    std::optional<Instant> end;
};

/// A process as an origin, and the end of the process.
struct Origin {
    const Process* process;
    std::optional<Instant> ended;
};

/// All processes that ever ran.
struct Everybody {
    std::map<OriginId, Origin> origins;
    std::vector<Receiver> receivers;
    // By message of an origin that has ended: the survivors that got the message.
    std::map<std::pair<OriginId, mesh::RecordNo>, std::set<const Process*>> delivered;
};

/// Visits all clients of a process that were ever confirmed.
void for_each_client(const Process& process, const std::function<void(const Client&)>& visit) {
    process.edge.for_each_confirmed(visit);
    for (const Client& client : process.edge.ended()) {
        visit(client);
    }
}

/// Collects the living and the dead.
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
        // After a leave begins, the shell decides about deliveries to the leaver's own clients, so nothing is judged.
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

/// True when the two had met when the message was accepted. Before a meeting nothing is promised. Of an origin that was
/// killed soon after, the receiver must have known, too: an origin that lives on tells the receiver what the receiver
/// has missed. A receiver that has not met the origin for kFilledIn is not excused.
bool had_met(const Accepted& message, const Origin& origin, const Process& receiver) {
    const auto met = origin.process->first_session.find(receiver.oid);
    if (met == origin.process->first_session.end() || met->second >= message.asked) {
        return false;
    }
    const auto known = receiver.first_session.find(origin.process->oid);
    const bool was_killed = origin.ended && !origin.process->left;
    const bool is_known = known != receiver.first_session.end() && (!was_killed || known->second <= *origin.ended);
    return is_known || !was_killed || *origin.ended - met->second > kFilledIn;
}

/// True when the leaver had a session with the peer at the end.
bool parted_in_session(const Process& leaver, OriginId oid) {
    const mesh::Peer* peer = leaver.node->membership().find(oid);
    return peer != nullptr && peer->in_session();
}

/// Judges all messages due to a single client, up to the end of a client that has gone.
class Judgement {
public:
    Judgement(World& world, Outcome& outcome, const Everybody& all, const Receiver& receiver, const Client& client)
        : world_(world), outcome_(outcome), all_(all), who_(*receiver.process), client_(client), end_(client.ended) {
        end_ = receiver.end ? std::min(end_.value_or(*receiver.end), *receiver.end) : end_;
    }

    /// Judges a message on the client's channel. Losses wait for conclude().
    void judge(const Accepted& message) {
        // Not a subscriber when the message was accepted.
        if (message.asked <= *client_.confirmed || (end_ && *end_ <= message.at)) {
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

    /// Looks for gaps told to the client that account for the losses.
    void conclude() {
        std::vector<Client::Gap> gaps = client_.gaps;
        // Later losses have fewer gaps to choose from, so later losses choose first.
        for (auto it = missing_.rbegin(); it != missing_.rend(); ++it) {
            const Accepted& message = *it->message;
            if (it->rule == nullptr && is_acknowledged(message, all_.origins.at(message.origin))) {
                // P11 knows no gap.
                accuse(message, "was not given");
            } else if (take(gaps, message, it->due)) {
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
    /// A message that did not come.
    struct Missing {
        const Accepted* message;
        Instant due;
        /// The rule that excuses the loss; null: none.
        const char* rule;
    };

    /// Counts a check.
    void count(const Accepted& message, Instant due) {
        const Origin& origin = all_.origins.at(message.origin);
        ++outcome_.checked;
        outcome_.checked_killed += origin.ended && origin.process != &who_ ? 1u : 0u;
        outcome_.reached["deliveries_in_time"] += due == message.at + World::kInTime ? 1u : 0u;
        outcome_.reached["deliveries_to_leavers"] += end_ ? 1u : 0u;
        outcome_.reached["acknowledged_of_killed"] += is_acknowledged(message, origin) ? 1u : 0u;
    }

    /// True when a gap told until `until` may be about the message. Gaps of the message's own channel come first, each
    /// for the announced number of messages; then gaps that may be about any channel.
    static bool take(std::vector<Client::Gap>& gaps, const Accepted& message, Instant until) {
        for (const bool named : {true, false}) {
            for (Client::Gap& gap : gaps) {
                if (gap.named == named && gap.at <= until && (!named || gap.missing > 0) &&
                    gap.may_be(message.origin, message.n, message.asked)) {
                    gap.missing -= named ? 1u : 0u;
                    return true;
                }
            }
        }
        return false;
    }

    /// The rule by which the message need neither have come nor be told of; null without a rule.
    [[nodiscard]] const char* excuse(const Accepted& message, const Origin& origin, Instant due) const {
        // A node delivers its own messages when accepting them.
        if (origin.process == &who_) {
            return nullptr;  // its own messages a node delivers when it accepts them
        }
        // A node that cannot reach the only seed serves alone.
        if (!had_met(message, origin, who_)) {
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
        return may_be_lost && !is_acknowledged(message, origin)
                   ? "P4: accepted in the last second of its origin, and lost by all"
                   : nullptr;
    }

    /// P11: the origin was killed within a second, and of the nodes that held the message one has lived on at least.
    [[nodiscard]] bool is_acknowledged(const Accepted& message, const Origin& origin) const {
        if (message.copies == 0 || !origin.ended || origin.process->left || *origin.ended - message.at >= kLastSecond) {
            return false;
        }
        const auto ended = std::count_if(all_.origins.begin(), all_.origins.end(), [&](const auto& entry) {
            const std::optional<Instant>& at = entry.second.ended;
            return at && *at >= message.asked && *at <= *origin.ended + kFilledIn;
        });
        return static_cast<std::uint32_t>(ended) < message.copies;
    }

    /// True when a later message of the origin has shown this node the loss. A later message filled in by another node
    /// after the death has not: the other node lacks messages without subscribers there.
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

    /// Reports a violation with all that helps to find the cause.
    void accuse(const Accepted& message, const std::string& what) const {
        const Origin& origin = all_.origins.at(message.origin);
        const std::string fate = !origin.ended ? "" : (origin.process->left ? "the leaver " : "the killed ");
        const auto other = all_.delivered.find({message.origin, message.n});
        world_.violation((is_acknowledged(message, origin) ? "P11 " : (origin.ended ? "P4 " : "P1 ")) +
                         world_.name_of(who_.oid) + ": client " + std::to_string(client_.id) +
                         (end_ ? ", gone since, " : " ") + what + " " + std::to_string(message.n.value) + " of " +
                         fate + world_.name_of(message.origin) + " on " + message.channel +
                         (other == all_.delivered.end()
                              ? ""
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
    // By channel.
    std::map<std::string, std::vector<const Accepted*>> messages;
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
