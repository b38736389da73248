#include "tools/chaos/checker.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"

namespace tulle::chaos {
namespace {

/// UP: no process ends by itself. A process killed or asked to leave by the run is no violation.
void check_endings(const Timeline& timeline, Report& report) {
    Verdict& verdict = verdict_of(report, "UP");
    for (const Process& process : timeline.processes) {
        ++verdict.checked;
        if (process.ending == "exit") {
            verdict.violate("n" + std::to_string(process.node) + " ended by itself at " + at_text(process.end));
        }
    }
}

/// Notes the promises that can't be judged, as the history lacks the facts. A missing fact must not look like a kept
/// promise.
void note_what_is_not_told(const Timeline& timeline, Report& report) {
    // A history may come from nodes of another version, with less in their status, or from a run without memory
    // samples.
    bool interest = false;
    bool sessions = false;
    for (const auto& [node, views] : timeline.views) {
        for (const View& view : views) {
            interest = interest || !view.interest.empty();
            sessions = sessions || std::any_of(view.members.begin(), view.members.end(),
                                               [](const Member& member) { return !member.session.empty(); });
        }
    }
    if (!interest) {
        report.skipped.emplace_back("P6, equal interest: the nodes do not tell it");
    }
    if (!sessions) {
        report.skipped.emplace_back("P6, sessions made anew: the nodes do not tell them");
    }
    if (timeline.memory.empty()) {
        report.skipped.emplace_back("P7: the memory of the nodes was not looked at");
    }
}

}  // namespace

Verdict& verdict_of(Report& report, const std::string& id) {
    const auto found = std::find_if(report.invariants.begin(), report.invariants.end(),
                                    [&id](const Verdict& verdict) { return verdict.id == id; });
    TULLE_ASSERT(found != report.invariants.end());
    return *found;
}

std::string at_text(Instant at) {
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
    std::string fraction = std::to_string(microseconds % 1'000'000);
    fraction.insert(0, 6 - std::min<std::size_t>(fraction.size(), 6), '0');
    return std::to_string(microseconds / 1'000'000) + "." + fraction;
}

// Verdicts exist before the parts run, so that a promise without any check appears in the report, too.
Report check(const History& history) {
    Report report;
    for (const auto& [id, promise] :
         {std::pair{"P1", "subscribed means subscribed everywhere"},
          std::pair{"P2", "in order, once, per publisher and origin"}, std::pair{"P3", "no hole in silence"},
          std::pair{"P4", "killed origin: all survivors or none"},
          std::pair{"P5", "the dead are found in time, the living are not"},
          std::pair{"P6", "after heal and thaw all is whole within 5 s"},
          std::pair{"P7", "a frozen peer costs bounded memory"}, std::pair{"P8", "no pair is deaf, either way"},
          std::pair{"PR", "presence is true at rest and does not flap"},
          std::pair{"RD", "reads of the API are true at rest"}, std::pair{"CA", "a cache channel has its last event"},
          std::pair{"WH", "the last word of webhooks is true at rest"}, std::pair{"UP", "no node ends by itself"}}) {
        Verdict verdict;
        verdict.id = id;
        verdict.promise = promise;
        report.invariants.push_back(std::move(verdict));
    }
    // A history of another program may lack the first event; read_history() refuses such a history, but check() still
    // works.
    const Timeline timeline = make_timeline(history);
    report.seed = history.empty() ? std::string() : history.front().text;
    report.nodes = timeline.nodes;
    report.length = timeline.end - (history.empty() ? timeline.end : history.front().at);
    // A run that only watches records a "fault" named kNoFault, which does no harm.
    report.faults =
        static_cast<std::uint64_t>(std::count_if(timeline.faults.begin(), timeline.faults.end(), [](const Turn& turn) {
            return turn.begins && turn.what != kNoFault;
        }));
    report.kills =
        static_cast<std::uint64_t>(std::count_if(timeline.processes.begin(), timeline.processes.end(),
                                                 [](const Process& process) { return process.ending == "kill"; }));
    // A shorter freeze need not be found, so only long freezes count.
    report.freezes =
        static_cast<std::uint64_t>(std::count_if(timeline.stops.begin(), timeline.stops.end(), [](const Stop& stop) {
            return stop.end != kNever && stop.end - stop.begin >= kFreezeDetect + kPollSlack;
        }));
    note_what_is_not_told(timeline, report);
    check_deliveries(timeline, report);
    check_killed_origins(timeline, report);
    check_membership(timeline, report);
    check_heals(timeline, report);
    check_memory(timeline, report);
    check_pairs(timeline, report);
    check_rest(timeline, report);
    check_endings(timeline, report);
    return report;
}

}  // namespace tulle::chaos
