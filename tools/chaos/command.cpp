#include "tools/chaos/command.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <utility>

#include "tools/chaos/checker.hpp"
#include "tools/chaos/plan.hpp"
#include "tools/chaos/report.hpp"
#include "tools/chaos/runner.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/signals.hpp"

namespace tulle::chaos {
namespace {

/// What a run takes besides its faults: start, rest and drain.
constexpr Duration kOverhead = 11s;
constexpr Duration kShortest = 2s;

int print(const Report& report, bool json, bool complete) {
    std::cout << (json ? report_json(report) + "\n" : report_text(report)) << std::flush;
    return report.ok() && complete ? cli::kOk : cli::kFailed;
}

int check_file(const ChaosOptions& options) {
    std::ifstream file(options.check);
    if (!file) {
        throw std::runtime_error("cannot read " + options.check);
    }
    const Result<History, HistoryErrc> history = read_history(file);
    if (history.has_error()) {
        throw std::runtime_error(options.check + " is not a history");
    }
    return print(check(*history), options.json, true);
}

PlanOptions plan_options(const ChaosOptions& options) {
    PlanOptions plan;
    plan.seed = options.seed;
    plan.nodes = options.nodes;
    plan.length = std::max<Duration>(std::chrono::seconds(options.seconds) - kOverhead, kShortest);
    for (const std::string& name : options.faults) {
        const std::optional<FaultKind> kind = fault_from(name);
        if (!kind) {
            throw std::invalid_argument("no fault is called \"" + name +
                                        "\": kill, many, stop, seeds, flap, rolling, slow");
        }
        plan.kinds.insert(*kind);
    }
    return plan;
}

}  // namespace

int run_chaos(const ChaosOptions& options) {
    if (!options.check.empty()) {
        return check_file(options);
    }
    const std::vector<Fault> plan = make_plan(plan_options(options));
    cli::Signals signals({SIGINT, SIGTERM, SIGHUP, SIGCHLD});
    Runner runner(options, signals);
    const History history = runner.run(plan);
    Report report = check(history);
    report.skipped.emplace_back("partitions, resets and delays of connections: not there yet");
    return print(report, options.json, !runner.interrupted());
}

}  // namespace tulle::chaos
