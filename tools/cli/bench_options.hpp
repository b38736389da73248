#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/commands.hpp"

namespace tulle::cli {

enum class BenchKind : std::uint8_t { kFanout, kRelay, kStorm, kIdle };
[[nodiscard]] std::string_view to_string(BenchKind kind);

struct BenchOptions {
    BenchKind kind = BenchKind::kFanout;
    AppOptions app;
    std::uint32_t subscribers = 0;  ///< all connections of storm and idle
    std::uint32_t publishers = 1;
    std::uint32_t channels = 1;
    double rate = 0;             ///< messages a second, of all publishers together; 0: as fast as it goes
    std::uint32_t window = 100;  ///< with rate 0: messages of each publisher under way
    std::size_t payload = 64;
    double seconds = 0;
    std::string via = "http";  ///< works with every app: most let a client send 10 client events a second
    std::uint32_t http_batch = 1;
    std::vector<pid_t> pids;
    std::vector<std::string> source_addresses;
    double connect_rate = 0;
    std::uint32_t at_once = 128;
    bool json = false;
};

/// Whether messages are sent in the time that is measured.
[[nodiscard]] inline bool has_traffic(const BenchOptions& options) {
    return options.kind == BenchKind::kFanout || options.kind == BenchKind::kRelay;
}

/// The exit code (exit_code.hpp). Errors: std::invalid_argument for options that make no sense together,
/// std::runtime_error for what cannot be done at all.
[[nodiscard]] int run_bench(const BenchOptions& options);

}  // namespace tulle::cli
