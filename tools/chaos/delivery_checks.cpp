// The checks of messages. Each subscription is judged by itself: first every accepted message that the subscription
// should have (P1, or P6 where a freeze or a cut delayed the message), then the order of deliveries (P2), then holes
// between deliveries (P3). P4 compares the subscriptions of survivors with each other.
//
// Exemptions are asked in a fixed order, and announced gaps come last: a gap excuses a limited number of losses, so
// losses excused by another rule must not use the gap up.
#include <algorithm>
#include <map>
#include <set>

#include "tools/chaos/checker.hpp"
#include "tools/chaos/gap_budget.hpp"
#include "tools/chaos/owed.hpp"

namespace tulle::chaos {
namespace {

/// A delivery between nodes that takes longer is reported as late: such a message has probably waited for a repair.
constexpr Duration kLate = 20ms;

/// P1, and P6 for messages delayed by a freeze or a cut: a message accepted after the confirmation arrives.
class Arrival {
public:
    Arrival(const Timeline& timeline, Report& report, const Subscribed& subscription,
            const std::map<MessageId, Instant>& got)
        : timeline_(timeline), report_(report), subscription_(subscription), got_(got), gaps_(timeline, subscription) {}

    /// Judges a message accepted within the time of the subscription. Every message is a check.
    void judge(const Publication& publication) {
        // Arrived: only the moment is left to judge.
        if (const auto found = got_.find(publication.id); found != got_.end()) {
            const Due due = due_of(timeline_, publication, subscription_.node, kSettle);
            ++verdict_of(report_, due.heal ? "P6" : "P1").checked;
            judge_moment(publication, due, found->second);
            return;
        }
        // Lost. A subscription that ends soon after the message may still owe the message: kPrompt is the shorter bound
        // for a subscription without the time of kSettle.
        const Instant end = std::min(subscription_.end, timeline_.end);
        Due due = due_of(timeline_, publication, subscription_.node, kSettle);
        if (end < due.subscriber) {
            const bool is_rotating = timeline_.is_within(FaultKind::kRotate, publication.answered);
            due = due_of(timeline_, publication, subscription_.node, is_rotating ? kPromptOfRotation : kPrompt);
        }
        Verdict& verdict = verdict_of(report_, due.heal ? "P6" : "P1");
        ++verdict.checked;
        if (!publication.process || origin_gone(publication, due)) {
            verdict.exempt("its origin was killed too soon");
        } else if (end < due.subscriber) {
            verdict.exempt("the subscription ended while it was on its way");
        } else if (!had_met(timeline_, publication, subscription_)) {
            verdict.exempt("the two nodes had not met");
        } else if (gaps_.take(publication)) {
            verdict.exempt("a gap was announced");
        } else {
            verdict.violate("lost: " + text_of(publication, subscription_));
        }
    }

private:
    /// A message that arrives must arrive in time: by the due time, and across a cut by way of a witness.
    void judge_moment(const Publication& publication, const Due& due, Instant at) {
        if (at - publication.answered <= kSettle) {
            return;
        }
        if (at > due.subscriber) {
            verdict_of(report_, due.heal ? "P6" : "P3")
                .violate("late, at " + at_text(at) + ": " + text_of(publication, subscription_));
        } else if (at > due_by_witness(timeline_, publication, subscription_.node)) {
            verdict_of(report_, "P1").violate("no witness passed it on: " + text_of(publication, subscription_));
        }
    }

    /// True when the origin ended before the message was due. A process that leaves on purpose passes on all accepted
    /// messages first, so leaving excuses nothing unless a freeze or a cut was in the way.
    [[nodiscard]] bool origin_gone(const Publication& publication, const Due& due) const {
        const Process& origin = timeline_.processes[*publication.process];
        return origin.end < due.origin && (origin.ending != "leave" || due.heal);
    }

