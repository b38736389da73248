#pragma once

#include <optional>
#include <string>
#include <utility>

#include "mesh/base/prng.hpp"
#include "mesh/core/duty/duty_service.hpp"
#include "mesh/core/interest/interest_window.hpp"
#include "mesh/core/interest/peer_interest.hpp"
#include "mesh/core/interest/subscriptions.hpp"
#include "mesh/core/node/departure.hpp"
#include "mesh/core/node/effects.hpp"
#include "mesh/core/node/node_context.hpp"
#include "mesh/core/node/pulse.hpp"
#include "mesh/core/node/roster.hpp"
#include "mesh/core/node/serving.hpp"
#include "mesh/core/node/sleep.hpp"
#include "mesh/core/node/stores.hpp"
#include "mesh/core/presence/presence.hpp"
#include "mesh/core/query/queries.hpp"
#include "mesh/core/records/arrivals.hpp"
#include "mesh/core/records/publisher.hpp"
#include "mesh/core/records/recovery.hpp"
#include "mesh/core/retained/retained.hpp"
#include "mesh/core/session/introductions.hpp"
#include "mesh/core/session/membership.hpp"
#include "mesh/core/session/sessions.hpp"
#include "mesh/core/session/streams.hpp"
#include "mesh/core/trace/traces.hpp"
#include "mesh/core/usage/usage_sharing.hpp"

namespace tulle::mesh {

/// The whole mesh side of one node as a pure machine: hands what comes in to the services that it is for, and calls
/// them in one order when a turn ends. It decides nothing itself.
///
/// Thread: confined to the hub. No clock, socket, log or hidden randomness: the same inputs at the same instants give
///         the same effects.
/// Use:    a turn is any number of step() calls with what has arrived, then one settle(). Run the appended effects in
///         order. Wait for input until next_deadline(), not longer.
/// Limits: numbers.hpp and port.hpp; what happens at each is said there.
class MeshNode {
public:
    MeshNode(NodeOptions options, std::uint64_t seed);
    MeshNode(const MeshNode&) = delete;
    MeshNode& operator=(const MeshNode&) = delete;

    /// The shards that exist, as a mask. Before start().
    void set_shards(std::uint64_t shards);
    /// The shard that does this node's duties (DutyChanged, DutyPerform). Before start(). Every node of a mesh whose
    /// shards count or order duties needs one.
    void set_duty_shard(ShardIndex shard) { duty_.set_shard(shard); }
    void start(Instant now, Effects& out);
    void step(Instant now, Input input, Effects& out);
    /// Ends a turn: timers, then one frame per connection for what the turn has brought.
    void settle(Instant now, Effects& out);
    [[nodiscard]] Instant next_deadline() const { return promised_; }

    [[nodiscard]] NodeStatus status(Instant now) const;
    /// What the bounded stores hold just now, in bytes; each has its limit in numbers.hpp.
    struct MemoryUse {
        std::size_t ring = 0;
        std::size_t unreceipted = 0;   ///< of the connection with most
        std::size_t held = 0;          ///< the same
        std::size_t receive_ring = 0;  ///< of the origin with most
        std::size_t retained = 0;      ///< last events
        // in entries
        /// channels with subscribers here, the markers of presence and last events included
        std::size_t interest = 0;
        std::size_t interest_pending = 0;  ///< changes of that which the peers have still to be told of
        std::size_t waiting = 0;           ///< subscriptions that wait for the peers
    };
    [[nodiscard]] MemoryUse memory_use() const;
    [[nodiscard]] const Membership& membership() const { return membership_; }
    [[nodiscard]] const LocalInterest& local_interest() const { return stores_.local; }
    /// What is held of a peer's interest: version and digest; nothing without a session in step.
    [[nodiscard]] std::optional<std::pair<InterestVersion, std::uint64_t>> interest_of(OriginId oid) const;
    [[nodiscard]] const PresenceTable& presence() const { return stores_.presence; }
    [[nodiscard]] const RetainedTable& retained() const { return stores_.retained; }
    [[nodiscard]] const Duties& duties() const { return duty_.duties(); }
    [[nodiscard]] bool ready() const { return serving_.is_on(); }

private:
    // One overload for each kind of input, message and word of a shard, so that a new kind does not compile before
    // somebody takes it. A struct each, as an overload set of lambdas would be put together anew for every message.
    struct InputHandler;
    struct ControlHandler;
    struct PortHandler;

    /// Our own loop was late: nobody is to blame for the silence meanwhile.
    void note_time(Instant now, Effects& out);
    /// What membership has found out. Before anything else is looked at.
    void handle_events(Instant now, Effects& out);
    void on_connection_up(Instant now, ConnectionId connection, Effects& out);
    void on_session_up(Instant now, const SessionUp& up, Effects& out);
    void on_session_down(Instant now, const SessionDown& down, Effects& out);

    /// REQUIRES: of a standing session.
    void on_control(Instant now, const Control& message, Effects& out);
    void on_data(Instant now, const Data& message, OriginId via, Effects& out);
    void on_heartbeat(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out);
    /// What a witness passes on, or what we are to pass on as one.
    void on_relay(Instant now, OriginId from, const Relay& relay, Effects& out);
    void on_port(Instant now, ShardIndex shard, ToHub& message, Effects& out);

    // mesh_node_status.cpp
    void add_counters(NodeStatus& status) const;
    void add_gauges(NodeStatus& status) const;

    void tick_sessions(Instant now, Effects& out);
    void tick_session(Instant now, Session& session, Effects& out);
    void send_heartbeat(Instant now, Session& session, Effects& out);
    /// When tick_session() has something to do.
    [[nodiscard]] Instant deadline(const Session& session) const;
    /// When settle() has something to do.
    [[nodiscard]] Instant earliest();

    // More fields than 15: one for each service, in the order in which they build on each other.
    NodeOptions options_;
    Prng prng_;
    Stores stores_;
    Sessions sessions_;
    Membership membership_;
    NodeContext context_;
    Serving serving_;
    Pulse pulse_;
    Roster roster_;
    Presence presence_;
    Retained retained_;
    Publisher publisher_;
    Sleep sleep_;
    Traces traces_;
    Arrivals arrivals_;
    Recovery recovery_;
    InterestWindow window_;
    Subscriptions subscriptions_;
    PeerInterest interest_;
    Streams streams_;
    Queries queries_;
    UsageSharing usage_;
    DutyService duty_;
    Departure departure_;
    Introductions introductions_;
    Instant promised_;  // the turn that ends then is not late
};

}  // namespace tulle::mesh
