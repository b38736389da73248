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
#include "tools/chaos/resets.hpp"
#include "tools/chaos/runner.hpp"
#include "tools/cli/admin.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/signals.hpp"
#include "tools/cli/status_table.hpp"

namespace tulle::chaos {
namespace {

/// What a run takes besides its faults: start, rest and drain.
constexpr Duration kOverhead = 11s;
constexpr Duration kShortest = 2s;
constexpr std::chrono::milliseconds kPeerPatience{2'000};

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
                                        "\": kill, many, stop, seeds, flap, rolling, reset, slow");
        }
        plan.kinds.insert(*kind);
    }
    for (std::size_t i = 0; options.faults.empty() && i < kFaultKinds; ++i) {
        plan.kinds.insert(static_cast<FaultKind>(i));
    }
    return plan;
}

/// Where the nodes of a mesh that runs already listen, as they say themselves.
std::vector<cli::Endpoints> ask_peers(const std::vector<std::string>& admins) {
    std::vector<cli::Endpoints> out;
    for (const std::string& admin : admins) {
        const client::Exchange answer = cli::Admin(admin, kPeerPatience).get("/v1/status");
        const auto rows = cli::parse_status(answer.body);
        if (rows.has_error() || rows->empty()) {
            throw std::runtime_error("no status from " + admin);
        }
        if (rows->size() > admins.size() && cli::count_alive(*rows) > admins.size()) {
            throw std::runtime_error(admin + " has more members alive than --peers names: name them all");
        }
        out.push_back({rows->front().listen, {}, {}, admin});
    }
    return out;
}

int watch_peers(const ChaosOptions& given) {
    if (!given.faults.empty()) {
        throw std::invalid_argument("--faults is for a mesh that is started here, not for --peers");
    }
    ChaosOptions options = given;
    options.nodes = static_cast<std::uint32_t>(options.peers.size());
    cli::Signals signals({SIGINT, SIGTERM, SIGHUP, SIGCHLD});
    Runner runner(options, ask_peers(options.peers), signals);
    const History history = runner.run({});
    Report report = check(history);
    report.skipped.emplace_back("all faults: the mesh was not started here");
    return print(report, options.json, !runner.interrupted());
}

}  // namespace

int run_chaos(const ChaosOptions& options) {
    if (!options.check.empty()) {
        return check_file(options);
    }
    if (!options.peers.empty()) {
        return watch_peers(options);
    }
    PlanOptions planned = plan_options(options);
    cli::Signals signals({SIGINT, SIGTERM, SIGHUP, SIGCHLD});
    const bool no_resets = planned.kinds.contains(FaultKind::kReset) && !can_reset_connections(signals);
    if (no_resets) {
        planned.kinds.erase(FaultKind::kReset);
    }
    if (planned.kinds.empty()) {
        throw std::runtime_error("none of these faults can be done here: reset needs root and `ss -K`");
    }
    const std::vector<Fault> plan = make_plan(planned);
    if (plan.empty()) {
        throw std::invalid_argument("--seconds " + std::to_string(options.seconds) + " is too short for these faults");
    }
    Runner runner(options, {}, signals);
    const History history = runner.run(plan);
    Report report = check(history);
    if (no_resets) {
        report.skipped.emplace_back("reset: needs root and a kernel that allows `ss -K`");
    }
    report.skipped.emplace_back("partitions and slow or lossy connections: this program cannot make them");
    return print(report, options.json, !runner.interrupted());
}

}  // namespace tulle::chaos
