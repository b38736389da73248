// P8. Publishers send canaries all the time, and a client of each node listens to the canaries' channel. A pair of
// nodes is deaf when the second node was owed canaries of the first in a quiet time and got none. A single arrival is
// enough: losses are the matter of P1.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "tools/chaos/checker.hpp"

namespace tulle::chaos {
namespace {

/// A shorter quiet time is not judged, as no canary may have fallen into the time.
constexpr Duration kShortestQuiet = 500ms;

/// A time in which every pair must carry canaries: the mesh has had time to be whole, and no fault is under way.
struct Quiet {
    Instant begin;
    Instant end;
    /// The time after the last fault, in which even the lack of canaries is a violation.
    bool is_last = false;
};

/// All quiet times of a run, each from kHeal after a fault until the next fault.
std::vector<Quiet> quiet_times(const Timeline& timeline) {
    std::vector<Quiet> out;
    for (std::size_t i = 0; i < timeline.faults.size(); ++i) {
        const bool is_last = i + 1 == timeline.faults.size();
        const Instant end = is_last ? timeline.end : timeline.faults[i + 1].at;
        const Quiet quiet{timeline.faults[i].at + kHeal, end, is_last};
        if (!timeline.faults[i].begins && quiet.end - quiet.begin >= kShortestQuiet) {
            out.push_back(quiet);
        }
    }
    return out;
}

/// By node: the canaries accepted by the node within the quiet time.
std::map<std::uint32_t, std::vector<const Publication*>> canaries_in(const Timeline& timeline, const Quiet& quiet) {
    std::map<std::uint32_t, std::vector<const Publication*>> out;
    for (const Publication& publication : timeline.publications) {
        if (publication.canary && publication.sent >= quiet.begin && publication.answered <= quiet.end &&
            publication.outcome == EventKind::kAccepted) {
            out[publication.node].push_back(&publication);
        }
    }
    return out;
}

/// By node: the messages that arrived there.
using Heard = std::map<std::uint32_t, std::set<MessageId>>;

/// The canaries that arrived at each node, at any client.
Heard heard_canaries(const Timeline& timeline) {
    Heard heard;
    for (const auto& [id, subscription] : timeline.subscriptions) {
        for (const Delivery& delivery : subscription.deliveries) {
            const auto found = timeline.by_id.find(delivery.id);
            if (found != timeline.by_id.end() && timeline.publications[found->second].canary) {
                heard[subscription.node].insert(delivery.id);
            }
        }
    }
    return heard;
}

/// True when the canary had to be heard at the node: origin and a subscription there went on for long enough.
bool is_owed(const Timeline& timeline, const Publication& canary, std::uint32_t to) {
    if (!canary.process || timeline.processes[*canary.process].end < canary.sent + kOriginLives) {
        return false;
    }
    return std::any_of(timeline.subscriptions.begin(), timeline.subscriptions.end(), [&](const auto& item) {
        const Subscribed& subscription = item.second;
        return subscription.node == to && subscription.channel == canary.channel && subscription.begin < canary.sent &&
               std::min(subscription.end, timeline.end) >= canary.answered + kSettle;
    });
}

/// From origin to subscriber, as node numbers.
struct Pair {
    std::uint32_t from;
    std::uint32_t to;
};

/// Judges a pair in a quiet time.
void judge_pair(const Timeline& timeline, const Pair& pair, const Quiet& quiet,
                const std::vector<const Publication*>& canaries, const std::set<MessageId>& heard, Verdict& verdict) {
    std::size_t owed = 0;
    bool carried = false;
    for (const Publication* canary : canaries) {
        if (is_owed(timeline, *canary, pair.to)) {
            ++owed;
            carried = carried || heard.contains(canary->id);
        }
    }
    const std::string text =
        "n" + std::to_string(pair.from) + " to n" + std::to_string(pair.to) + " from " + at_text(quiet.begin) + " on";
    // Without an owed canary a pair is judged only at the end of the run, when publishers have sent a last canary each.
    if (owed > 0 || quiet.is_last) {
        ++verdict.checked;
    }
    if (owed > 0 && !carried) {
        verdict.violate("deaf: " + text);
    } else if (owed == 0 && quiet.is_last) {
        verdict.violate("nothing accepted, or nobody subscribed: " + text);
    }
}

}  // namespace

void check_pairs(const Timeline& timeline, Report& report) {
    Verdict& verdict = verdict_of(report, "P8");
    Heard heard = heard_canaries(timeline);
    for (const Quiet& quiet : quiet_times(timeline)) {
        auto canaries = canaries_in(timeline, quiet);
        for (std::uint32_t from = 1; from <= timeline.nodes; ++from) {
            for (std::uint32_t to = 1; to <= timeline.nodes; ++to) {
                if (from != to) {
                    judge_pair(timeline, {from, to}, quiet, canaries[from], heard[to], verdict);
                }
            }
        }
    }
}

}  // namespace tulle::chaos
