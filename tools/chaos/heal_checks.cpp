#include <algorithm>

#include "tools/chaos/checker.hpp"

namespace tulle::chaos {
namespace {

/// All that live at a moment; nothing when one is away or was never seen.
std::vector<const Process*> everybody(const Timeline& timeline, Instant at) {
    std::vector<const Process*> running;
    for (std::uint32_t node = 1; node <= timeline.nodes; ++node) {
        const auto index = timeline.process_at(node, at);
        if (!index || timeline.processes[*index].oid.empty()) {
            return {};
        }
        running.push_back(&timeline.processes[*index]);
    }
    return running;
}

/// Whether `observer` sees all others alive and nobody else, and holds of each the interest that it has. Nodes that do
/// not tell their interest are not asked about it.
bool sees_all(const Timeline& timeline, const Process& observer, const std::vector<const Process*>& all, Instant at) {
    const View* view = timeline.view_at(observer, at);
    if (view == nullptr) {
        return false;
    }
    const auto alive = std::count_if(view->members.begin(), view->members.end(),
                                     [](const Member& member) { return member.state == "alive"; });
    return alive + 1 == static_cast<std::ptrdiff_t>(all.size()) &&
           std::all_of(all.begin(), all.end(), [&](const Process* other) {
               const Member* member = find_member(*view, other->oid);
               const View* own = timeline.view_at(*other, at);
               return other == &observer || (member != nullptr && member->state == "alive" && own != nullptr &&
                                             member->interest == own->interest);
           });
}

bool is_whole(const Timeline& timeline, Instant at) {
    const std::vector<const Process*> all = everybody(timeline, at);
    return !all.empty() && std::all_of(all.begin(), all.end(),
                                       [&](const Process* observer) { return sees_all(timeline, *observer, all, at); });
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

/// Of two that lived all the time and were not cut off from each other, the session must be the same afterwards.
void compare_sessions(const Timeline& timeline, Instant begin, Instant end, Report& report) {
    Verdict& verdict = verdict_of(report, "P6");
    for (const Process* observer : everybody(timeline, begin)) {
        const View* before = timeline.view_at(*observer, begin);
        const View* after = timeline.view_at(*observer, end);
        if (before == nullptr || after == nullptr || observer->end <= end) {
            continue;
        }
        for (const Member& was : before->members) {
            const Member* is = find_member(*after, was.oid);
            if (is == nullptr || was.state != "alive" || was.session.empty() || is->state != "alive") {
                continue;
            }
            ++verdict.checked;
            if (was.session == is->session) {
                continue;
            }
            if (timeline.cut_within(observer->node, was.node, begin, end)) {
                ++report.sessions_across;
            } else {
                ++report.sessions_elsewhere;
                verdict.violate("session of n" + std::to_string(observer->node) + " with n" + std::to_string(was.node) +
                                " made anew although nothing was cut between them, in the fault that began at " +
                                at_text(begin));
            }
        }
    }
}

bool was_cut_in(const Timeline& timeline, Instant from, Instant to) {
    return std::any_of(timeline.impairments.begin(), timeline.impairments.end(),
                       [&](const Impairment& impairment) { return impairment.cut && impairment.overlaps(from, to); });
}

}  // namespace

void check_heals(const Timeline& timeline, Report& report) {
    Verdict& verdict = verdict_of(report, "P6");
    Instant begin{};
    for (std::size_t i = 0; i < timeline.faults.size(); ++i) {
        const Instant at = timeline.faults[i].at;
        if (timeline.faults[i].begins) {
            begin = at;
            continue;
        }
        const Instant next = i + 1 < timeline.faults.size() ? timeline.faults[i + 1].at : timeline.end;
        const Instant whole = first_whole(timeline, at, next);
        ++verdict.checked;
        if (whole <= at + kHeal + kPollSlack) {
            report.convergence.values.push_back(whole - at);
        } else if (next < at + kHeal + kPollSlack) {
            verdict.exempt("the next fault came before the 5 s were over");
        } else {
            verdict.violate("not all see all after the fault that was over at " + at_text(at) +
                            (whole == kNever ? std::string(", ever") : ", until " + at_text(whole)));
        }
        if (whole != kNever && was_cut_in(timeline, begin, at)) {
            compare_sessions(timeline, begin, next, report);
        }
    }
}

}  // namespace tulle::chaos
