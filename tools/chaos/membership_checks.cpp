// P5. An observer is a process, a victim is another process, and the views of the observer tell when the observer held
// the victim for dead. Victims that really died or were out of reach for long must be found in time; victims that
// merely stalled, and all living processes outside faults, must not be held for dead.
#include <algorithm>

#include "tools/chaos/checker.hpp"

namespace tulle::chaos {
namespace {

/// Within this time all directions of a fault are cut. The run records each direction by itself.
constexpr Duration kCutTogether = 200ms;

/// Observer, other process and moment in words.
std::string pair_text(const Process& observer, const Process& other, Instant at) {
    return "n" + std::to_string(observer.node) + " about n" + std::to_string(other.node) + " (" + other.oid + ") at " +
           at_text(at);
}

/// When `observer` was first seen, at `from` or later, to hold `oid` for dead; kNever for an observer that never did.
Instant first_dead(const Timeline& timeline, const Process& observer, const std::string& oid, Instant from) {
    const auto list = timeline.views.find(observer.node);
    if (list != timeline.views.end()) {
        for (const View& view : list->second) {
            if (view.at >= from && view.oid == observer.oid && !holds_alive(view, oid)) {
                return view.at;
            }
        }
    }
    return kNever;
}

/// True when the observer could judge `victim` from `at` on: the observer lived, and had a session with the victim. A
/// process still joining has no verdict to make.
bool is_judge(const Timeline& timeline, const Process& observer, const Process& victim, Instant at) {
    if (observer.node == victim.node || observer.start >= at || observer.end <= at || victim.oid.empty()) {
        return false;
    }
    const View* view = timeline.view_at(observer, at);
    const Member* member = view != nullptr ? find_member(*view, victim.oid) : nullptr;
    return member != nullptr && has_session(*member);
}

/// A detection to be judged.
struct Wait {
    const Process& observer;
    const Process& victim;
    Instant begin;
    /// By then the observer must hold the victim for dead.
    Instant enough;
    /// True: the cut itself is the reason for death, so the cut does not excuse the observer.
    bool by_cut = false;
};

/// Adds a detection time, an exemption or a violation.
void judge_detection(const Timeline& timeline, const Wait& wait, Samples& samples, Verdict& verdict) {
    ++verdict.checked;
    const Instant seen = first_dead(timeline, wait.observer, wait.victim.oid, wait.begin);
    // Only the time up to the detection, or up to the bound, can excuse the observer.
    const Instant last = std::min({wait.enough, seen, timeline.end});
    const bool was_cut =
        !wait.by_cut && timeline.cut_within(wait.observer.node, wait.victim.node, wait.begin - kHeal, last);
    if (timeline.stopped_within(wait.observer.node, wait.begin - kHeal, last) || wait.observer.end < last || was_cut) {
        verdict.exempt("the observer was frozen, was cut off from it or ended");
    } else if (seen != kNever && seen <= wait.enough) {
        samples.values.push_back(seen - wait.begin);
    } else if (wait.enough > std::min(timeline.end, wait.observer.end)) {
        verdict.exempt("the run or the observer ended first");
    } else {
        verdict.violate("death not seen in time: " + pair_text(wait.observer, wait.victim, wait.begin));
    }
}

/// Every survivor must find every killed process, and the times over all must be short.
void check_kills(const Timeline& timeline, Report& report) {
    Verdict& verdict = verdict_of(report, "P5");
    for (const Process& victim : timeline.processes) {
        if (victim.ending != "kill") {
            continue;
        }
        // A process keeps its connections until the system has ended the process, so no survivor can notice a death
        // before.
        const bool lingered = victim.reaped != kNever && victim.reaped - victim.end > kPollSlack;
        for (const Process& observer : timeline.processes) {
            if (!is_judge(timeline, observer, victim, victim.end)) {
                continue;
            }
            if (lingered) {
                ++verdict.checked;
                verdict.exempt("the system took long to end the killed process");
            } else {
                judge_detection(timeline, {observer, victim, victim.end, victim.end + kFreezeDetect + kPollSlack},
                                report.detection, verdict);
            }
        }
    }
    // The bounds of the median and of p99 hold for the run as a whole.
    const Duration median = report.detection.median();
    const Duration p99 = report.detection.percentile(99);
    if (median > kDetectMedian || p99 > kDetectP99) {
        verdict.violate("kills are seen late: median " + at_text(Instant(median)) + " s, p99 " + at_text(Instant(p99)) +
                        " s");
    }
}

/// A harmless stall is a violation when `observer` holds the living victim for dead during the stall or soon after.
void judge_stall(const Timeline& timeline, const Process& observer, const Process& victim, Instant begin, Instant end,
                 Verdict& verdict) {
    ++verdict.checked;
    const Instant dead = first_dead(timeline, observer, victim.oid, begin);
    if (dead < std::min(victim.end, end + kHarmlessStall)) {
        verdict.violate("killed by a stall of " + at_text(Instant(end - begin)) +
                        " s: " + pair_text(observer, victim, dead));
    }
}

/// Long freezes must be found, short freezes must not. Between the two bounds either verdict is right.
void check_freeze(const Timeline& timeline, const Stop& stop, const Process& victim, Report& report) {
    Verdict& verdict = verdict_of(report, "P5");
    const Duration length = stop.end - stop.begin;
    for (const Process& observer : timeline.processes) {
        if (!is_judge(timeline, observer, victim, stop.begin)) {
            continue;
        }
        if (length >= kFreezeDetect + kPollSlack) {
            judge_detection(timeline, {observer, victim, stop.begin, stop.begin + kFreezeDetect + kPollSlack},
                            report.freeze_detection, verdict);
        } else if (length < kHarmlessStall) {
            judge_stall(timeline, observer, victim, stop.begin, stop.end, verdict);
        }
    }
}

/// True when the two nodes could not hear of each other: both directions were cut, and no third node reached both.
bool is_out_of_reach(const Timeline& timeline, const Impairment& cut) {
    return cut.cut && cut.end != kNever && timeline.is_cut(cut.to, cut.from, cut.begin + kCutTogether) &&
           !timeline.has_witness(cut.from, cut.to, cut.begin + kCutTogether);
}

/// A node out of reach must be found dead in time, like a frozen node. A node heard by a witness must not.
void check_cut(const Timeline& timeline, const Impairment& cut, Report& report) {
    Verdict& verdict = verdict_of(report, "P5");
    const auto from = timeline.process_at(cut.from, cut.begin);
    const auto to = timeline.process_at(cut.to, cut.begin);
    if (!from || !to || cut.end == kNever) {
        return;
    }
    const Process& victim = timeline.processes[*from];
    const Process& observer = timeline.processes[*to];
    const Duration length = cut.end - cut.begin;
    if (!is_judge(timeline, observer, victim, cut.begin)) {
        return;
    }
    if (!is_out_of_reach(timeline, cut) || length < kHarmlessStall) {
        judge_stall(timeline, observer, victim, cut.begin, cut.end, verdict);
    } else if (length >= kFreezeDetect + kPollSlack) {
        judge_detection(timeline, {observer, victim, cut.begin, cut.begin + kFreezeDetect + kPollSlack, true},
                        report.cut_detection, verdict);
    }
}

/// Outside faults no living process may be held for dead.
void check_living(const Timeline& timeline, Report& report) {
    Verdict& verdict = verdict_of(report, "P5");
    for (const Process& observer : timeline.processes) {
        for (const Process& other : timeline.processes) {
            if (observer.node == other.node || observer.oid.empty() || other.oid.empty()) {
                continue;
            }
            const Instant from = std::max(observer.start, other.start);
            const auto list = timeline.views.find(observer.node);
            // Only views of this very observer, during the life of both processes, count.
            for (const View& view : list == timeline.views.end() ? std::vector<View>{} : list->second) {
                const Member* member = find_member(view, other.oid);
                if (view.oid != observer.oid || view.at < from || view.at >= std::min(other.end, observer.end) ||
                    member == nullptr) {
                    continue;
                }
                ++verdict.checked;
                // A process that is about to leave says so to its peers before the end, so "left" comes early.
                const bool leaving =
                    other.ending == "leave" && (member->state == "left" || view.at + kHeal > other.end);
                const bool dead = member->state == "dead" || member->state == "left";
                if (!dead || leaving) {
                    continue;
                }
                // Within kHeal after a freeze or a cut the verdict may still stand. Such views are counted, not judged.
                if (timeline.stopped_within(other.node, view.at - kHeal, view.at) ||
                    timeline.stopped_within(observer.node, view.at - kHeal, view.at) ||
                    timeline.cut_within(observer.node, other.node, view.at - kHeal, view.at)) {
                    ++verdict.notes["held for dead while frozen or cut off, or less than 5 s later"];
                } else {
                    verdict.violate("held for dead while alive: " + pair_text(observer, other, view.at));
                }
            }
        }
    }
}

}  // namespace

void check_membership(const Timeline& timeline, Report& report) {
    check_kills(timeline, report);
    for (const Stop& stop : timeline.stops) {
        const auto victim = timeline.process_at(stop.node, stop.begin);
        // A freeze without an end in the history has no known length.
        if (victim && stop.end != kNever) {
            check_freeze(timeline, stop, timeline.processes[*victim], report);
        }
    }
    for (const Impairment& impairment : timeline.impairments) {
        if (impairment.cut) {
            check_cut(timeline, impairment, report);
        }
    }
    check_living(timeline, report);
}

}  // namespace tulle::chaos
