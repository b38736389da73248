#include "tools/cli/bench_command.hpp"

#include "tools/cli/app_options.hpp"

namespace tulle::cli {
namespace {

// The real limit is the descriptors of the process.
constexpr std::uint32_t kMaxConnections = 1'000'000;

/// The defaults of a subcommand. The defaults take effect when the subcommand has been chosen.
struct Defaults {
    BenchKind kind;
    const char* about;
    std::uint32_t subscribers;
    double rate;
    double seconds;
};

/// Adds a subcommand with the options common to all subcommands.
CLI::App* add_kind(CLI::App& bench, BenchOptions& options, const Defaults& defaults) {
    CLI::App* command = bench.add_subcommand(std::string(to_string(defaults.kind)), defaults.about);
    // The subcommands share one BenchOptions, so the defaults are set before the chosen subcommand's options are read.
    command->preparse_callback([&options, defaults](std::size_t) {
        options.kind = defaults.kind;
        options.subscribers = defaults.subscribers;
        options.rate = defaults.rate;
        options.seconds = defaults.seconds;
    });
    command
        ->add_option("--channels", options.channels,
                     "Channels private-bench-N, over which the connections are spread; up to 1000 of them, evenly "
                     "among all, are "
                     "published to")
        ->check(CLI::Range(std::uint32_t{1}, kMaxConnections))
        ->capture_default_str();
    command->add_option("--pid", options.pids, "Process of a node on this machine, whose CPU and memory are told")
        ->check(CLI::PositiveNumber)
        ->delimiter(',')
        ->allow_extra_args(false);
    command
        ->add_option("--source-addresses", options.source_addresses,
                     "Addresses of this machine to connect from in turn: one has some 28,000 ports for a node")
        ->delimiter(',')
        ->allow_extra_args(false);
    command->add_option("--at-once", options.at_once, "Connections that may be opening at the same time")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    command
        ->add_option("--connect-rate", options.connect_rate, "Connections to open in a second, 0: as fast as it goes")
        ->check(CLI::Range(0.0, 1e6))
        ->capture_default_str();
    command->add_flag("-j,--json", options.json, "The result as one JSON object");
    add_app_id_option(*command, options.app);
    add_app_options(*command, options.app);
    return command;
}

/// Adds the options of subcommands with messages.
void add_traffic(CLI::App& command, BenchOptions& options, const Defaults& defaults) {
    command.add_option("--subscribers", options.subscribers, "Subscribing connections")
        ->check(CLI::Range(std::uint32_t{1}, kMaxConnections))
        ->default_str(std::to_string(defaults.subscribers));
    command.add_option("--publishers", options.publishers, "Publishing connections")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    command
        .add_option(
            "--rate", options.rate,
            "Messages a second of all publishers together, sent when they are due whatever the node does (open loop); "
            "0: as fast as they are delivered, --window under way (closed loop)")
        ->check(CLI::Range(0.0, 1e7))
        ->default_str(std::to_string(static_cast<int>(defaults.rate)));
    command.add_option("--window", options.window, "With --rate 0: messages of each publisher that may be under way")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    command.add_option("--payload", options.payload, "Bytes of data of a message; latency needs 32")
        ->check(CLI::Range(16, 512 * 1024))
        ->capture_default_str();
    command
        .add_option("--via", options.via,
                    "How to publish: http (signed, kept alive), or client-events, of which an app lets a client send "
                    "10 a second unless "
                    "it has client_events_per_second = 0")
        ->check(CLI::IsMember({"client-events", "http"}))
        ->capture_default_str();
    command.add_option("--http-batch", options.http_batch, "With --via http: events in a request")
        ->check(CLI::Range(1, 1'000))
        ->capture_default_str();
}

/// Adds the length of the measurement.
void add_length(CLI::App& command, BenchOptions& options, const Defaults& defaults) {
    command.add_option("--seconds", options.seconds, "How long")
        ->check(CLI::Range(0.1, 86'400.0))
        ->default_str(std::to_string(static_cast<int>(defaults.seconds)));
}

/// Adds the number of connections, for subcommands without messages.
void add_connections(CLI::App& command, BenchOptions& options, const Defaults& defaults) {
    command.add_option("--connections", options.subscribers, "Connections, each with a subscription")
        ->check(CLI::Range(std::uint32_t{1}, kMaxConnections))
        ->default_str(std::to_string(defaults.subscribers));
}

}  // namespace

void add_bench_kinds(CLI::App& bench, BenchOptions& options) {
    bench.require_subcommand(1);
    const Defaults fanout{BenchKind::kFanout, "Publish to many subscribers, spread over all --url", 1'000, 100, 10};
    const Defaults relay{BenchKind::kRelay, "Publish at the first --url, subscribe at the others: across the mesh", 1,
                         1'000, 10};
    const Defaults storm{BenchKind::kStorm, "Open many connections and subscribe: time until subscribed, failures",
                         1'000, 0, 0};
    const Defaults idle{BenchKind::kIdle, "Hold connections without traffic: memory and CPU of each --pid", 1'000, 0,
                        30};
    // Fan-out and relay take the same options; only their defaults and nodes differ.
    for (const Defaults& defaults : {fanout, relay}) {
        CLI::App* const command = add_kind(bench, options, defaults);
        add_traffic(*command, options, defaults);
        add_length(*command, options, defaults);
    }
    add_connections(*add_kind(bench, options, storm), options, storm);
    CLI::App* const command = add_kind(bench, options, idle);
    add_connections(*command, options, idle);
    add_length(*command, options, idle);
}

}  // namespace tulle::cli
