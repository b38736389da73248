#pragma once

#include <chrono>

#include "mesh/base/time.hpp"

namespace tulle::client {

[[nodiscard]] inline Instant monotonic_now() {
    return Instant(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

[[nodiscard]] inline WallSeconds wall_now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace tulle::client
