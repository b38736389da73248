#pragma once

#include <optional>
#include <string>

#include "tests/sim/scenario.hpp"
#include "tests/sim/world.hpp"

namespace tulle::sim {

/// P6: after a heal, until everybody has sessions again, and knows what the others hold.
inline constexpr Duration kSessions = 5s;

/// After everything has healed and settled: who sees whom, whether the interest tables agree, and whether every
/// accepted message reached every subscriber that it was due to. Appends to the outcome's violations and counts.
void check_views(World& world);
/// P1, P3, P4: clients and origins that have gone since included.
void check_deliveries(World& world, Outcome& outcome);
/// P6: every list of every shard holds the users that are connected, wherever, and nobody else.
void check_presence(World& world, Outcome& outcome);
/// P1 of presence all the time until `until`: who is connected long enough is listed, who has gone long enough is not.
void watch_presence(World& world, Instant until);
/// All nodes name the same last event of each cache channel, one that is as late as every one accepted by an origin
/// that lives, or that had time to hand it on; and so do their shards. Runs the world for 1.5 seconds.
void check_retained(World& world, Outcome& outcome);
/// P1 of cache channels: a subscriber is given an event as late as every one accepted before it asked.
void check_answer(World& world, const Process& process, const std::string& channel, const Shelf::Answered& answered);
/// P1 of cache channels: clients that go now were given each event, or a later one, that was due to them until now.
void check_held(World& world, const Process& process, const std::string& channel, const Shelf::Held& held);
/// P9: what the world outside was told last of each item is what there is; every task of the living was done.
void check_duties(World& world, Outcome& outcome);

/// P7: says which store holds more than its limit, if one does. One record may overshoot each.
[[nodiscard]] std::optional<std::string> over_bounds(const mesh::MeshNode::MemoryUse& use, const mesh::Limits& limits);
/// P7 all the time until `until`.
void watch_memory(World& world, Instant until);
/// P8: every node publishes once to a client at every other, and every ordered pair was heard on data and on control
/// within the last moments. Runs the world for two seconds.
void check_canaries(World& world);

}  // namespace tulle::sim
