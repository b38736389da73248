// A command consists of a function add_… for its options, a run_… function in a file of its own, and a line in
// dispatch(). The library parses the command line; wrong_subcommand() replaces the library's message where the order of
// words is wrong.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "mesh/base/edit_distance.hpp"
#include "node/app/standard_descriptors.hpp"
#include "tools/chaos/command.hpp"
#include "tools/chaos/plan.hpp"
#include "tools/cli/app_options.hpp"
#include "tools/cli/bench_command.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/up_plan.hpp"

namespace tulle::cli {
namespace {

/// The values that the command line fills in.
struct Options {
    UpOptions up;
    KeygenOptions keygen;
    KeysOptions keys;
    StatusOptions status;
    DoctorOptions doctor;
    TraceOptions trace;
    RedisOptions redis;
    ReloadOptions reload;
    SubOptions sub;
    PubOptions pub;
    BenchOptions bench;
    chaos::ChaosOptions chaos;
    // The values below are converted to types of the commands after the parsing.
    bool version_json = false;
    bool fixed = false;
    std::uint16_t port = 0;
    std::size_t expect = 0;
    double wait_seconds = 0;
    double timeout_seconds = 2;
    double doctor_seconds = 2;
    double trace_seconds = 2;
    double redis_seconds = 2;
    double reload_seconds = 5;
    unsigned up_timeout = 30;
    unsigned sub_timeout = 10;
    unsigned pub_timeout = 5;
};

// The port in the documentation.
constexpr std::uint16_t kFixedPort = 6001;

// The functions add_… add a command each, with its options.
void add_up(CLI::App& app, Options& options) {
    CLI::App* up = app.add_subcommand("up", "Start N nodes on this machine and stop them at Ctrl-C");
    up->add_option("N", options.up.nodes, "How many nodes")->check(CLI::Range(1, kMaxNodes))->capture_default_str();
    CLI::Option* port = up->add_option(
        "--port", options.port, "Ports from B on: n1 listens on B, mesh B+1000, admin B+3600 (default: free ones)");
    port->check(CLI::Range(1, 65'535))->type_name("B");
    up->add_flag("--fixed", options.fixed, "The ports of the documentation: --port 6001")->excludes(port);
    up->add_flag("--demo", options.up.demo, "Serve the page that shows the mesh at work");
    up->add_flag("--json", options.up.json,
                 "One line of JSON on standard output once all are up; logs on standard error");
    up->add_option("--cluster", options.up.cluster, "Name of the cluster")->capture_default_str();
    up->add_option("--log-level", options.up.log_level, "Log level of the nodes");
    up->add_option("--mesh-key", options.up.mesh_key, "Key file of the mesh (default: a key for this run alone)");
    up->add_option("--tulled", options.up.tulled, "The node program (default: beside this one)");
    up->add_option("--timeout", options.up_timeout, "Seconds until all must be up")
        ->check(CLI::Range(1, 3'600))
        ->capture_default_str();
}

void add_keygen(CLI::App& app, Options& options) {
    CLI::App* keygen =
        app.add_subcommand("keygen", "Make the key of a cluster: copy it to every node, name it in mesh_keys");
    keygen
        ->add_option("-o,--output", options.keygen.output,
                     "The file to write, readable by its owner alone; - for standard output")
        ->required();
}

constexpr const char* kDefaultAdmin = "127.0.0.1:9601";

/// The option for the file of the token. The token itself is never an argument, because others can see arguments.
void add_token_file(CLI::App& command, std::string& file) {
    command
        .add_option("--admin-token-file", file,
                    "File with the token for the admin listener, alone or as a line of tulled's file")
        ->envname("TULLE_ADMIN_TOKEN_FILE")
        ->type_name("FILE");
}

/// The options of a command that asks the admin listener of a single node.
void add_admin(CLI::App& command, std::string& server, std::string& token_file) {
    server = kDefaultAdmin;
    command.add_option("-s,--admin,--server", server, "HOST:PORT or unix:/PATH of the node's admin listener")
        ->envname("TULLE_ADMIN")
        ->capture_default_str();
    add_token_file(command, token_file);
}

void add_status(CLI::App& app, Options& options) {
    CLI::App* status = app.add_subcommand("status", "Show the members of the mesh as one node sees them");
    add_admin(*status, options.status.server, options.status.token_file);
    status->add_flag("-j,--json", options.status.json, "The node's answer as it is");
    status->add_option("--expect", options.expect, "Exit 1 unless so many nodes are alive, this one counted")
        ->check(CLI::Range(1, 1'000'000));
    status->add_option("--wait", options.wait_seconds, "Ask again until it is so, for so many seconds at most")
        ->check(CLI::Range(0.0, 86'400.0));
    status->add_option("--timeout", options.timeout_seconds, "Seconds for one answer")
        ->check(CLI::Range(0.01, 3'600.0))
        ->capture_default_str();
}

// Seconds that a node waits for other nodes at most.
constexpr double kMaxMeshSeconds = 10;

void add_doctor(CLI::App& app, Options& options) {
    CLI::App* doctor = app.add_subcommand(
        "doctor", "Ask all nodes about each other and name what is wrong; A -> B means: B as A sees it");
    doctor
        ->add_option("-s,--admin,--server", options.doctor.servers,
                     "HOST:PORT or unix:/PATH of a node's admin listener; one finds all, several find a split mesh too")
        ->envname("TULLE_ADMIN")
        ->default_str(kDefaultAdmin)
        ->delimiter(',')
        ->allow_extra_args(false);
    add_token_file(*doctor, options.doctor.token_file);
    doctor->add_flag("-j,--json", options.doctor.json, "The diagnosis as one JSON object");
    doctor->add_option("--expect", options.expect, "So many nodes must answer and serve; then the dead are not missed")
        ->check(CLI::Range(1, 1'000'000));
    doctor->add_option("--timeout", options.doctor_seconds, "Seconds for the nodes to answer")
        ->check(CLI::Range(0.01, kMaxMeshSeconds))
        ->capture_default_str();
}

void add_trace(CLI::App& app, Options& options) {
    CLI::App* trace = app.add_subcommand(
        "trace", "Send a marked message, which no client sees, and show which nodes got it, when and by which path");
    trace->add_option("CHANNEL", options.trace.channel)->required();
    options.trace.app_id = "app-id";
    trace->add_option("--app,--app-id", options.trace.app_id, "Id of the app")
        ->envname("TULLE_APP_ID")
        ->capture_default_str();
    add_admin(*trace, options.trace.server, options.trace.token_file);
    trace->add_flag("-j,--json", options.trace.json, "The node's answer as it is");
    trace->add_option("--timeout", options.trace_seconds, "Seconds to wait for reports")
        ->check(CLI::Range(0.01, kMaxMeshSeconds))
        ->capture_default_str();
}

/// Why `word` can be no id of a key; empty for an id as tulle keygen shows it. No node would ever accept such a key, so
/// the command does not wait for it.
std::string wrong_key_id(const std::string& word) {
    const bool is_id = word.size() == 8 && word.find_first_not_of("0123456789abcdef") == std::string::npos;
    return is_id ? "" : "'" + word + "' is no id of a key: 8 digits of 0-9 and a-f, as tulle keygen shows";
}

void add_keys(CLI::App& app, Options& options) {
    CLI::App* keys =
        app.add_subcommand("keys", "Show the mesh keys of all nodes; exit 1 while a change of the key is not over");
    add_admin(*keys, options.keys.server, options.keys.token_file);
    keys->add_option("--accepted", options.keys.accepted, "Exit 1 unless every node accepts this key")
        ->type_name("ID")
        ->check(wrong_key_id);
    keys->add_option("--used", options.keys.used,
                     "Exit 1 unless every node uses this key, and every connection bears this key alone")
        ->type_name("ID")
        ->check(wrong_key_id);
    keys->add_option("--expect", options.keys.expect, "Number of nodes that must answer")
        ->check(CLI::Range(1, 1'000'000));
    keys->add_option("--wait", options.wait_seconds, "Seconds to ask again while something is missing")
        ->check(CLI::Range(0.0, 86'400.0));
    keys->add_flag("-j,--json", options.keys.json, "The keys as one JSON object");
}

void add_redis(CLI::App& app, Options& options) {
    CLI::App* redis = app.add_subcommand("redis", "Show the clients of Redis at all nodes, by realm");
    add_admin(*redis, options.redis.server, options.redis.token_file);
    redis->add_flag("-j,--json", options.redis.json, "The numbers as one JSON object");
    redis->add_option("--timeout", options.redis_seconds, "Seconds for the nodes to answer")
        ->check(CLI::Range(0.01, kMaxMeshSeconds))
        ->capture_default_str();
}

void add_reload(CLI::App& app, Options& options) {
    CLI::App* reload = app.add_subcommand(
        "reload", "Have a node read its configuration again, as SIGHUP does, and say what came of it");
    add_admin(*reload, options.reload.server, options.reload.token_file);
    reload->add_flag("-j,--json", options.reload.json, "The node's answer as it is");
    reload->add_option("--timeout", options.reload_seconds, "Seconds for the answer")
        ->check(CLI::Range(0.01, 3'600.0))
        ->capture_default_str();
}

void add_sub(CLI::App& app, Options& options) {
    CLI::App* sub =
        app.add_subcommand("sub", "Print what is published to channels; goes on with another node when one is lost");
    sub->add_option("CHANNEL", options.sub.channels, "Channels; private ones are signed with the app's secret")
        ->required();
    sub->add_option("--count", options.sub.count, "End after so many events");
    sub->add_flag("-j,--json", options.sub.json, "One JSON object a line");
    sub->add_option("--timeout", options.sub_timeout, "Seconds until the first connection must stand")
        ->check(CLI::Range(1, 86'400))
        ->capture_default_str();
    add_app_options(*sub, options.sub.app);
}

void add_pub(CLI::App& app, Options& options) {
    CLI::App* pub = app.add_subcommand("pub", "Publish an event by the HTTP API");
    pub->add_option("CHANNEL", options.pub.channel)->required();
    pub->add_option("EVENT", options.pub.event)->required();
    pub->add_option("DATA", options.pub.data, "Text, JSON as a rule; {{n}} becomes the number of the event")
        ->required();
    pub->add_option("--count", options.pub.count, "Publish it so many times, one after the other")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
    pub->add_option("--socket-id", options.pub.socket_id, "The connection that is not to get it");
    pub->add_flag("-j,--json", options.pub.json, "The result as JSON");
    pub->add_option("--timeout", options.pub_timeout, "Seconds for one node")
        ->check(CLI::Range(1, 3'600))
        ->capture_default_str();
    add_app_id_option(*pub, options.pub.app);
    add_app_options(*pub, options.pub.app);
}

void add_chaos(CLI::App& app, chaos::ChaosOptions& options) {
    CLI::App* chaos = app.add_subcommand("chaos", "Start a mesh, do it harm, and judge whether it keeps its promises");
    chaos->add_option("--nodes", options.nodes, "How many nodes")
        ->check(CLI::Range(2, kMaxNodes))
        ->capture_default_str();
    chaos->add_option("--seconds", options.seconds, "How long, all in all; 15 at least do something")
        ->check(CLI::Range(1, 86'400))
        ->capture_default_str();
    chaos->add_option("--seed", options.seed, "The same seed makes the same plan of faults")->capture_default_str();
    chaos->add_option("--faults", options.faults, "Only these of " + chaos::fault_names())->delimiter(',');
    chaos->add_option("--rate", options.rate, "Messages a second, over all nodes")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    chaos->add_option("--clients", options.clients, "Clients of each node")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    chaos->add_option("--history", options.history, "A file for the history, one JSON object a line");
    chaos->add_option("--logs", options.logs, "A directory for the logs of the nodes");
    chaos
        ->add_option("--peers", options.peers,
                     "Start nothing and do no harm: watch a mesh that runs, by the admin HOST:PORT of every node")
        ->delimiter(',');
    add_token_file(*chaos, options.admin_token_file);
    chaos->add_option("--app-id", options.app_id, "Id of the app")->envname("TULLE_APP_ID")->capture_default_str();
    chaos->add_option("--app-key", options.app_key, "Key of the app")->envname("TULLE_APP_KEY")->capture_default_str();
    chaos->add_option("--app-secret", options.app_secret, "Secret of the app")->envname("TULLE_APP_SECRET");
    chaos->add_option("--check", options.check, "Judge this history; runs nothing");
    chaos->add_option("--tulled", options.tulled, "The node program (default: beside this one)");
    chaos->add_flag("-j,--json", options.json, "The report as one JSON object");
}

/// Prints the version.
int run_version(bool json) {
    std::cout << (json ? "{\"name\":\"tulle\",\"version\":\"" TULLE_VERSION "\"}\n" : "tulle " TULLE_VERSION "\n");
    return kOk;
}

// The functions below turn parsed values into the options of a command, and run the command.
int up(Options& options, const CLI::App& command) {
    if (options.fixed || command.count("--port") > 0) {
        options.up.base_port = options.fixed ? kFixedPort : options.port;
        if (!ports_fit(*options.up.base_port, options.up.nodes)) {
            std::cerr << "tulle: with --port " << *options.up.base_port << " some ports would be beyond 65535\n";
            return kUsage;
        }
    }
    options.up.timeout = std::chrono::seconds(options.up_timeout);
    return run_up(options.up);
}

std::chrono::milliseconds milliseconds(double seconds) {
    return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(seconds * 1'000));
}

int doctor(Options& options, const CLI::App& command) {
    if (options.doctor.servers.empty()) {
        options.doctor.servers = {kDefaultAdmin};
    }
    if (command.count("--expect") > 0) {
        options.doctor.expect = options.expect;
    }
    options.doctor.timeout = milliseconds(options.doctor_seconds);
    return run_doctor(options.doctor);
}

int status(Options& options, const CLI::App& command) {
    if (command.count("--expect") > 0) {
        options.status.expect = options.expect;
    }
    options.status.wait = milliseconds(options.wait_seconds);
    options.status.timeout = milliseconds(options.timeout_seconds);
    return run_status(options.status);
}

/// Runs the chosen command.
int dispatch(CLI::App& app, Options& options) {
    const CLI::App& command = *app.get_subcommands().front();
    const std::string name = command.get_name();
    if (name == "up") {
        return up(options, command);
    }
    if (name == "keygen") {
        return run_keygen(options.keygen);
    }
    if (name == "status") {
        return status(options, command);
    }
    if (name == "doctor") {
        return doctor(options, command);
    }
    if (name == "trace") {
        options.trace.timeout = milliseconds(options.trace_seconds);
        return run_trace(options.trace);
    }
    if (name == "keys") {
        options.keys.wait = milliseconds(options.wait_seconds);
        return run_keys(options.keys);
    }
    if (name == "redis") {
        options.redis.timeout = milliseconds(options.redis_seconds);
        return run_redis(options.redis);
    }
    if (name == "reload") {
        options.reload.timeout = milliseconds(options.reload_seconds);
        return run_reload(options.reload);
    }
    if (name == "sub") {
        use_default_url(options.sub.app);
        options.sub.timeout = std::chrono::seconds(options.sub_timeout);
        return run_sub(options.sub);
    }
    if (name == "pub") {
        use_default_url(options.pub.app);
        options.pub.timeout = std::chrono::seconds(options.pub_timeout);
        return run_pub(options.pub);
    }
    if (name == "bench") {
        return run_bench(options.bench);
    }
    if (name == "chaos") {
        return chaos::run_chaos(options.chaos);
    }
    return run_version(options.version_json);
}

using Subcommands = std::vector<const CLI::App*>;

/// The option for a word such as "--admin" or "--admin=x", of the command itself or of one of its subcommands. Null for
/// an unknown option.
const CLI::Option* option_of(const CLI::App& app, const Subcommands& subcommands, const std::string& word) {
    const std::string name = word.substr(0, word.find('='));
    const CLI::Option* option = app.get_option_no_throw(name);
    for (const CLI::App* subcommand : subcommands) {
        option = option == nullptr ? subcommand->get_option_no_throw(name) : option;
    }
    return option;
}

/// The subcommand named `word`, or null; and the subcommand with the nearest name, or null if all names are far.
std::pair<const CLI::App*, const CLI::App*> subcommand_of(const Subcommands& subcommands, const std::string& word) {
    // More than two wrong letters would suggest names that have nothing in common with the word.
    constexpr std::size_t kMostLetters = 2;
    const CLI::App* nearest = nullptr;
    std::size_t fewest = kMostLetters + 1;
    for (const CLI::App* subcommand : subcommands) {
        // The time of edit_distance grows with the length of the word, so a long word is not compared.
        const std::size_t letters = word.size() > 32 ? fewest : edit_distance(word, subcommand->get_name());
        nearest = letters < fewest ? subcommand : nearest;
        fewest = std::min(letters, fewest);
    }
    return {fewest == 0 ? nearest : nullptr, nearest};
}

/// A sentence about the first error in the order of words; empty for none. Two errors are found: a word in the place of
/// a subcommand that is no subcommand, with the name that was probably meant; and an option of a subcommand before the
/// subcommand, where the library would report a less helpful error.
std::string wrong_subcommand(const CLI::App& app, int argc, const char* const* argv) {
    const CLI::App* reached = &app;
    std::string too_early;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const Subcommands subcommands = reached->get_subcommands([](const CLI::App*) { return true; });
        if (subcommands.empty() || word.empty()) {
            break;
        }
        // An unknown option ends the search, because its number of values is not known.
        if (word.starts_with('-')) {
            const CLI::Option* option = option_of(*reached, subcommands, word);
            if (option == nullptr) {
                break;
            }
            const std::string name = word.substr(0, word.find('='));
            too_early = reached->get_option_no_throw(name) == nullptr ? name : too_early;
            // The value of the option is skipped.
            i += option->get_items_expected_max() > 0 && word.find('=') == std::string::npos ? 1 : 0;
            continue;
        }
        const auto [next, nearest] = subcommand_of(subcommands, word);
        if (next == nullptr) {
            return "there is no subcommand " + word +
                   (nearest == nullptr ? "" : ": is " + nearest->get_name() + " meant?") + " (see --help)";
        }
        if (!too_early.empty()) {
            return too_early + " is an option of a subcommand and stands behind it: tulle " + word + " " + too_early;
        }
        reached = next;
    }
    return {};
}

/// The whole program: parses the command line and runs the command. Returns the exit code.
int run(int argc, char** argv) {
    Options options;
    CLI::App app{"Tulle: a real-time message broker with no centre", "tulle"};
    app.require_subcommand(1);
    app.set_version_flag("--version", "tulle " TULLE_VERSION);
    app.footer("Exit codes: 0 yes, 1 no, 2 wrong use, 3 no node reached or refused by it.");
    add_up(app, options);
    add_keygen(app, options);
    add_status(app, options);
    add_doctor(app, options);
    add_trace(app, options);
    add_keys(app, options);
    add_redis(app, options);
    add_reload(app, options);
    add_sub(app, options);
    add_pub(app, options);
    add_bench(app, options.bench);
    add_chaos(app, options.chaos);
    CLI::App* version = app.add_subcommand("version", "Print the version");
    version->add_flag("-j,--json", options.version_json, "As JSON");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (const std::string wrong = wrong_subcommand(app, argc, argv); error.get_exit_code() != 0 && !wrong.empty()) {
            std::cerr << "tulle: " << wrong << "\n";
            return kUsage;
        }
        // The library throws for --help and --version too, and prints the text in exit().
        return app.exit(error) == 0 ? kOk : kUsage;
    }
    try {
        return dispatch(app, options);
        // Commands throw std::invalid_argument for options that only the command itself can check.
    } catch (const std::invalid_argument& error) {
        std::cerr << "tulle: " << error.what() << "\n";
        return kUsage;
    } catch (const std::exception& error) {
        std::cerr << "tulle: " << error.what() << "\n";
        return kFailed;
    }
}

}  // namespace
}  // namespace tulle::cli

int main(int argc, char** argv) {
    tulle::node::keep_standard_descriptors();
    return tulle::cli::run(argc, argv);
}
