#pragma once

#include <optional>
#include <string>

#include "tests/sim/scenario.hpp"
#include "tests/sim/world.hpp"

namespace tulle::sim {

/// P6: within this time after a heal all nodes have sessions again, and know each other's interest.
inline constexpr Duration kSessions = 5s;

/// The checks after everything has healed and settled. Each check reports violations to the world or counts to the
/// outcome.
///
/// P6: every node sees every other node alive, and holds the other node's interest. P1: no subscription still waits.
void check_views(World& world);
/// P1, P3, P4: every accepted message reached every subscriber that the message was due to. Clients and origins that
/// have ended since are judged, too.
void check_deliveries(World& world, Outcome& outcome);
/// P6: every list of every shard holds exactly the users connected to any node.
void check_presence(World& world, Outcome& outcome);
/// P1 of presence, looked at twice a second until `until`: users connected for long enough are listed, users gone for
/// long enough are not.
void watch_presence(World& world, Instant until);
/// P10: all nodes and all shards name an equal last event for each cache channel, and no event accepted by an origin
/// that lived, or had time to hand the event on, is later. Runs the world for 1.5 seconds.
void check_retained(World& world, Outcome& outcome);
/// P10: the answer to a subscription of a cache channel brings an event at least as late as every event accepted before
/// the subscription was asked for.
void check_answer(World& world, const Process& process, const std::string& channel, const Shelf::Answered& answered);
/// P10: clients about to go were given each event due to them, or a later event.
void check_held(World& world, const Process& process, const std::string& channel, const Shelf::Held& held);
/// P9: the last word told to the world outside about each item is true, and every task of a living process was done.
void check_duties(World& world, Outcome& outcome);

/// P7: names a store that holds more than the limit; nothing when all stores are within. A store may overshoot the
/// limit by a single record.
[[nodiscard]] std::optional<std::string> over_bounds(const mesh::MeshNode::MemoryUse& use, const mesh::Limits& limits);
/// P7, looked at ten times a second until `until`. The first violation ends the watch.
void watch_memory(World& world, Instant until);
/// P8: every node publishes once to a client at every other node, and every ordered pair of nodes was heard on data and
/// on control within the last moments. Runs the world for two seconds.
void check_canaries(World& world);

}  // namespace tulle::sim
