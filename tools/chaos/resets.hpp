#pragma once

#include <cstdint>
#include <vector>

#include "tools/cli/signals.hpp"

namespace tulle::chaos {

/// Ends, from outside, the established TCP connections whose one end is one of these local ports; both sides see a
/// reset. Returns when it is done. By `ss -K`, which needs root and a kernel that allows it.
void reset_connections(const std::vector<std::uint16_t>& ports, const cli::Signals& signals);

/// Whether that works here, tried on a connection of our own.
[[nodiscard]] bool can_reset_connections(const cli::Signals& signals);

}  // namespace tulle::chaos
