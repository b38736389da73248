#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/commands.hpp"

namespace tulle::cli {

/// The subcommands of `tulle bench`. kFanout: publish to many subscribers. kRelay: publish at one node, subscribe at
/// others. kStorm: open many connections. kIdle: hold connections without traffic.
enum class BenchKind : std::uint8_t { kFanout, kRelay, kStorm, kIdle };
/// The name of the subcommand.
[[nodiscard]] std::string_view to_string(BenchKind kind);

/// The options of a run, as the command line has filled them in.
struct BenchOptions {
    BenchKind kind = BenchKind::kFanout;
    AppOptions app;
    /// Subscribing connections. With storm and idle: all connections.
    std::uint32_t subscribers = 0;
    std::uint32_t publishers = 1;
    std::uint32_t channels = 1;
    /// Messages a second, of all publishers together. 0: as fast as the messages are delivered.
    double rate = 0;
    /// With `rate` 0: messages of each publisher under way.
    std::uint32_t window = 100;
    /// Bytes of data in a message.
    std::size_t payload = 64;
    /// Length of the measurement.
    double seconds = 0;
    /// "http" or "client-events". "http" is the default, because most apps let a client send only 10 client events a
    /// second.
    std::string via = "http";
    /// Events in a request of the HTTP API.
    std::uint32_t http_batch = 1;
    /// Processes of nodes on this machine, for their CPU time and memory.
    std::vector<pid_t> pids;
    /// Local addresses to connect from, in turn. Empty: the system chooses.
    std::vector<std::string> source_addresses;
    /// Connections to open in a second. 0: as fast as possible.
    double connect_rate = 0;
    /// Connections that may be opening at the same time.
    std::uint32_t at_once = 128;
    bool json = false;
};

/// True when messages are sent during the measurement.
[[nodiscard]] inline bool has_traffic(const BenchOptions& options) {
    return options.kind == BenchKind::kFanout || options.kind == BenchKind::kRelay;
}

/// Runs the benchmark and prints the result. Returns the exit code (exit_code.hpp).
/// Errors: std::invalid_argument for options that exclude each other, std::runtime_error for a run that is impossible.
[[nodiscard]] int run_bench(const BenchOptions& options);

}  // namespace tulle::cli
