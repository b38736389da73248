#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "mesh/base/prng.hpp"
#include "mesh/base/time.hpp"

namespace tulle::chaos {

struct Shape {
    Duration delay{};
    Duration jitter{};
    std::uint64_t rate = 0;  ///< bytes a second; 0: without limit
};

/// Says when each packet of a line that is slow may go on. They never overtake each other, as the pipe that a TCP
/// connection goes through doesn't let them, as a rule.
///
/// Limits: a packet that would wait for more than kLongestQueue for its turn is dropped, as by any router.
class Shaper {
public:
    static constexpr Duration kLongestQueue = 400ms;

    Shaper(const Shape& shape, std::uint64_t seed) : shape_(shape), prng_(seed) {}

    /// Nothing: drop it. `now` does not go backwards.
    [[nodiscard]] std::optional<Instant> admit(Instant now, std::size_t bytes);

private:
    Shape shape_;
    Prng prng_;
    Instant free_{};  ///< when the line has sent all that was admitted
    Instant last_{};  ///< when the newest packet goes on
};

}  // namespace tulle::chaos
