#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "mesh/base/prng.hpp"
#include "mesh/base/time.hpp"

namespace tulle::chaos {

/// How slow a line is.
struct Shape {
    /// Added to the time of each packet.
    Duration delay{};
    /// The delay varies by up to this much either way.
    Duration jitter{};
    /// Bytes a second; 0: without limit.
    std::uint64_t rate = 0;
};

/// Says when each packet of a slow line may go on. Packets never overtake each other: the path of a TCP connection
/// keeps the order, as a rule.
///
/// Thread: confined to its owner.
/// Time:   `now` is an argument and must not go backwards.
/// Limits: a packet that would wait for more than kLongestQueue for the packets before is dropped, as by a router.
class Shaper {
public:
    /// Bounds the queue of a throttled line, as the buffer of a router does.
    static constexpr Duration kLongestQueue = 400ms;

    /// Draws the jitter from `seed`.
    Shaper(const Shape& shape, std::uint64_t seed) : shape_(shape), prng_(seed) {}

    /// Returns the moment at which the packet may go on, at `now` or later. Nothing: the packet is dropped.
    [[nodiscard]] std::optional<Instant> admit(Instant now, std::size_t bytes);

private:
    Shape shape_;
    Prng prng_;
    /// When the line has sent all admitted packets.
    Instant free_{};
    /// When the newest packet goes on.
    Instant last_{};
};

}  // namespace tulle::chaos
