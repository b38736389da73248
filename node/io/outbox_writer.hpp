#pragma once

#include <cstdint>

#include "node/core/outbox.hpp"

namespace tulle::node {

enum class Written : std::uint8_t { kAll, kBlocked, kBroken };

/// Writes as much of the outbox to the socket as the kernel takes, in gathered sends; never waits. kBroken: the connection
/// is of no use any more.
[[nodiscard]] Written write_outbox(int socket, Outbox& outbox);

}  // namespace tulle::node
