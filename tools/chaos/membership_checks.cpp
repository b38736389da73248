#include <algorithm>

#include "tools/chaos/checker.hpp"

namespace tulle::chaos {
namespace {

/// How long a death may remain unseen before it counts as never seen.
constexpr Duration kGivenUp = 10s;

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

/// Those that could judge `victim` from `at` on: they held it for alive and were neither frozen nor away soon after.
bool is_judge(const Timeline& timeline, const Process& observer, const Process& victim, Instant at) {
    if (observer.node == victim.node || observer.start >= at || observer.end <= at || victim.oid.empty()) {
        return false;
    }
    const View* view = timeline.view_at(observer, at);
    return view != nullptr && holds_alive(*view, victim.oid);
}

struct Wait {
    const Process& observer;
    const Process& victim;
    Instant begin;
    Instant enough;  ///< after that, an observer that has ended or was frozen could still have seen it
};

/// A detection time, or an exemption, or a violation.
void judge_detection(const Timeline& timeline, const Wait& wait, Samples& samples, Verdict& verdict) {
    ++verdict.checked;
    const Instant seen = first_dead(timeline, wait.observer, wait.victim.oid, wait.begin);
    const Instant last = std::min({wait.enough, seen, timeline.end});
    if (timeline.stopped_within(wait.observer.node, wait.begin - kHeal, last) || wait.observer.end < last) {
        ++verdict.exempted;
    } else if (seen != kNever && seen <= wait.enough) {
        samples.values.push_back(seen - wait.begin);
    } else if (wait.enough > std::min(timeline.end, wait.observer.end)) {
        ++verdict.exempted;
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
        for (const Process& observer : timeline.processes) {
            if (is_judge(timeline, observer, victim, victim.end)) {
                judge_detection(timeline, {observer, victim, victim.end, victim.end + kGivenUp}, report.detection,
                                verdict);
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
            ++verdict.checked;
            const Instant dead = first_dead(timeline, observer, victim.oid, stop.begin);
            if (dead < std::min(victim.end, stop.end + kHarmlessStall)) {
                verdict.violate("killed by a stall of " + at_text(Instant(length)) +
                                " s: " + pair_text(observer, victim, dead));
            }
        }
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
                const bool leaving = other.ending == "leave" && view.at + kHeal > other.end;
                const bool dead = member->state == "dead" || member->state == "left";
                if (!dead || leaving) {
                    continue;
                }
                if (timeline.stopped_within(other.node, view.at - kHeal, view.at) ||
                    timeline.stopped_within(observer.node, view.at - kHeal, view.at)) {
                    ++verdict.exempted;
                } else {
                    verdict.violate("held for dead while alive: " + pair_text(observer, other, view.at));
                }
            }
        }
    }
}

/// Whether at `at` every node lives and is seen alive by every other, and nobody else is.
bool is_whole(const Timeline& timeline, Instant at) {
    std::vector<const Process*> running;
    for (std::uint32_t node = 1; node <= timeline.nodes; ++node) {
        const auto index = timeline.process_at(node, at);
        if (!index || timeline.processes[*index].oid.empty()) {
            return false;
        }
        running.push_back(&timeline.processes[*index]);
    }
    return std::all_of(running.begin(), running.end(), [&](const Process* observer) {
        const View* view = timeline.view_at(*observer, at);
        if (view == nullptr) {
            return false;
        }
        const auto alive = std::count_if(view->members.begin(), view->members.end(),
                                         [](const Member& member) { return member.state == "alive"; });
        return alive + 1 == static_cast<std::ptrdiff_t>(running.size()) &&
               std::all_of(running.begin(), running.end(), [&](const Process* other) {
                   const Member* member = find_member(*view, other->oid);
                   return other == observer || (member != nullptr && member->state == "alive");
               });
    });
}

Instant first_whole(const Timeline& timeline, Instant from, Instant until) {
    if (is_whole(timeline, from)) {
        return from;
    }
    std::vector<Instant> moments;
    for (const auto& [node, list] : timeline.views) {
        for (const View& view : list) {
            if (view.at > from && view.at <= until) {
                moments.push_back(view.at);
            }
        }
    }
    std::sort(moments.begin(), moments.end());
    const auto found = std::find_if(moments.begin(), moments.end(),
                                    [&timeline](Instant moment) { return is_whole(timeline, moment); });
    return found == moments.end() ? kNever : *found;
}

void check_heals(const Timeline& timeline, Report& report) {
    Verdict& verdict = verdict_of(report, "P6");
    for (std::size_t i = 0; i < timeline.faults.size(); ++i) {
        const auto& [at, begins] = timeline.faults[i];
        if (begins) {
            continue;
        }
        const Instant next = i + 1 < timeline.faults.size() ? timeline.faults[i + 1].first : timeline.end;
        const Instant whole = first_whole(timeline, at, next);
        ++verdict.checked;
        if (whole <= at + kHeal + kPollSlack) {
            report.convergence.values.push_back(whole - at);
        } else if (next < at + kHeal + kPollSlack) {
            ++verdict.exempted;
        } else {
            verdict.violate("not all see all after the fault that was over at " + at_text(at) +
                            (whole == kNever ? std::string(", ever") : ", until " + at_text(whole)));
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
    check_living(timeline, report);
    check_heals(timeline, report);
}

}  // namespace tulle::chaos
