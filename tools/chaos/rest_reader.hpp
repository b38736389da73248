#pragma once

#include <cstdint>

#include "tools/chaos/load.hpp"
#include "tools/chaos/recorder.hpp"

namespace tulle::chaos {

/// Asks one node by the HTTP API which channels are occupied and which users are in the presence channel, and records
/// the answers. Blocks for 5 s at most for each question.
void read_api(const Target& target, Recorder& recorder);
/// Asks one node, as a new subscriber, for the last event of each cache channel, and records the answers. Blocks for 5
/// s at most.
void read_caches(const Target& target, std::uint32_t nodes, Recorder& recorder);

}  // namespace tulle::chaos
