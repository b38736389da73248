#include "tools/chaos/checker.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"

namespace tulle::chaos {
namespace {

void check_endings(const Timeline& timeline, Report& report) {
    Verdict& verdict = verdict_of(report, "UP");
    for (const Process& process : timeline.processes) {
        ++verdict.checked;
        if (process.ending == "exit") {
            verdict.violate("n" + std::to_string(process.node) + " ended by itself at " + at_text(process.end));
        }
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

Report check(const History& history) {
    Report report;
    for (const auto& [id, promise] :
         {std::pair{"P1", "subscribed means subscribed everywhere"},
          std::pair{"P2", "in order, once, per publisher and origin"}, std::pair{"P3", "no hole in silence"},
          std::pair{"P4", "killed origin: all survivors or none"},
          std::pair{"P5", "the dead are found in time, the living are not"},
          std::pair{"P6", "after heal and thaw all is whole within 5 s"}, std::pair{"UP", "no node ends by itself"}}) {
        Verdict verdict;
        verdict.id = id;
        verdict.promise = promise;
        report.invariants.push_back(std::move(verdict));
    }
    report.skipped.emplace_back("P7 (memory) and P8 (deaf links): not to be seen from outside");
    const Timeline timeline = make_timeline(history);
    report.seed = history.empty() ? std::string() : history.front().text;
    report.nodes = timeline.nodes;
    report.length = timeline.end - (history.empty() ? timeline.end : history.front().at);
    report.faults = static_cast<std::uint64_t>(
        std::count_if(timeline.faults.begin(), timeline.faults.end(), [](const auto& fault) { return fault.second; }));
    check_deliveries(timeline, report);
    check_killed_origins(timeline, report);
    check_membership(timeline, report);
    check_endings(timeline, report);
    return report;
}

}  // namespace tulle::chaos
