#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/node/tallies.hpp"

namespace tulle::mesh {

/// Decides when heartbeats go, and measures the way to each peer by them: the round trip, and the offset of the peer's
/// clock. The other fields of a heartbeat are written and read by the services in charge.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Ownership: refers to the context and the tallies of the node; both outlive the Pulse.
/// Errors: none. Impossible times in a heartbeat measure nothing.
class Pulse {
public:
    Pulse(const MeshContext& context, Tallies& tallies) : context_(context), tallies_(tallies) {}

    /// The uptime begins.
    void start(Instant now) { started_ = now; }
    /// A shard says how many clients it has.
    void on(ShardIndex shard, const ShardLoad& load) { clients_[shard] = load.clients; }
    /// Reads a peer's heartbeat. Returns the moment at which this node sent the heartbeat that the peer echoes; nothing
    /// without an echo.
    [[nodiscard]] std::optional<Instant> on(Instant now, Session& session, const Heartbeat& heartbeat);
    /// The node slept until now: the time asleep must not count as a round trip.
    void woke(Instant now) { awake_since_ = now; }

    /// True when a heartbeat to the peer is due.
    [[nodiscard]] static bool is_due(Instant now, const Session& session) { return session.beats.next_at <= now; }
    /// Makes a heartbeat to the peer due in this turn. The session must be touched besides.
    static void hurry(Instant now, Session& session) { session.beats.next_at = now; }
    /// Makes heartbeats to all peers due in this turn.
    void hurry_all(Instant now) const;
    /// Writes this service's part of a heartbeat about to be sent, and schedules the next heartbeat.
    void write(Instant now, Session& session, Heartbeat& heartbeat) const;

    /// Seconds since start().
    [[nodiscard]] std::uint64_t uptime_s(Instant now) const {
        return static_cast<std::uint64_t>((now - started_) / 1s);
    }
    /// The clients of all shards, by the shards' last words.
    [[nodiscard]] std::uint64_t clients() const;

private:
    const MeshContext& context_;
    Tallies& tallies_;
    Instant started_;
    /// When the last late turn ended.
    Instant awake_since_;
    /// Clients of each shard.
    std::map<ShardIndex, std::uint64_t> clients_;
};

}  // namespace tulle::mesh
