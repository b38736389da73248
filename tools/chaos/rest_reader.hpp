#pragma once

#include <cstdint>

#include "tools/chaos/load.hpp"
#include "tools/chaos/recorder.hpp"

namespace tulle::chaos {

/// Asks a node by the HTTP API for the occupied channels and for the users of the presence channel, and records the
/// answers as kRead. A failed call is recorded with the failure as the answer. Blocks for 5 s at most for each
/// question.
void read_api(const Target& target, Recorder& recorder);
/// Asks a node, as a new subscriber, for the last event of each cache channel, and records the answers as kRead.
/// `nodes` is the number of publishers. A channel without an answer is recorded with "no answer". Blocks for 5 s at
/// most in all.
void read_caches(const Target& target, std::uint32_t nodes, Recorder& recorder);

}  // namespace tulle::chaos
