#pragma once

#include <cstdint>

#include "mesh/base/strong.hpp"

namespace tulle::node {

/// The place of a connection in the tables of its shard: 0-based, and used again after the connection has gone.
using Slot = Strong<struct SlotTag, std::uint32_t>;

}  // namespace tulle::node
