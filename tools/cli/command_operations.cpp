#include <memory>

#include "tools/cli/command_groups.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/common_options.hpp"

namespace tulle::cli {
namespace {

void add_reload(CommandList& commands) {
    const auto options = std::make_shared<ReloadOptions>();
    CLI::App& reload = commands.add(kMakeNodes, "reload",
                                    "Have a node read its configuration again, as SIGHUP does, and say what came of it",
                                    [options] { return run_reload(*options); });
    add_admin_options(reload, options->admin, "The node's answer as it is");
}

void add_drain(CommandList& commands) {
    const auto options = std::make_shared<DrainOptions>();
    CLI::App& drain =
        commands.add(kMakeNodes, "drain", "Have a node move its clients to other nodes; the node stays in the mesh",
                     [options] { return run_drain(*options); });
    drain.add_option("NODE", options->node, "The name of the node (default: the node that is asked)");
    drain.add_flag("--wait", options->waits, "Wait until no client is left, and tell of the progress");
    // A node may be configured to take an hour for its clients.
    add_seconds(drain, "--wait-for", options->patience, "The longest wait", 1, 7'200);
    add_admin_options(drain, options->admin, "The state at the end, as JSON");
}

void add_undrain(CommandList& commands) {
    const auto options = std::make_shared<DrainOptions>();
    options->undrains = true;
    // A node needs a moment for its listeners.
    options->patience = std::chrono::seconds(3);
    CLI::App& undrain = commands.add(kMakeNodes, "undrain", "Have a node that drains take clients again",
                                     [options] { return run_drain(*options); });
    undrain.add_option("NODE", options->node, "The name of the node (default: the node that is asked)");
    add_admin_options(undrain, options->admin, "The node's answer as it is");
}

void add_rebalance(CommandList& commands) {
    const auto options = std::make_shared<RebalanceOptions>();
    CLI::App& rebalance = commands.add(kMakeNodes, "rebalance",
                                       "Have every node with a tenth more clients than the mean close those beyond the"
                                       " mean, for them to go to other nodes",
                                       [options] { return run_rebalance(*options); });
    rebalance.add_option("--max", options->most_per_second, "Clients that a node closes in a second")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    add_admin_options(rebalance, options->admin, "The nodes' answers as they are");
}

}  // namespace

void add_operations(CommandList& commands) {
    add_reload(commands);
    add_drain(commands);
    add_undrain(commands);
    add_rebalance(commands);
}

}  // namespace tulle::cli
