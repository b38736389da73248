#pragma once

#include <chrono>
#include <cstdint>

#include "mesh/base/time.hpp"

namespace tulle::node {

/// The real clocks. Only shells read clocks; a core gets the time as an argument.
/// The clock of deadlines and time-outs. Never goes backwards; has no relation to the time of day.
[[nodiscard]] inline Instant monotonic_now() {
    return Instant{std::chrono::steady_clock::now().time_since_epoch()};
}

/// The time of day in whole seconds, for signatures with a time stamp. May jump when the machine's clock is set.
[[nodiscard]] inline WallSeconds wall_now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

/// Nanoseconds since the Unix epoch, for spans.
[[nodiscard]] inline std::uint64_t wall_ns() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

/// Milliseconds since the Unix epoch, only for people and other programs to see.
[[nodiscard]] inline std::uint64_t wall_ms() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::milliseconds>(since).count());
}

}  // namespace tulle::node
