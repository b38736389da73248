#include <algorithm>

#include "tools/chaos/checker.hpp"

namespace tulle::chaos {
namespace {

/// Within this all that a fault cuts is cut.
constexpr Duration kCutTogether = 200ms;

std::string pair_text(const Process& observer, const Process& other, Instant at) {
    return "n" + std::to_string(observer.node) + " about n" + std::to_string(other.node) + " (" + other.oid + ") at " +
           at_text(at);
}

/// When `observer` was first seen to hold `oid` for dead, from `from` on.
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

/// Those that could judge `victim` from `at` on: they had a session with it. One that is still joining has no verdict
/// to make.
bool is_judge(const Timeline& timeline, const Process& observer, const Process& victim, Instant at) {
    if (observer.node == victim.node || observer.start >= at || observer.end <= at || victim.oid.empty()) {
        return false;
    }
    const View* view = timeline.view_at(observer, at);
    const Member* member = view != nullptr ? find_member(*view, victim.oid) : nullptr;
    return member != nullptr && has_session(*member);
}

struct Wait {
    const Process& observer;
    const Process& victim;
    Instant begin;
    Instant enough;       ///< after that, an observer that has ended or was frozen could still have seen it
    bool by_cut = false;  ///< the victim is cut off from the observer, and nothing else is the matter
};

/// A detection time, or an exemption, or a violation.
void judge_detection(const Timeline& timeline, const Wait& wait, Samples& samples, Verdict& verdict) {
    ++verdict.checked;
    const Instant seen = first_dead(timeline, wait.observer, wait.victim.oid, wait.begin);
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

void check_kills(const Timeline& timeline, Report& report) {
    Verdict& verdict = verdict_of(report, "P5");
    for (const Process& victim : timeline.processes) {
        if (victim.ending != "kill") {
            continue;
        }
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
    const Duration median = report.detection.median();
    const Duration p99 = report.detection.percentile(99);
    if (median > kDetectMedian || p99 > kDetectP99) {
        verdict.violate("kills are seen late: median " + at_text(Instant(median)) + " s, p99 " + at_text(Instant(p99)) +
                        " s");
    }
}

/// A stall that must kill nobody has killed when `observer` holds the living victim for dead during it or soon after.
void judge_stall(const Timeline& timeline, const Process& observer, const Process& victim, Instant begin, Instant end,
                 Verdict& verdict) {
    ++verdict.checked;
    const Instant dead = first_dead(timeline, observer, victim.oid, begin);
    if (dead < std::min(victim.end, end + kHarmlessStall)) {
        verdict.violate("killed by a stall of " + at_text(Instant(end - begin)) +
                        " s: " + pair_text(observer, victim, dead));
    }
}

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

/// Whether the two can't have heard of each other: cut off for longer than a stall, and no third to ask.
bool is_out_of_reach(const Timeline& timeline, const Impairment& cut) {
    return cut.cut && cut.end != kNever && timeline.is_cut(cut.to, cut.from, cut.begin + kCutTogether) &&
           !timeline.has_witness(cut.from, cut.to, cut.begin + kCutTogether);
}

/// What is cut off must be found dead in time as what is frozen must; what a witness hears must not.
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

/// Outside faults nobody may be held for dead who lives.
void check_living(const Timeline& timeline, Report& report) {
    Verdict& verdict = verdict_of(report, "P5");
    for (const Process& observer : timeline.processes) {
        for (const Process& other : timeline.processes) {
            if (observer.node == other.node || observer.oid.empty() || other.oid.empty()) {
                continue;
            }
            const Instant from = std::max(observer.start, other.start);
            const auto list = timeline.views.find(observer.node);
            for (const View& view : list == timeline.views.end() ? std::vector<View>{} : list->second) {
                const Member* member = find_member(view, other.oid);
                if (view.oid != observer.oid || view.at < from || view.at >= std::min(other.end, observer.end) ||
                    member == nullptr) {
                    continue;
                }
                ++verdict.checked;
                const bool leaving =
                    other.ending == "leave" && (member->state == "left" || view.at + kHeal > other.end);
                const bool dead = member->state == "dead" || member->state == "left";
                if (!dead || leaving) {
                    continue;
                }
                if (timeline.stopped_within(other.node, view.at - kHeal, view.at) ||
                    timeline.stopped_within(observer.node, view.at - kHeal, view.at) ||
                    timeline.cut_within(observer.node, other.node, view.at - kHeal, view.at)) {
                    ++verdict.notes["held for dead while frozen or cut off, or less than 5 s later"];  // as it must be
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
