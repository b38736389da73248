#pragma once

#include <chrono>

namespace tulle {

/// The monotonic clock as the cores see it: a type without now(). A shell reads the real clock and passes the Instant
/// in.
struct MonotonicTag {
    using rep = std::chrono::nanoseconds::rep;
    using period = std::chrono::nanoseconds::period;
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<MonotonicTag>;
    static constexpr bool is_steady = true;
};

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<MonotonicTag>;

/// Seconds since the Unix epoch; only for what people or signatures see, never for timers.
using WallSeconds = std::chrono::sys_seconds;

using namespace std::chrono_literals;

}  // namespace tulle
