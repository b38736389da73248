#include <cstdint>
#include <iostream>
#include <memory>

#include "tools/chaos/command.hpp"
#include "tools/chaos/plan.hpp"
#include "tools/cli/command_groups.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/common_options.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/up_plan.hpp"

namespace tulle::cli {
namespace {

// The port in the documentation.
constexpr std::uint16_t kFixedPort = 6001;

/// Runs `tulle up` unless a port of a node would be none.
int up(const UpOptions& options) {
    if (options.base_port && !ports_fit(*options.base_port, options.nodes)) {
        std::cerr << "tulle: with --port " << *options.base_port << " some ports would be beyond 65535\n";
        return kUsage;
    }
    return run_up(options);
}

void add_up(CommandList& commands) {
    const auto options = std::make_shared<UpOptions>();
    CLI::App& up_command = commands.add(kOnThisMachine, "up", "Start N nodes on this machine and stop them at Ctrl-C",
                                        [options] { return up(*options); });
    up_command.add_option("N", options->nodes, "How many nodes")
        ->check(CLI::Range(1, kMaxNodes))
        ->capture_default_str();
    CLI::Option* port = up_command.add_option_function<std::uint16_t>(
        "--port", [options](std::uint16_t base) { options->base_port = base; },
        "Ports from B on: n1 listens on B, mesh B+1000, admin B+3600 (default: free ones)");
    port->check(CLI::Range(1, 65'535))->type_name("B");
    up_command
        .add_flag_callback(
            "--fixed", [options] { options->base_port = kFixedPort; }, "The ports of the documentation: --port 6001")
        ->excludes(port);
    up_command.add_flag("--demo", options->demo,
                        "Serve the page that shows the mesh at work, and kills and starts nodes");
    up_command.add_flag("--json", options->json,
                        "One line of JSON on standard output once all are up; logs on standard error");
    up_command.add_option("--cluster", options->cluster, "Name of the cluster")->capture_default_str();
    up_command.add_option("--log-level", options->log_level, "Log level of the nodes")
        ->type_name("{trace,debug,info,warn,error,off}");
    up_command.add_option("--mesh-key", options->mesh_key, "Key file of the mesh (default: a key for this run alone)")
        ->type_name("FILE");
    up_command.add_option("--tulled", options->tulled, "The node program (default: beside this one)")
        ->type_name("FILE");
    add_seconds(up_command, "--timeout", options->timeout, "Seconds until all must be up", 1, 3'600);
}

void add_keygen(CommandList& commands) {
    const auto options = std::make_shared<KeygenOptions>();
    CLI::App& keygen =
        commands.add(kOnThisMachine, "keygen", "Make the key of a cluster: copy it to every node, name it in mesh_keys",
                     [options] { return run_keygen(*options); });
    keygen
        .add_option("-o,--output", options->output,
                    "The file to write, readable by its owner alone; - for standard output")
        ->type_name("FILE")
        ->required();
}

void add_chaos(CommandList& commands) {
    const auto options = std::make_shared<chaos::ChaosOptions>();
    CLI::App& command =
        commands.add(kOnThisMachine, "chaos", "Start a mesh, do it harm, and judge whether it keeps its promises",
                     [options] { return chaos::run_chaos(*options); });
    command.add_option("--nodes", options->nodes, "How many nodes")
        ->check(CLI::Range(2, kMaxNodes))
        ->capture_default_str();
    command.add_option("--seconds", options->seconds, "How long, all in all; 15 at least do something")
        ->check(CLI::Range(1, 86'400))
        ->capture_default_str();
    command.add_option("--seed", options->seed, "The same seed makes the same plan of faults")->capture_default_str();
    command.add_option("--faults", options->faults, "Only these of " + chaos::fault_names())->delimiter(',');
    command.add_option("--rate", options->rate, "Messages a second, over all nodes")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    command.add_option("--clients", options->clients, "Clients of each node")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    command.add_option("--history", options->history, "A file for the history, one JSON object a line")
        ->type_name("FILE");
    command.add_option("--logs", options->logs, "A directory for the logs of the nodes")->type_name("DIR");
    command
        .add_option("--peers", options->peers,
                    "Start nothing and do no harm: watch a mesh that runs, by the admin HOST:PORT of every node")
        ->delimiter(',');
    add_token_file(command, options->admin_token_file);
    command.add_option("--app-id", options->app_id, "Id of the app")->envname("TULLE_APP_ID")->capture_default_str();
    command.add_option("--app-key", options->app_key, "Key of the app")
        ->envname("TULLE_APP_KEY")
        ->capture_default_str();
    command.add_option("--app-secret", options->app_secret, "Secret of the app")->envname("TULLE_APP_SECRET");
    command.add_option("--check", options->check, "Judge this history; runs nothing")->type_name("FILE");
    command.add_option("--tulled", options->tulled, "The node program (default: beside this one)")->type_name("FILE");
    add_json(command, options->json, "The report as one JSON object");
}

void add_version(CommandList& commands) {
    const auto json = std::make_shared<bool>(false);
    CLI::App& version = commands.add(kOnThisMachine, "version", "Print the version", [json] {
        std::cout << (*json ? "{\"name\":\"tulle\",\"version\":\"" TULLE_VERSION "\"}\n" : "tulle " TULLE_VERSION "\n");
        return kOk;
    });
    add_json(version, *json, "As JSON");
}

}  // namespace

void add_local_commands(CommandList& commands) {
    add_up(commands);
    add_config_commands(commands);
    add_keygen(commands);
    add_chaos(commands);
    add_version(commands);
}

}  // namespace tulle::cli
