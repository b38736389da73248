#pragma once

#include <chrono>

namespace tulle {

/// The monotonic clock as seen by the cores: a type without now(), so no core can read a clock. A shell reads the real
/// clock and passes the Instant in.
struct MonotonicTag {
    using rep = std::chrono::nanoseconds::rep;
    using period = std::chrono::nanoseconds::period;
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<MonotonicTag>;
    static constexpr bool is_steady = true;
};

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<MonotonicTag>;

/// Seconds since the Unix epoch. Only for people and signatures, never for timers, because the wall clock may jump.
using WallSeconds = std::chrono::sys_seconds;

using namespace std::chrono_literals;

}  // namespace tulle
