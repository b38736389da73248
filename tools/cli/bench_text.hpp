#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "tools/cli/bench_options.hpp"
#include "tools/load/histogram.hpp"
#include "tools/load/runner.hpp"
#include "tools/load/swarm.hpp"

namespace tulle::cli {

/// Resident memory in bytes before the first connection and at the end.
struct ProcessMemory {
    pid_t pid = 0;
    std::uint64_t before = 0;
    std::uint64_t after = 0;
};

struct BenchResult {
    load::ConnectReport connected;
    bool ran = false;  ///< all that was to be done was begun
    load::RunReport run;
    load::Histogram latency;
    std::vector<ProcessMemory> memory;
};

/// For people.
[[nodiscard]] std::string bench_text(const BenchOptions& options, const BenchResult& result);
[[nodiscard]] boost::json::object bench_json(const BenchOptions& options, const BenchResult& result);

/// What to do about what went wrong, and what to beware of.
[[nodiscard]] std::vector<std::string> bench_advice(const BenchOptions& options, const BenchResult& result);

/// Whether a node's complaint says that this app may not publish so.
[[nodiscard]] bool refused(std::string_view complaint);
/// Whether it says that the keys are wrong.
[[nodiscard]] bool unauthorised(std::string_view complaint);

[[nodiscard]] std::string connecting_line(std::uint32_t ready, std::uint32_t failed, std::uint32_t total);
[[nodiscard]] std::string running_line(Duration elapsed, std::uint64_t deliveries);

/// "1.23 ms" and the like, three digits.
[[nodiscard]] std::string readable(Duration duration);
/// "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);

}  // namespace tulle::cli
