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

/// Resident memory of a process in bytes, before the first connection and at the end.
struct ProcessMemory {
    pid_t pid = 0;
    std::uint64_t before = 0;
    std::uint64_t after = 0;
};

/// The measurements of a run.
struct BenchResult {
    load::ConnectReport connected;
    /// True when every part of the run was begun, and no signal came before.
    bool ran = false;
    load::RunReport run;
    load::Histogram latency;
    std::vector<ProcessMemory> memory;
};

/// The result for people, in several lines.
[[nodiscard]] std::string bench_text(const BenchOptions& options, const BenchResult& result);
/// The result for programs.
[[nodiscard]] boost::json::object bench_json(const BenchOptions& options, const BenchResult& result);

/// Sentences about errors and their remedies, and about figures that mislead. Empty for a clean run.
[[nodiscard]] std::vector<std::string> bench_advice(const BenchOptions& options, const BenchResult& result);

/// True for a node's complaint about a refused publish: error 4301, or an HTTP answer of 4xx.
[[nodiscard]] bool refused(std::string_view complaint);
/// True for a node's complaint about a wrong id, key or secret of the app.
[[nodiscard]] bool unauthorised(std::string_view complaint);

/// The progress while connections are opened.
[[nodiscard]] std::string connecting_line(std::uint32_t ready, std::uint32_t failed, std::uint32_t total);
/// The progress during the measurement. REQUIRES: `elapsed` is positive.
[[nodiscard]] std::string running_line(Duration elapsed, std::uint64_t deliveries);

/// A duration with three digits and a unit, such as "1.23 ms".
[[nodiscard]] std::string readable(Duration duration);
/// A number with a comma before every three digits: "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);

}  // namespace tulle::cli
