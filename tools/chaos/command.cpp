#include "tools/chaos/command.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <utility>

#include "tools/chaos/checker.hpp"
#include "tools/chaos/plan.hpp"
#include "tools/chaos/private_network.hpp"
#include "tools/chaos/report.hpp"
#include "tools/chaos/resets.hpp"
#include "tools/chaos/runner.hpp"
#include "tools/cli/admin.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/signals.hpp"
#include "tools/cli/status_table.hpp"

namespace tulle::chaos {
namespace {

/// The time of a run beside the faults: start, rest and drain.
constexpr Duration kOverhead = 12s;
/// The least length of a plan, for runs shorter than kOverhead.
constexpr Duration kShortest = 2s;
/// How long a node of a mesh already there may take for an answer.
constexpr std::chrono::milliseconds kPeerPatience{2'000};

/// Prints the report. An interrupted run fails even without a violation, as the run has not seen everything.
int print(const Report& report, bool json, bool complete) {
    std::cout << (json ? report_json(report) + "\n" : report_text(report)) << std::flush;
    return report.ok() && complete ? cli::kOk : cli::kFailed;
}

/// Judges a history from a file.
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

/// Turns the command line into the input of make_plan(). Throws std::invalid_argument for an unknown fault.
PlanOptions plan_options(const ChaosOptions& options) {
    PlanOptions plan;
    plan.seed = options.seed;
    plan.nodes = options.nodes;
    plan.length = std::max<Duration>(std::chrono::seconds(options.seconds) - kOverhead, kShortest);
    for (const std::string& name : options.faults) {
        const std::optional<FaultKind> kind = fault_from(name);
        if (!kind) {
            throw std::invalid_argument("no fault is called \"" + name + "\": " + fault_names());
        }
        plan.kinds.insert(*kind);
    }
    // All kinds are named one by one here, so that leave_out() can take single kinds away.
    for (std::size_t i = 0; options.faults.empty() && i < kFaultKinds; ++i) {
        plan.kinds.insert(static_cast<FaultKind>(i));
    }
    return plan;
}

/// Asks the nodes of a mesh already there for their listen addresses. Throws std::runtime_error for a node without
/// status.
std::vector<cli::Endpoints> ask_peers(const std::vector<std::string>& admins, const std::string& token) {
    std::vector<cli::Endpoints> out;
    for (const std::string& admin : admins) {
        cli::Admin listener(admin, kPeerPatience, token);
        const client::Exchange answer = listener.get("/v1/status");
        const auto rows = cli::parse_status(answer.body);
        if (rows.has_error() || rows->empty()) {
            throw std::runtime_error("no status from " + admin + ": " + listener.why_useless(answer));
        }
        // A node left out of --peers would fail P6 ("sees nobody else"), so the command refuses an incomplete list.
        if (rows->size() > admins.size() && cli::count_alive(*rows) > admins.size()) {
            throw std::runtime_error(admin + " has more members alive than --peers names: name them all");
        }
        out.push_back({rows->front().listen, {}, {}, admin});
    }
    return out;
}

/// Loads and judges a mesh already there, without any harm.
int watch_peers(const ChaosOptions& given) {
    if (!given.faults.empty()) {
        throw std::invalid_argument("--faults is for a mesh that is started here, not for --peers");
    }
    ChaosOptions options = given;
    options.nodes = static_cast<std::uint32_t>(options.peers.size());
    cli::Signals signals({SIGINT, SIGTERM, SIGHUP, SIGCHLD});
    Runner runner(options, ask_peers(options.peers, cli::read_admin_token(options.admin_token_file)), nullptr, signals);
    const History history = runner.run({});
    Report report = check(history);
    report.skipped.emplace_back("all faults: the mesh was not started here");
    return print(report, options.json, !runner.interrupted());
}

/// Takes a kind out of the plan and notes the reason for the report.
void leave_out(PlanOptions& planned, FaultKind kind, const std::string& reason, std::vector<std::string>& skipped) {
    if (planned.kinds.erase(kind) > 0) {
        skipped.push_back(std::string(to_string(kind)) + ": " + reason);
    }
}

/// Makes a private network when a fault needs or prefers such a network. Otherwise, and where the system forbids the
/// network, the nodes are on loopback, and faults impossible there are left out of the plan. Resets need the network
/// only where this program is not root, as the namespace gives the right to use `ss -K`.
std::unique_ptr<PrivateNetwork> make_network(PlanOptions& planned, const cli::Signals& signals,
                                             std::vector<std::string>& skipped) {
    const bool is_wanted = std::any_of(planned.kinds.begin(), planned.kinds.end(), [](FaultKind kind) {
        return needs_own_network(kind) || kind == FaultKind::kReset;
    });
    if (!is_wanted) {
        return nullptr;
    }
    std::string reason;
    std::unique_ptr<PrivateNetwork> network = PrivateNetwork::make(planned.nodes, signals, reason);
    // Only now is known which faults are possible.
    for (std::size_t i = 0; i < kFaultKinds; ++i) {
        const auto kind = static_cast<FaultKind>(i);
        const bool is_slow = kind == FaultKind::kDelay || kind == FaultKind::kThrottle;
        if (!network && needs_own_network(kind)) {
            leave_out(planned, kind, "no network namespaces here: " + reason, skipped);
        } else if (network && is_slow && !network->cannot_slow().empty()) {
            leave_out(planned, kind, "no packets can be held back here: " + network->cannot_slow(), skipped);
        }
    }
    return network;
}

/// Takes out kinds that the system or the length of the run forbids.
void leave_out_others(PlanOptions& planned, const cli::Signals& signals, std::vector<std::string>& skipped) {
    if (planned.kinds.contains(FaultKind::kReset) && !can_reset_connections(signals)) {
        leave_out(planned, FaultKind::kReset, "needs root or network namespaces, and a kernel that allows `ss -K`",
                  skipped);
    }
    if (planned.length < kLongPlan) {
        leave_out(planned, FaultKind::kFreeze60, "only in runs of 150 s and more", skipped);
    }
}

/// Reasons on a single line.
std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) {
        out.append(out.empty() ? "" : "; ").append(part);
    }
    return out;
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
    // The signals are blocked before any thread starts, so that all threads inherit the mask. The network is made
    // before any thread starts, too.
    cli::Signals signals({SIGINT, SIGTERM, SIGHUP, SIGCHLD});
    std::vector<std::string> skipped;
    const std::unique_ptr<PrivateNetwork> network = make_network(planned, signals, skipped);
    leave_out_others(planned, signals, skipped);
    if (planned.kinds.empty()) {
        throw std::runtime_error("none of these faults can be done here: " + joined(skipped));
    }
    const std::vector<Fault> plan = make_plan(planned);
    if (plan.empty()) {
        throw std::invalid_argument("--seconds " + std::to_string(options.seconds) + " is too short for these faults");
    }
    Runner runner(options, {}, network.get(), signals);
    const History history = runner.run(plan);
    Report report = check(history);
    report.skipped.insert(report.skipped.end(), skipped.begin(), skipped.end());
    return print(report, options.json, !runner.interrupted());
}

}  // namespace tulle::chaos
