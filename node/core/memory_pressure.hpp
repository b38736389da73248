#pragma once

#include <cstdint>
#include <span>

namespace tulle::node {

/// Measures of a node that runs out of memory. Each level includes the measures of the levels before.
enum class Pressure : std::uint8_t {
    /// No measures.
    kNone,
    /// No new clients, and not ready for balancers.
    kRefusing,
    /// No publishes over HTTP either; unfinished requests are ended; the clients that hold most memory are closed.
    kShedding,
};

/// The use and the limit of a kind of memory.
struct MemoryUse {
    /// Bytes.
    std::uint64_t used = 0;
    /// Bytes; 0: the kind has no limit, and its use does not count.
    std::uint64_t limit = 0;
};

/// Decides about measures from the use of memory. A process has several limits at once (of the configuration, of a
/// cgroup, of the address space); the limit that is nearest counts.
///
/// Thread: none of its own; the memory watch calls.
/// Limits: refuses from 80 % of a limit until less than 75 % are used, and sheds from 90 % until less than 85 %: the
///         deliveries of a large message to thousands of clients in a single turn must find room in the last tenth. The
///         distance of 5 % keeps the level from changing with every sample.
class MemoryPressure {
public:
    /// Percent of a limit from which new clients are refused.
    static constexpr std::uint64_t kRefusePercent = 80;
    /// Percent of a limit from which clients are closed.
    static constexpr std::uint64_t kShedPercent = 90;
    /// Percent of the limit between the beginning of a level and its end below.
    static constexpr std::uint64_t kCalmPercent = 5;

    /// Takes a measurement in. Returns the new level. Without any limit in `uses` the level is kNone.
    Pressure on_sample(std::span<const MemoryUse> uses);
    [[nodiscard]] Pressure pressure() const { return pressure_; }
    /// The bytes that must go until shedding ends, by the last sample; 0 unless the level is kShedding.
    [[nodiscard]] std::uint64_t excess() const { return excess_; }
    /// The use that is nearest to its limit, by the last sample.
    [[nodiscard]] const MemoryUse& nearest() const { return nearest_; }

private:
    Pressure pressure_ = Pressure::kNone;
    std::uint64_t excess_ = 0;
    MemoryUse nearest_;
};

}  // namespace tulle::node
