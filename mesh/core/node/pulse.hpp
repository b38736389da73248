#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/node/tallies.hpp"

namespace tulle::mesh {

/// When heartbeats go, and what they tell of the way to a peer: how long it takes, and how far the peer's clock is off.
/// The other fields of a heartbeat are written and read by the services that they belong to.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
class Pulse {
public:
    Pulse(const MeshContext& context, Tallies& tallies) : context_(context), tallies_(tallies) {}

    void start(Instant now) { started_ = now; }
    void on(ShardIndex shard, const ShardLoad& load) { clients_[shard] = load.clients; }
    /// A peer's heartbeat. Returned is when this node sent what the peer answers by it; nothing when it answers
    /// nothing.
    [[nodiscard]] std::optional<Instant> on(Instant now, Session& session, const Heartbeat& heartbeat);
    /// The node slept until now: a heartbeat sent before was not under way all that time, and measures nothing.
    void woke(Instant now) { awake_since_ = now; }

    [[nodiscard]] static bool is_due(Instant now, const Session& session) { return session.beats.next_at <= now; }
    /// A heartbeat to the peer, or to all, is sent in this turn.
    static void hurry(Instant now, Session& session) { session.beats.next_at = now; }
    void hurry_all(Instant now) const;
    /// Puts this service's part into a heartbeat that is sent now.
    void write(Instant now, Session& session, Heartbeat& heartbeat) const;

    [[nodiscard]] std::uint64_t uptime_s(Instant now) const {
        return static_cast<std::uint64_t>((now - started_) / 1s);
    }
    /// Of all shards, as they have said.
    [[nodiscard]] std::uint64_t clients() const;

private:
    const MeshContext& context_;
    Tallies& tallies_;
    Instant started_;
    Instant awake_since_;
    std::map<ShardIndex, std::uint64_t> clients_;
};

}  // namespace tulle::mesh
