#include "tools/chaos/owed.hpp"

// When is a message due? Without hindrances after the patience. Every freeze of one of the two nodes, and every cut or
// slowness between the two, is a hindrance. Hindrances are applied in the order of their begin, and each may push the
// due time further, so that the next hindrance may begin before the new due time and count as well.
#include <algorithm>
#include <vector>

#include "tools/chaos/checker.hpp"
#include "tools/chaos/plan.hpp"

namespace tulle::chaos {
namespace {

/// Two processes that begin within this time of each other may miss each other's first seconds.
constexpr Duration kJoin = 3s;

/// A time during which nothing, or not everything, could pass between the two nodes.
struct Hindrance {
    Instant begin;
    Instant end;
    /// True when a session or a connection may have to be made again afterwards.
    bool heal;
    /// True when a loss across the hindrance breaks P6, not P1.
    bool counted;
};

/// Pushes the due times behind a hindrance, if the hindrance can have touched the message.
void extend(Due& due, const Hindrance& hindrance, Instant sent) {
    // Begins after the message was due: no excuse.
    if (hindrance.begin >= due.subscriber) {
        return;
    }
    // Never ends: the message may never arrive.
    if (hindrance.end == kNever) {
        due = {kNever, kNever, hindrance.counted};
        return;
    }
    // Ended before the message was sent, and the mesh had time to heal: no excuse. Otherwise the time to settle begins
    // at the end of the hindrance.
    if (hindrance.end + (hindrance.heal ? kHeal : Duration::zero()) > sent) {
        const Instant settled = hindrance.end + (hindrance.heal ? kThawSettle : kSettle);
        due.origin = std::max(due.origin, settled);
        due.subscriber = std::max(due.subscriber, settled);
        due.heal = due.heal || hindrance.counted;
    }
}

/// True when the later process must have met the earlier: the earlier process was long in the mesh, a seed from before
/// lived on, and no freeze or cut was in the way.
bool could_ask_a_seed(const Timeline& timeline, const Process& earlier, const Process& later, Instant sent) {
    const Instant since = later.start - kHeal;
    if (earlier.start + kJoin > later.start || timeline.stopped_within(earlier.node, since, sent) ||
        timeline.cut_within(earlier.node, since, sent) || timeline.cut_within(later.node, since, sent)) {
        return false;
    }
    return std::any_of(timeline.processes.begin(), timeline.processes.end(), [&](const Process& seed) {
        return seed.node <= kSeeds && seed.node != later.node && seed.start + kJoin < later.start && seed.end > sent &&
               !timeline.stopped_within(seed.node, since, sent);
    });
}

/// True when, by `at`, the process held more than the name of the peer `oid`: a session has existed.
bool has_met(const Timeline& timeline, const Process& process, const std::string& oid, Instant at) {
    const auto list = timeline.views.find(process.node);
    return list != timeline.views.end() && std::any_of(list->second.begin(), list->second.end(), [&](const View& view) {
               const Member* member = view.at <= at && view.oid == process.oid ? find_member(view, oid) : nullptr;
               return member != nullptr && member->state != "joining";
           });
}

}  // namespace

Due due_of(const Timeline& timeline, const Publication& publication, std::uint32_t subscriber, Duration patience) {
    Due due{publication.answered + kOriginLives, publication.answered + patience, false};
    std::vector<Hindrance> hindrances;
    for (const Stop& stop : timeline.stops) {
        if (stop.node == subscriber || stop.node == publication.node) {
            // No session ends by a harmless stall, so nothing has to heal.
            const bool heal = stop.end == kNever || stop.end - stop.begin >= kHarmlessStall;
            hindrances.push_back({stop.begin, stop.end, heal, true});
        }
    }
    for (const Impairment& impairment : timeline.impairments) {
        if (impairment.between(subscriber, publication.node)) {
            hindrances.push_back({impairment.begin, impairment.end, true, impairment.cut});
        }
    }
    std::sort(hindrances.begin(), hindrances.end(),
              [](const Hindrance& a, const Hindrance& b) { return a.begin < b.begin; });
    for (const Hindrance& hindrance : hindrances) {
        extend(due, hindrance, publication.sent);
    }
    return due;
}

bool had_met(const Timeline& timeline, const Publication& publication, const Subscribed& subscription) {
    if (!publication.process || !subscription.process) {
        return false;
    }
    const Process& origin = timeline.processes[*publication.process];
    const Process& reader = timeline.processes[*subscription.process];
    if (*publication.process == *subscription.process) {
        return true;
    }
    // Both sides know each other by their own views.
    if (has_met(timeline, origin, reader.oid, publication.sent) &&
        has_met(timeline, reader, origin.oid, publication.sent)) {
        return true;
    }
    // Views are seen only 20 times a second, so the rest is inferred from the lives of the two processes.
    const bool origin_is_later = origin.start > reader.start;
    const Instant calm = publication.sent - kHeal;
    const auto is_calm = [&](std::uint32_t node) {
        return !timeline.stopped_within(node, calm, publication.sent) &&
               !timeline.cut_within(node, calm, publication.sent);
    };
    if (std::max(origin.start, reader.start) + kJoin < calm && is_calm(origin.node) && is_calm(reader.node)) {
        return true;
    }
    return could_ask_a_seed(timeline, origin_is_later ? reader : origin, origin_is_later ? origin : reader,
                            publication.sent);
}

Instant due_by_witness(const Timeline& timeline, const Publication& publication, std::uint32_t subscriber) {
    for (const Impairment& impairment : timeline.impairments) {
        // The witness needs the time of a freeze detection to be found. A message answered less than kSettle before the
        // heal may as well arrive by the heal.
        if (impairment.cut && impairment.between(subscriber, publication.node) &&
            impairment.begin + kFreezeDetect + kPollSlack < publication.sent &&
            publication.answered + kSettle < impairment.end &&
            timeline.has_witness(subscriber, publication.node, publication.sent)) {
            return impairment.end;
        }
    }
    return kNever;
}

std::string text_of(const Publication& publication, const Subscribed& subscription) {
    return "message " + std::to_string(publication.id.number) + " of publisher " +
           std::to_string(publication.id.publisher) + " (n" + std::to_string(publication.node) + ", sent " +
           at_text(publication.sent) + ", channel " + std::to_string(publication.channel) + ") and subscription " +
           std::to_string(subscription.id) + " (n" + std::to_string(subscription.node) + ", " +
           at_text(subscription.begin) + " to " + (subscription.end == kNever ? "the end" : at_text(subscription.end)) +
           ")";
}

}  // namespace tulle::chaos
