#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "mesh/base/time.hpp"

namespace tulle::node {

/// Spreads the ends of `total` connections evenly over a duration, in steps of kStep: clients that are closed come back
/// at once, and the other nodes would feel all of them in the same moment.
///
/// Thread: the owner's. Time: `now` must not go backwards.
class Spread {
public:
    /// Short enough that a second sees an even rate, and long enough that a step of a large node has some clients.
    static constexpr Duration kStep = std::chrono::milliseconds(100);

    /// The last connection is due at `start + duration`; with a duration of less than a step all are due at once.
    Spread(Instant start, Duration duration, std::size_t total)
        : start_(start),
          steps_(static_cast<std::uint64_t>(std::max<std::int64_t>(duration / kStep, 0))),
          total_(total) {}

    /// How many connections are to have been closed by now.
    [[nodiscard]] std::size_t due(Instant now) const {
        const auto passed = static_cast<std::uint64_t>(std::max<std::int64_t>((now - start_) / kStep, 0));
        // Without the first test the product could pass 64 bits after centuries of steps.
        return passed >= steps_ ? total_ : static_cast<std::size_t>(total_ * passed / steps_);
    }

    /// When more connections become due; nothing once all are.
    [[nodiscard]] std::optional<Instant> next(Instant now) const {
        const std::int64_t passed = std::max<std::int64_t>((now - start_) / kStep, 0);
        return due(now) >= total_ ? std::nullopt : std::optional(start_ + (passed + 1) * kStep);
    }

private:
    static_assert(kStep > Duration{}, "steps divide times");

    Instant start_;
    std::uint64_t steps_;
    std::size_t total_;
};

}  // namespace tulle::node
