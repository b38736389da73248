#pragma once

#include <chrono>

#include "mesh/base/time.hpp"

namespace tulle::mesh {

/// The present time of the monotonic clock. Thread: any.
[[nodiscard]] inline Instant steady_now() {
    return Instant{std::chrono::steady_clock::now().time_since_epoch()};
}

}  // namespace tulle::mesh
