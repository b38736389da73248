#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "node/admin/metric_families.hpp"

namespace tulle::node {

/// The numbers of a process in /proc/PID/stat (proc(5)).
struct ProcessStat {
    /// User and system time, in ticks of the system's clock.
    std::uint64_t cpu_ticks = 0;
    std::uint64_t threads = 0;
    /// The start of the process, in ticks since the machine was started.
    std::uint64_t started_ticks = 0;
    std::uint64_t virtual_bytes = 0;
    std::uint64_t resident_pages = 0;
    friend bool operator==(const ProcessStat&, const ProcessStat&) = default;
};

/// Reads the text of /proc/PID/stat. Nothing for any other text. The name of the program, which may hold spaces and
/// parentheses, is passed over.
[[nodiscard]] std::optional<ProcessStat> read_process_stat(std::string_view text);

/// The metrics of the process under the names that all client libraries of Prometheus use: process_cpu_seconds_total,
/// process_resident_memory_bytes, process_virtual_memory_bytes, process_open_fds, process_max_fds,
/// process_start_time_seconds and process_threads. A metric that /proc does not tell is left out.
void add_process(Families& out);

}  // namespace tulle::node
