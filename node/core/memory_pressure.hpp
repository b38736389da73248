#pragma once

#include <cstdint>
#include <span>

namespace tulle::node {

/// What a node does against its running out of memory. Each does what those before it do.
enum class Pressure : std::uint8_t {
    kNone,
    kRefusing,  ///< no new clients, not ready for balancers
    /// no publishes over HTTP, unfinished requests are ended, and the clients that most waits for are closed
    kShedding,
};

/// Memory of one kind, and how much there may be of it.
struct MemoryUse {
    std::uint64_t used = 0;   ///< bytes
    std::uint64_t limit = 0;  ///< bytes; 0: none, and the use does not count
};

/// Decides from the use of memory what is to be done. There are several limits at once (of the configuration, of a
/// cgroup, of the address space); the one that is nearest counts.
///
/// Limits: refuses from 80 % of a limit until less than 75 % are used, and sheds from 90 % until less than 85 %: a
///         turn's deliveries of a large message to thousands of clients must find room in the last tenth.
class MemoryPressure {
public:
    static constexpr std::uint64_t kRefusePercent = 80;
    static constexpr std::uint64_t kShedPercent = 90;
    static constexpr std::uint64_t kCalmPercent = 5;  ///< how far below its beginning each state ends

    Pressure on_sample(std::span<const MemoryUse> uses);
    [[nodiscard]] Pressure pressure() const { return pressure_; }
    /// Bytes that must go until shedding ends; of the last sample.
    [[nodiscard]] std::uint64_t excess() const { return excess_; }
    /// The use that is nearest to its limit; of the last sample.
    [[nodiscard]] const MemoryUse& nearest() const { return nearest_; }

private:
    Pressure pressure_ = Pressure::kNone;
    std::uint64_t excess_ = 0;
    MemoryUse nearest_;
};

}  // namespace tulle::node
