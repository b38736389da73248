#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::load {

/// CPU that a process has used so far: user and system, all its threads. Nothing when there is no such process.
[[nodiscard]] std::optional<Duration> cpu_of(pid_t pid);
[[nodiscard]] Duration own_cpu();
/// Resident memory of a process in bytes. Nothing when there is no such process.
[[nodiscard]] std::optional<std::uint64_t> rss_of(pid_t pid);

/// CPU that processes use between the making of it and used().
class CpuWindow {
public:
    explicit CpuWindow(const std::vector<pid_t>& pids);

    struct Used {
        std::map<pid_t, Duration> by_pid;
        Duration sum{};
        Duration own{};
        std::vector<pid_t> gone;  ///< not there at the beginning or at the end
    };
    [[nodiscard]] Used used() const;

private:
    std::map<pid_t, std::optional<Duration>> before_;
    Duration own_before_;
};

}  // namespace tulle::load
