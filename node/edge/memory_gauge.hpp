#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "node/core/memory_pressure.hpp"

namespace tulle::node {

/// The cgroup with the least limit of those that hold for this process.
struct MemoryCgroup {
    std::string directory;
    std::uint64_t limit = 0;  ///< bytes
    std::string usage_file = "/memory.current";
    std::string cache_prefix{};  ///< of the keys of the files' cache in its memory.stat
};

/// Memory that this process may use for all that the machine says: the least of the limits of its cgroups (v2, or v1),
/// and the machine's own. Bytes; 0 when nothing is known.
[[nodiscard]] std::uint64_t memory_of_machine();

/// Measures what this process uses of memory. A measurement reads two or three files of the kernel, each some 10 us.
///
/// Thread: its owner's.
/// Errors: what cannot be read does not count.
class MemoryGauge {
public:
    /// `limit`: of what is resident, in bytes. Besides, the limits of the cgroup and of the address space (RLIMIT_AS)
    /// hold that the process has now.
    explicit MemoryGauge(std::uint64_t limit);
    ~MemoryGauge();
    MemoryGauge(const MemoryGauge&) = delete;
    MemoryGauge& operator=(const MemoryGauge&) = delete;

    /// Valid until the next call.
    [[nodiscard]] const std::vector<MemoryUse>& measure();
    /// Gives back to the kernel what the allocator keeps for later. Some milliseconds for each GiB.
    static void purge();

private:
    const std::uint64_t limit_;
    std::uint64_t address_space_ = 0;  ///< RLIMIT_AS; 0: none
    const std::optional<MemoryCgroup> cgroup_;
    int statm_ = -1;
    std::vector<MemoryUse> uses_;
};

}  // namespace tulle::node
