#pragma once

#include <chrono>

#include "mesh/base/time.hpp"

namespace tulle::node {

/// The real clocks, read by shells alone.
[[nodiscard]] inline Instant monotonic_now() { return Instant{std::chrono::steady_clock::now().time_since_epoch()}; }

[[nodiscard]] inline WallSeconds wall_now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace tulle::node
