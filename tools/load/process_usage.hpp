#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::load {

/// CPU time of a process so far: user and system time of all threads. Nothing for an unknown process.
[[nodiscard]] std::optional<Duration> cpu_of(pid_t pid);
/// CPU time of this process so far.
[[nodiscard]] Duration own_cpu();
/// Resident memory of a process in bytes. Nothing for an unknown process.
[[nodiscard]] std::optional<std::uint64_t> rss_of(pid_t pid);

/// Measures the CPU time of processes between construction and used(). Thread: one thread.
class CpuWindow {
public:
    /// Reads the clocks of `pids` and of this process.
    explicit CpuWindow(const std::vector<pid_t>& pids);

    /// The CPU time within the window.
    struct Used {
        std::map<pid_t, Duration> by_pid;
        /// Of all processes in by_pid.
        Duration sum{};
        /// Of this process.
        Duration own{};
        /// Processes absent at the beginning or at the end.
        std::vector<pid_t> gone;
    };
    /// Reads the clocks again. The window stays open: a later call measures from the same beginning.
    [[nodiscard]] Used used() const;

private:
    std::map<pid_t, std::optional<Duration>> before_;
    Duration own_before_;
};

}  // namespace tulle::load
