#pragma once

#include <cstdint>

#include "mesh/core/node/numbers.hpp"
#include "mesh/wire/codec.hpp"

/// Range checks for the numbers and times of a peer. Every such value is checked before arithmetic.
namespace tulle::mesh::wire {

/// The limits for messages of a peer: the defaults, as every node decodes by the same limits.
inline const Limits kLimits;

/// True when every number is within kMaxNumber.
template <class... Number>
[[nodiscard]] bool good_numbers(Number... numbers) {
    return ((numbers <= kMaxNumber) && ...);
}

/// True when every time, in microseconds, is within kMaxClockUs on either side of zero.
template <class... Time>
[[nodiscard]] bool good_times(Time... us) {
    return ((us >= -kMaxClockUs && us <= kMaxClockUs) && ...);
}

}  // namespace tulle::mesh::wire
