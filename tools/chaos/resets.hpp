#pragma once

#include <cstdint>
#include <vector>

#include "tools/cli/signals.hpp"

namespace tulle::chaos {

/// Ends the established IPv4 TCP connections with one of these local ports, from outside; both sides see a reset.
/// Returns when `ss -K` has ended. A failure of `ss` passes without a word, so callers ask can_reset_connections()
/// first. Needs root, at least of a user namespace of its own, and a kernel that allows the kill.
void reset_connections(const std::vector<std::uint16_t>& ports, const cli::Signals& signals);

/// True when reset_connections() works here, tried on a connection of this process. Takes 200 ms when resets do not
/// work.
[[nodiscard]] bool can_reset_connections(const cli::Signals& signals);

}  // namespace tulle::chaos
