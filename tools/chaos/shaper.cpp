#include "tools/chaos/shaper.hpp"

#include <algorithm>

namespace tulle::chaos {

std::optional<Instant> Shaper::admit(Instant now, std::size_t bytes) {
    Instant due = now;
    // The line sends a packet after another, each for as long as the bytes take at the rate.
    if (shape_.rate > 0) {
        const Instant start = std::max(now, free_);
        // Too long a queue drops the packet, as a router does; TCP slows down in answer.
        if (start - now > kLongestQueue) {
            return std::nullopt;
        }
        const std::uint64_t nanoseconds = bytes * 1'000'000'000U / shape_.rate;
        free_ = start + std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
        due = free_;
    }
    due += shape_.delay;
    if (shape_.jitter > Duration::zero()) {
        // Even over [-jitter, +jitter].
        const auto width = static_cast<std::uint64_t>(2 * shape_.jitter.count() + 1);
        due += Duration(static_cast<Duration::rep>(prng_.below(width))) - shape_.jitter;
    }
    // No packet overtakes an earlier packet, so jitter shows as bunches.
    last_ = std::max({last_, due, now});
    return last_;
}

}  // namespace tulle::chaos
