#include <algorithm>

#include "tools/chaos/checker.hpp"

namespace tulle::chaos {
namespace {

/// The running processes of all nodes at a moment. Empty when a node is away or no view has shown the oid of a process.
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

/// True when `observer` sees all others alive and nobody else, and holds of each other node the interest that the node
/// has. Nodes without interest in the status are not asked about interest.
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
               // Compares the observer's copy with the owner's own word. Without interest in the status both texts are
               // empty.
               const View* own = timeline.view_at(*other, at);
               return other == &observer || (member != nullptr && member->state == "alive" && own != nullptr &&
                                             member->interest == own->interest);
           });
}

/// True when every node sees all others.
bool is_whole(const Timeline& timeline, Instant at) {
    const std::vector<const Process*> all = everybody(timeline, at);
    return !all.empty() && std::all_of(all.begin(), all.end(),
                                       [&](const Process* observer) { return sees_all(timeline, *observer, all, at); });
}

/// The first moment in [from, until] at which the mesh is whole; kNever without such a moment. Only a new view can make
/// a mesh whole, so only the moments of views are tried.
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

/// Nodes that lived all the time with no cut between the two must have an unchanged session after a fault. A session
/// made again across a cut is counted, but no violation.
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
            // A peer that was not alive before and after, or without a session in the status, says nothing.
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

/// True when any packets were dropped within [from, to].
bool was_cut_in(const Timeline& timeline, Instant from, Instant to) {
    return std::any_of(timeline.impairments.begin(), timeline.impairments.end(),
                       [&](const Impairment& impairment) { return impairment.cut && impairment.overlaps(from, to); });
}

}  // namespace

void check_heals(const Timeline& timeline, Report& report) {
    Verdict& verdict = verdict_of(report, "P6");
    Instant begin{};
    // Every end of a fault is a check: from there on until the next fault begins the mesh must become whole.
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
        // Sessions are compared after cuts only: a kill or a freeze ends sessions by right.
        if (whole != kNever && was_cut_in(timeline, begin, at)) {
            compare_sessions(timeline, begin, next, report);
        }
    }
}

}  // namespace tulle::chaos
