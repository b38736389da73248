#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "node/core/memory_pressure.hpp"

namespace tulle::node {

/// The cgroup with the least limit among the cgroups of this process.
struct MemoryCgroup {
    std::string directory;
    /// Bytes.
    std::uint64_t limit = 0;
    /// The file of the present use, inside `directory`. The default is the file of cgroup v2.
    std::string usage_file = "/memory.current";
    /// The prefix of the keys in memory.stat for the cache of files; not empty for cgroup v1.
    std::string cache_prefix{};
};

/// The memory in bytes that the machine lets this process use: the least of the limits of the process's cgroups (v2 or
/// v1), and the machine's memory. 0 when nothing is known.
[[nodiscard]] std::uint64_t memory_of_machine();

/// Measures the memory that this process uses. A measurement reads two or three files of the kernel, each in some 10
/// us.
///
/// Thread: its owner's.
/// Errors: while a file of the cgroup cannot be read, the last use counts. measure throws std::bad_alloc.
class MemoryGauge {
public:
    /// `limit`: bytes of resident memory, from the configuration. The limits of the cgroup and of the address space
    /// (RLIMIT_AS) that the process has at this moment hold besides.
    explicit MemoryGauge(std::uint64_t limit);
    ~MemoryGauge();
    MemoryGauge(const MemoryGauge&) = delete;
    MemoryGauge& operator=(const MemoryGauge&) = delete;

    /// The use and the limit of each kind of memory. Valid until the next call.
    [[nodiscard]] const std::vector<MemoryUse>& measure();
    /// Gives the memory that the allocator keeps for later back to the kernel. Takes some milliseconds for each GiB.
    /// Does nothing without jemalloc.
    static void purge();

private:
    const std::uint64_t limit_;
    /// RLIMIT_AS in bytes; 0: no limit.
    std::uint64_t address_space_ = 0;
    const std::optional<MemoryCgroup> cgroup_;
    /// Bytes by the last measurement of the cgroup that succeeded.
    std::uint64_t cgroup_used_ = 0;
    /// The descriptor of /proc/self/statm, kept open, so that this measurement opens no file.
    int statm_ = -1;
    std::vector<MemoryUse> uses_;
};

}  // namespace tulle::node
