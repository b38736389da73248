#pragma once

#include <cstdint>

#include "mesh/core/node/numbers.hpp"
#include "mesh/wire/codec.hpp"

/// Every number and time of a peer is checked by these before it takes part in arithmetic.
namespace tulle::mesh::wire {

/// What a message of a peer may have at most.
inline const Limits kLimits;

template <class... Number>
[[nodiscard]] bool good_numbers(Number... numbers) {
    return ((numbers <= kMaxNumber) && ...);
}

template <class... Time>
[[nodiscard]] bool good_times(Time... us) {
    return ((us >= -kMaxClockUs && us <= kMaxClockUs) && ...);
}

}  // namespace tulle::mesh::wire
