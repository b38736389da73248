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
#include "mesh/core/node/rebinding.hpp"
#include "mesh/core/node/roster.hpp"
#include "mesh/core/node/serving.hpp"
#include "mesh/core/node/sleep.hpp"
#include "mesh/core/node/stores.hpp"
#include "mesh/core/presence/presence.hpp"
#include "mesh/core/query/queries.hpp"
#include "mesh/core/query/resumes.hpp"
#include "mesh/core/records/acknowledger.hpp"
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

/// The whole mesh side of a node as a pure machine: hands each input to the service in charge, and calls the services
/// in one fixed order when a turn ends. The machine itself decides nothing.
///
/// Thread: confined to the hub. No clock, socket, log or hidden randomness: the same inputs at the same instants give
///         the same effects.
/// Time:   `now` is an argument and must not go backwards.
/// Use:    a turn is any number of step() calls with the inputs that have arrived, then one settle(). Run the appended
/// effects in order. Wait for input until next_deadline(), not longer.
/// Ownership: owns all services and tables.
/// Limits: numbers.hpp and port.hpp, each with the result of reaching the limit.
/// Errors: none. Bad input of peers and shards is dropped, refused or counted; a node that can't go on appends Fatal.
class MeshNode {
public:
    /// `seed` starts the generator behind all random choices.
    /// REQUIRES: options.oid is not 0.
    MeshNode(NodeOptions options, std::uint64_t seed);
    MeshNode(const MeshNode&) = delete;
    MeshNode& operator=(const MeshNode&) = delete;

    /// The existing shards, as a mask. Call before start().
    void set_shards(std::uint64_t shards);
    /// The shard that does this node's duties (DutyChanged, DutyPerform). Call before start(). In a mesh with counts or
    /// tasks of duties every node needs such a shard.
    void set_duty_shard(ShardIndex shard) { duty_.set_shard(shard); }
    /// Begins to dial, and ends the first turn. Call once, before any step().
    void start(Instant now, Effects& out);
    /// Takes in an input.
    void step(Instant now, Input input, Effects& out);
    /// Ends a turn: runs the timers, then builds a frame per connection from the records of the turn.
    void settle(Instant now, Effects& out);
    /// The latest moment for the next settle(). A later turn counts as late, and stretches the timeouts.
    [[nodiscard]] Instant next_deadline() const { return promised_; }

    /// The state of the node for people; costs a look at every peer.
    [[nodiscard]] NodeStatus status(Instant now) const;
    /// The present contents of the bounded stores; each store has its limit in numbers.hpp. The first five are bytes,
    /// the last three are entries.
    struct MemoryUse {
        std::size_t ring = 0;
        /// Of the connection with most bytes.
        std::size_t unreceipted = 0;
        /// Of the connection with most bytes.
        std::size_t held = 0;
        /// Of the origin with most bytes.
        std::size_t receive_ring = 0;
        /// Last events.
        std::size_t retained = 0;
        /// Channels with subscribers here, the marked keys of presence and last events included.
        std::size_t interest = 0;
        /// Changes of interest without a version so far: the peers have not been told yet.
        std::size_t interest_pending = 0;
        /// Subscriptions that wait for the peers.
        std::size_t waiting = 0;
    };
    [[nodiscard]] MemoryUse memory_use() const;
    [[nodiscard]] const Membership& membership() const { return membership_; }
    [[nodiscard]] const LocalInterest& local_interest() const { return stores_.local; }
    /// Version and digest of a peer's interest held here; nothing without a session, or before all of the interest is
    /// known.
    [[nodiscard]] std::optional<std::pair<InterestVersion, std::uint64_t>> interest_of(OriginId oid) const;
    [[nodiscard]] const PresenceTable& presence() const { return stores_.presence; }
    [[nodiscard]] const RetainedTable& retained() const { return stores_.retained; }
    [[nodiscard]] const HistoryTable& history() const { return history_.table(); }
    [[nodiscard]] const Duties& duties() const { return duty_.duties(); }
    [[nodiscard]] bool ready() const { return serving_.is_on(); }

private:
    // An overload for each kind of input, message and word of a shard, so a new kind does not compile before a service
    // takes it. Each set is a struct, because an overload set of lambdas would be built again for every message.
    struct InputHandler;
    struct ControlHandler;
    struct PortHandler;

    /// Finds out whether our own loop came late. If so, all timeouts are moved, as no peer is to blame for the silence
    /// meanwhile.
    void note_time(Instant now, Effects& out);
    /// Deals with sessions that began or ended, before anything else is looked at.
    void handle_events(Instant now, Effects& out);
    /// Sends a heartbeat in this turn when the connection belongs to a session.
    void on_connection_up(Instant now, ConnectionId connection, Effects& out);
    /// Tells all services of a new session, in the order of their dependence.
    void on_session_up(Instant now, const SessionUp& up, Effects& out);
    /// Tells all services of the end of a session.
    void on_session_down(Instant now, const SessionDown& down, Effects& out);
    /// How far the peer's last words about duties have come.
    [[nodiscard]] DutyEnd duty_end(Instant now, const SessionDown& down) const;

    /// Hands the message to its service.
    /// REQUIRES: the message belongs to a standing session.
    void on_control(Instant now, const Control& message, Effects& out);
    /// As on_control(). `via`: the witness that has passed on the message; 0: the message came directly.
    void on_data(Instant now, const Data& message, OriginId via, Effects& out);
    /// Lets each service read its part.
    void on_heartbeat(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out);
    /// A peer relays a message for this node, or asks this node to relay a message.
    void on_relay(Instant now, OriginId from, const Relay& relay, Effects& out);
    /// Hands a shard's message to its service.
    void on_port(Instant now, ShardIndex shard, ToHub& message, Effects& out);

    /// Defined in mesh_node_status.cpp, as add_gauges(). Sums over status.members, so all members must be there.
    void add_counters(NodeStatus& status) const;
    void add_gauges(NodeStatus& status) const;

    /// Runs the timers of all sessions that were touched or are due.
    void tick_sessions(Instant now, Effects& out);
    /// Runs the timers of a session. The order matters: ask for frames, exchange interest, send frames, then the
    /// heartbeat.
    void tick_session(Instant now, Session& session, Effects& out);
    /// Lets each service write its part, and sends the heartbeat by every way.
    void send_heartbeat(Instant now, Session& session, Effects& out);
    /// When tick_session() has something to do next.
    [[nodiscard]] Instant deadline(const Session& session) const;
    /// When settle() has something to do next.
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
    History history_;
    Acknowledger acknowledger_;
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
    Resumes resumes_;
    UsageSharing usage_;
    DutyService duty_;
    Departure departure_;
    Introductions introductions_;
    Rebinding rebinding_;
    /// The deadline given to the shell: a turn that ends by then is not late.
    Instant promised_;
};

}  // namespace tulle::mesh
