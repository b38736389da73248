#pragma once

#include <cstdint>
#include <vector>

#include "tools/cli/signals.hpp"

namespace tulle::chaos {

/// Ends the established IPv4 TCP connections with one of these local ports, from outside; both sides see a reset.
/// Returns when `ss -K` has ended; a failure of `ss` passes without a word, so can_reset_connections() must have been
/// asked. Needs root (or a user namespace with the network) and a kernel that allows the kill.
void reset_connections(const std::vector<std::uint16_t>& ports, const cli::Signals& signals);

/// True when reset_connections() works here, tried on a connection of this process. Takes 200 ms when resets do not
/// work.
[[nodiscard]] bool can_reset_connections(const cli::Signals& signals);

}  // namespace tulle::chaos
