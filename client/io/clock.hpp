#pragma once

#include <chrono>

#include "mesh/base/time.hpp"

namespace tulle::client {

/// The monotonic clock of this machine, for the cores' `now`. Any thread.
[[nodiscard]] inline Instant monotonic_now() {
    return Instant(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

/// The wall clock, for the timestamp of a signature. Any thread.
[[nodiscard]] inline WallSeconds wall_now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace tulle::client