    const Timeline& timeline_;
    Report& report_;
    const Subscribed& subscription_;
    const std::map<MessageId, Instant>& got_;
    GapBudget gaps_;
};

/// P2: no message twice, no message of another channel, no refused message, and numbers of an origin grow. A message
/// without an answer in time may have been late at the origin, so the message has no place in the order.
void check_order(const Timeline& timeline, const Subscribed& subscription, Report& report) {
    Verdict& verdict = verdict_of(report, "P2");
    std::set<MessageId> seen;
    std::map<std::pair<std::uint32_t, std::size_t>, std::uint64_t> newest;
    for (const Delivery& delivery : subscription.deliveries) {
        ++verdict.checked;
        const auto found = timeline.by_id.find(delivery.id);
        if (found == timeline.by_id.end()) {
            verdict.violate("delivered but never published: number " + std::to_string(delivery.id.number) +
                            " of publisher " + std::to_string(delivery.id.publisher));
            continue;
        }
        const Publication& publication = timeline.publications[found->second];
        if (!seen.insert(delivery.id).second) {
            verdict.violate("twice: " + text_of(publication, subscription));
        } else if (publication.channel != subscription.channel) {
            verdict.violate("wrong channel: " + text_of(publication, subscription));
        } else if (publication.outcome == EventKind::kRefused) {
            verdict.violate("refused and yet delivered: " + text_of(publication, subscription));
        } else if (publication.outcome != EventKind::kAccepted || !publication.process) {
            verdict.exempt("without an answer, so without a place in the order");
        } else {
            std::uint64_t& last = newest[{delivery.id.publisher, *publication.process}];
            if (delivery.id.number < last) {
                verdict.violate("after number " + std::to_string(last) + ": " + text_of(publication, subscription));
            }
            last = std::max(last, delivery.id.number);
        }
    }
}

/// P3: between two delivered messages of an origin nothing is missing except messages excused by announced gaps.
void check_holes(const Timeline& timeline, const std::vector<const Publication*>& published,
                 const Subscribed& subscription, const std::map<MessageId, Instant>& got, Report& report) {
    Verdict& verdict = verdict_of(report, "P3");
    // Messages missing since the last delivery of their origin wait in `missing`. The next delivery of the origin turns
    // the wait into a hole; without a next delivery the loss is P1's matter. Messages before the first delivery of an
    // origin are P1's matter, too.
    GapBudget gaps(timeline, subscription);
    std::map<std::pair<std::uint32_t, std::size_t>, std::vector<const Publication*>> missing;
    std::set<std::pair<std::uint32_t, std::size_t>> begun;
    for (const Publication* publication : published) {
        if (!publication->process || publication->outcome != EventKind::kAccepted ||
            publication->sent <= subscription.begin) {
            continue;
        }
        const std::pair origin{publication->id.publisher, *publication->process};
        if (!got.contains(publication->id)) {
            if (begun.contains(origin)) {
                missing[origin].push_back(publication);
            }
            continue;
        }
        ++verdict.checked;
        begun.insert(origin);
        for (const Publication* hole : missing[origin]) {
            ++verdict.checked;
            if (gaps.take(*hole)) {
                verdict.exempt("a gap was announced");
            } else {
                verdict.violate("skipped in silence: " + text_of(*hole, subscription));
            }
        }
        missing[origin].clear();
    }
}

/// Collects the times from publish to delivery.
void add_samples(const Timeline& timeline, const std::map<MessageId, Instant>& got, const Subscribed& subscription,
                 Report& report) {
    for (const auto& [id, at] : got) {
        const auto found = timeline.by_id.find(id);
        if (found == timeline.by_id.end()) {
            continue;
        }
        const Publication& publication = timeline.publications[found->second];
        const Duration took = at - publication.sent;
        report.delivery.values.push_back(took);
        if (took > kLate && publication.node != subscription.node) {
            report.repair.values.push_back(took);
        }
    }
}

}  // namespace

void check_deliveries(const Timeline& timeline, Report& report) {
    std::map<std::uint32_t, std::vector<const Publication*>> by_channel;
    for (const Publication& publication : timeline.publications) {
        by_channel[publication.channel].push_back(&publication);
        report.messages += publication.outcome == EventKind::kAccepted ? 1 : 0;
    }
    for (const auto& [id, subscription] : timeline.subscriptions) {
        // A duplicate keeps the first arrival; check_order() reports the second.
        std::map<MessageId, Instant> got;
        for (const Delivery& delivery : subscription.deliveries) {
            got.emplace(delivery.id, delivery.at);
        }
        report.deliveries += subscription.deliveries.size();
        const std::vector<const Publication*>& published = by_channel[subscription.channel];
        Arrival arrival(timeline, report, subscription, got);
        for (const Publication* publication : published) {
            if (publication->outcome == EventKind::kAccepted && publication->sent > subscription.begin &&
                publication->sent < subscription.end) {
                arrival.judge(*publication);
            }
        }
        check_order(timeline, subscription, report);
        check_holes(timeline, published, subscription, got, report);
        add_samples(timeline, got, subscription, report);
    }
}

namespace {

/// The subscriptions that must agree about the last messages of a killed process: on other nodes, from before the kill
/// until kSettle after the kill, with neither freezes nor cuts at the node around the kill.
std::vector<const Subscribed*> witnesses(const Timeline& timeline, const Process& killed) {
    std::vector<const Subscribed*> out;
    for (const auto& [id, subscription] : timeline.subscriptions) {
        if (subscription.node != killed.node && subscription.begin < killed.end &&
            std::min(subscription.end, timeline.end) > killed.end + kSettle &&
            !timeline.stopped_within(subscription.node, killed.end - kThawSettle, killed.end + kSettle) &&
            !timeline.cut_within(subscription.node, killed.end - kThawSettle, killed.end + kSettle)) {
            out.push_back(&subscription);
        }
    }
    return out;
}

/// The messages of a survivor, and the losses excused by the survivor's gaps.
struct Had {
    std::set<MessageId> ids;
    GapBudget gaps;
};

/// Judges a single message of the killed process over all surviving subscriptions.
void check_agreement(const Timeline& timeline, const Publication& publication,
                     const std::vector<const Subscribed*>& subscriptions, std::map<std::uint32_t, Had>& had,
                     Verdict& verdict) {
    std::vector<const Subscribed*> without;
    std::size_t with = 0;
    // Subscriptions to other channels, later subscriptions, and nodes that had not met the origin have no say.
    for (const Subscribed* subscription : subscriptions) {
        if (subscription->channel != publication.channel || publication.sent < subscription->begin ||
            !had_met(timeline, publication, *subscription)) {
            continue;
        }
        if (had.at(subscription->id).ids.contains(publication.id)) {
            ++with;
        } else {
            without.push_back(subscription);
        }
    }
    if (with == 0) {
        if (!without.empty()) {
            ++verdict.checked;
            // The promise allows a loss by all; the note counts such losses.
            ++verdict.notes["lost by all"];
        }
        return;
    }
    verdict.checked += with + without.size();
    for (const Subscribed* subscription : without) {
        if (had.at(subscription->id).gaps.take(publication)) {
            verdict.exempt("a gap was announced");
        } else {
            verdict.violate("others have it: " + text_of(publication, *subscription));
        }
    }
}

}  // namespace

void check_killed_origins(const Timeline& timeline, Report& report) {
    Verdict& verdict = verdict_of(report, "P4");
    for (std::size_t i = 0; i < timeline.processes.size(); ++i) {
        const Process& killed = timeline.processes[i];
        if (killed.ending != "kill") {
            continue;
        }
        const std::vector<const Subscribed*> subscriptions = witnesses(timeline, killed);
        std::map<std::uint32_t, Had> had;
        for (const Subscribed* subscription : subscriptions) {
            Had& survivor = had.emplace(subscription->id, Had{{}, {timeline, *subscription}}).first->second;
            for (const Delivery& delivery : subscription->deliveries) {
                survivor.ids.insert(delivery.id);
            }
        }
        // Only messages close to the kill are in question. The process is set by hand: a message without an answer has
        // no certain process in the history, but survivors must agree about such a message, too.
        for (Publication publication : timeline.publications) {
            if (publication.node == killed.node && publication.sent > killed.end - kOriginLives - kOriginLives &&
                publication.sent <= killed.end && publication.outcome != EventKind::kRefused) {
                publication.process = i;
                check_agreement(timeline, publication, subscriptions, had, verdict);
            }
        }
    }
}

}  // namespace tulle::chaos
