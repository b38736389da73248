#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/base/prng.hpp"
#include "mesh/core/barrier.hpp"
#include "mesh/core/deadline_queue.hpp"
#include "mesh/core/duties.hpp"
#include "mesh/core/effects.hpp"
#include "mesh/core/hybrid_clock.hpp"
#include "mesh/core/interest_feed.hpp"
#include "mesh/core/interest_table.hpp"
#include "mesh/core/kept_table.hpp"
#include "mesh/core/link_receiver.hpp"
#include "mesh/core/link_sender.hpp"
#include "mesh/core/local_interest.hpp"
#include "mesh/core/membership.hpp"
#include "mesh/core/origins.hpp"
#include "mesh/core/presence_table.hpp"
#include "mesh/core/query_table.hpp"
#include "mesh/core/reconcile.hpp"
#include "mesh/core/record_ring.hpp"
#include "mesh/core/trace_table.hpp"
#include "mesh/core/usage_table.hpp"

namespace tulle::mesh {

/// The whole mesh side of one node as a pure machine: membership, interest, links, queries, composed.
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
    void set_duty_shard(ShardIndex shard) { duty_shard_ = shard; }
    void start(Instant now, Effects& out);
    void step(Instant now, Input input, Effects& out);
    /// Ends a turn: timers, then one frame per link for what the turn has brought.
    void settle(Instant now, Effects& out);
    [[nodiscard]] Instant next_deadline() const { return promised_; }

    [[nodiscard]] NodeStatus status(Instant now) const;
    /// What the bounded stores hold just now, in bytes; each has its limit in numbers.hpp.
    struct MemoryUse {
        std::size_t ring = 0;
        std::size_t unreceipted = 0;   ///< of the link with most
        std::size_t held = 0;          ///< the same
        std::size_t receive_ring = 0;  ///< of the origin with most
        std::size_t kept = 0;          ///< last events
        // in entries
        /// channels with subscribers here, the markers of presence and last events included
        std::size_t interest = 0;
        std::size_t interest_pending = 0;  ///< changes of that which the peers have still to be told of
        std::size_t waiting = 0;           ///< subscriptions that wait for the peers
    };
    [[nodiscard]] MemoryUse memory_use() const;
    [[nodiscard]] const Membership& membership() const { return membership_; }
    [[nodiscard]] const LocalInterest& local_interest() const { return local_; }
    /// What is held of a peer's interest: version and digest; nothing without a session in step.
    [[nodiscard]] std::optional<std::pair<InterestVersion, std::uint64_t>> interest_of(OriginId oid) const;
    [[nodiscard]] const PresenceTable& presence() const { return presence_; }
    [[nodiscard]] const KeptTable& kept() const { return kept_; }
    [[nodiscard]] const Duties& duties() const { return duties_; }
    [[nodiscard]] bool ready() const { return ready_; }

private:
    /// One session with one peer, both directions.
    struct Link {
        Link(const NodeOptions& options, OriginId to, RecordNo delivered, InterestSlot in_table)
            : oid(to),
              sender(options.timing, options.limits),
              receiver(options.timing, options.limits, delivered),
              feed(options.timing),
              slot(in_table) {}

        OriginId oid;
        LinkSender sender;
        LinkReceiver receiver;
        InterestFeed feed;
        InterestSlot slot;
        RecordNo resume_after;                   // where the sender opens
        std::vector<RecordNo> peer_extras;       // what the peer has got from others beyond that
        std::optional<InterestVersion> sync_at;  // the peer's version at its first answer
        bool synced = false;
        Instant heartbeat_at;
        Instant pull_at;                // earliest next pull
        bool pull_due = false;          // the last chunk is dealt with
        bool awaits_chunk = false;      // a pull has been sent that no chunk has answered
        std::size_t changes_taken = 0;  // in this turn, of the peer's interest
        bool answered_pull = false;     // in this turn; the last of the further ones is answered at its end
        std::optional<InterestPull> late_pull;
        InterestVersion seen_at_heartbeat;
        InterestVersion acked_most;         // of our interest, by the peer
        std::uint64_t pulled_snapshot = 0;  // how far the peer has come with a snapshot of our interest …
        std::string pulled_after;
        Instant interest_progress;      // the peer took in some of our interest, or held all of it
        InterestVersion interest_mark;  // a version of our interest that the peer has not acknowledged yet …
        Instant interest_marked;        // … and when we had come to it
        InterestVersion up_version;     // our interest when the session began
        Instant told_at;                // the peer told us of a presence channel or of a last event
        Instant in_step_at;             // the last moment without anything that it could have told
        Instant framed_at;              // its last frame came
        std::string untold_looked;      // the last channel that it was asked for whether it has told us
        Instant data_wait_until;
        Instant last_data;  // or the last re-dial
        Instant data_heard_at;
        Instant data_steady_since;  // its data has come since then without a long pause
        Instant members_sent_at;
        std::int64_t echo_us = 0;
        Instant echo_at;
        std::optional<FrameNo> leaving;        // the peer's last frame
        bool leave_receipted = false;          // the peer has all of ours
        std::int64_t leaving_said_us = 0;      // when the first heartbeat said that this node leaves
        bool leaving_heard = false;            // the peer has heard that
        bool touched = false;                  // in touched_
        DeadlineQueue<OriginId>::Place place;  // in due_
    };
    /// What outlives sessions, for people.
    struct Tally {
        std::uint64_t gaps = 0;
        std::uint64_t repaired = 0;
        std::uint64_t rtt_us = 0;
        std::uint64_t sessions = 0;
        ClockOffset clock;
        Load load;
    };

    void note_time(Instant now, Effects& out);
    void handle_events(Instant now, Effects& out);
    [[nodiscard]] SessionTerms terms_for(OriginId oid);

    // mesh_node_turn.cpp
    /// Something of the link has changed: it is looked at when the turn ends.
    void touch(Link& link);
    void touch_all();
    /// Tells each level link which of the records numbered since the last settle() are due to it.
    void note_due();
    void tick_links(Instant now, Effects& out);
    [[nodiscard]] Instant deadline(const Link& link) const;
    void check_deaf(Instant now);
    [[nodiscard]] Instant earliest();

    // mesh_node_links.cpp
    void on_session_up(Instant now, const SessionUp& up, Effects& out);
    void on_session_down(Instant now, const SessionDown& down, Effects& out);
    void introduce(Effects& out);
    void on_control(Instant now, const Control& message, Effects& out);
    void on_data(Instant now, const Data& message, Effects& out, OriginId via = {});
    void run(Instant now, OriginId from, Link& link, const LinkEffects& effects, Effects& out);
    void report_gone(OriginId origin, std::optional<RecordNo> upto, const Gone& gone, Effects& out);
    void on_heartbeat(Instant now, OriginId from, Link& link, const Heartbeat& heartbeat, Effects& out);
    void send_heartbeat(Instant now, OriginId to, Link& link, Effects& out);
    void tick_link(Instant now, OriginId oid, Link& link, Effects& out);
    void flush(Instant now, OriginId oid, Link& link, Effects& out);
    void send_frames(Instant now, OriginId oid, Link& link, Effects& out);
    void on_relay(Instant now, OriginId from, const Relay& relay, Effects& out);
    [[nodiscard]] bool is_due(OriginId oid, const Link& link, const Record& record) const;
    void check_leaver(Instant now, OriginId oid, Link& link, Effects& out);

    // mesh_node_interest.cpp
    void on_delta(Instant now, OriginId from, Link& link, const InterestDelta& delta, Effects& out);
    void on_chunk(Instant now, OriginId from, Link& link, const InterestChunk& chunk, Effects& out);
    bool is_over(Instant now, OriginId from, const Link& link, Effects& out);
    void on_pull(Instant now, OriginId from, Link& link, const InterestPull& pull, Effects& out);
    void answer_pull(Instant now, OriginId from, Link& link, const InterestPull& pull, Effects& out);
    void pull(Instant now, OriginId from, Link& link, InterestPull what, Effects& out);
    void tick_interest(Instant now, OriginId oid, Link& link, Effects& out);
    void check_synced(Link& link) const;
    void note_pull(Instant now, Link& link, const InterestPull& pull);
    /// New subscriptions wait for each peer: one that takes in nothing of our interest is given up.
    void check_intake(Instant now, OriginId oid, Link& link, Effects& out);
    [[nodiscard]] Duration most_patience() const;
    /// A pull or its answer may be lost: ask again.
    [[nodiscard]] bool fetching(const Link& link) const {
        return !link.synced || table_.continuation(link.slot).has_value();
    }
    void check_digest(Instant now, OriginId from, Link& link, const Heartbeat& heartbeat, Effects& out);
    void move_window(Instant now, Effects& out);
    void release_barrier(Instant now, Effects& out);
    void tick_window(Instant now, Effects& out);
    [[nodiscard]] bool is_unheard() const;
    [[nodiscard]] InterestVersion acked_by_all() const;

    // mesh_node_port.cpp
    void on_port(Instant now, ShardIndex shard, ToHub& message, Effects& out);
    /// Takes out of `publish` what the record needs, when it is accepted or held.
    void publish(Instant now, ShardIndex shard, Publish& publish, Effects& out);
    void subscribe(Instant now, ShardIndex shard, const Subscribe& subscribe, Effects& out);
    void unsubscribe(Instant now, ShardIndex shard, const std::string& channel, Effects& out);
    void query(Instant now, ShardIndex shard, const Query& query, Effects& out);
    void tick_gate(Instant now, Effects& out);
    void check_readiness(Effects& out);
    void deliver(const RecordPtr& record, Effects& out);

    // mesh_node_leave.cpp
    void begin_retire(Instant now, const RetireRequest& request, Effects& out);
    void hurry_heartbeats(Instant now);
    void begin_leave(Instant now, const LeaveRequest& request, Effects& out);
    [[nodiscard]] bool tells_last_words(Instant now) const;
    void tick_leave(Instant now, Effects& out);
    void say_leave(Instant now, Effects& out);
    [[nodiscard]] bool may_part(Instant now) const;
    void end_leave(Effects& out);

    // mesh_node_presence.cpp
    void join(Instant now, ShardIndex shard, const MemberJoin& wanted, Effects& out);
    void leave(Instant now, ShardIndex shard, const MemberLeave& wanted, Effects& out);
    void drop_presence(Instant now, ShardIndex shard, const std::string& channel, Effects& out);
    void log_presence(Instant now, const std::string& channel, const PresenceMember& member, bool left);
    void tell(const PresenceTable::Changes& changes, Effects& out) const;
    void on_presence_record(Instant now, OriginId from, const Record& record, Effects& out);
    void on_members(Instant now, OriginId from, Link& link, const PresencePart& part, Effects& out);
    void owe_all_members(Link& link);
    [[nodiscard]] bool all_listed(const std::string& channel) const;

    // mesh_node_kept.cpp
    void stamp(Instant now, Record& record);
    void keep(Instant now, const Record& record, bool own);
    [[nodiscard]] RecordPtr news_of(OriginId from, const RecordPtr& record) const;
    [[nodiscard]] KeptPart kept_part(Instant now, const std::string& channel) const;
    void on_kept(Instant now, OriginId from, Link& link, const KeptPart& part, Effects& out);
    void check_told(Instant now, OriginId oid, Link& link, Effects& out);
    [[nodiscard]] bool is_data_silent(Instant now, const Link& link) const;
    [[nodiscard]] bool has_told(OriginId oid, const Link& link, const Barrier::Waiting& waiting) const;
    void tell_last(const std::string& channel, const KeptEvent& event, Effects& out) const;
    void members_changed();
    void hand_on(Instant now);
    void owe_kept(Link& link, const std::string& channel);
    [[nodiscard]] bool all_answered(const std::string& channel) const;
    void drop_kept(ShardIndex shard, const std::string& channel);
    [[nodiscard]] bool is_told(const Barrier::Waiting& waiting) const;
    void confirm(Instant now, Barrier::Waiting waiting, Effects& out);
    void confirm_told(Instant now, const std::string& channel, Effects& out);
    void confirm_all_told(Instant now, Effects& out);
    void tick_usage(Instant now, Effects& out);

    // mesh_node_reconcile.cpp
    void mourn(Instant now, OriginId origin, const LinkReceiver& receiver, Effects& out);
    void ask_survivors(Instant now, OriginId origin, Reconcile::Position position, Effects& out);
    void mourn_again(Instant now, Effects& out);
    void ask_again(Instant now, OriginId oid, Effects& out);
    void pass_extras(OriginId origin, RecordNo& delivered);
    [[nodiscard]] static Reconcile::Position position_of(const LinkReceiver& receiver);
    [[nodiscard]] bool is_in_order(OriginId origin, const Record& record, Gone& late);
    void on_wake(Instant now, OriginId from, const Wake& wake, Effects& out);
    void on_fill(Instant now, OriginId from, const Fill& fill, Effects& out);
    void run(Instant now, const Reconcile::Out& todo, Effects& out);
    [[nodiscard]] bool is_kept_by(OriginId oid, const Record& record) const;
    void send_fill(const Reconcile::Out::Answer& answer, Effects& out);

    // mesh_node_trace.cpp
    void trace(Instant now, ShardIndex shard, const Trace& trace, Effects& out);
    [[nodiscard]] TraceLine trace_line(const Peer& peer, const std::string& channel) const;
    /// A marked record of `origin` has come to its turn here.
    void witness(Instant now, OriginId origin, const Record& record, const Arrival& arrival, Effects& out);
    void witness_filled(Instant now, OriginId origin, const Record& record, Effects& out);
    void report_trace(Instant now, OriginId origin, const Record& record, TracePath path, OriginId via, Effects& out);
    void on_trace_report(Instant now, OriginId from, const TraceReport& report, Effects& out);
    [[nodiscard]] std::string name_of(OriginId oid) const;

    // mesh_node_duty.cpp
    [[nodiscard]] bool on_duty_word(Instant now, ShardIndex shard, const ToHub& message);
    void work_duties(Instant now, Effects& out);

    // mesh_node_sleep.cpp
    void wake_up(Instant now, Duration late, Effects& out);
    void on_pong(Instant now, OriginId from, const Pong& pong, Effects& out);
    void confirmed(Instant now, OriginId oid, Effects& out);
    void drop_lost_unconfirmed(Instant now, Effects& out);
    [[nodiscard]] bool hold(ShardIndex shard, Publish& publish);

    // mesh_node_status.cpp
    [[nodiscard]] MemberStatus own_status(Instant now) const;
    /// From status and traces: the gone whose time is over, and those whose name another process bears now, or bore
    /// after them.
    void hide_long_gone(Instant now, std::vector<MemberStatus>& members) const;
    [[nodiscard]] MemberStatus member_status(Instant now, const Peer& peer) const;
    [[nodiscard]] SessionStatus session_status(Instant now, const Peer& peer, const Link& link) const;
    void add_counters(NodeStatus& status) const;
    void add_gauges(NodeStatus& status) const;
    void forget_old_tallies();

    [[nodiscard]] bool may_open_gate() const {
        return !ready_ && !tell_by_ && !membership_.barred() && !membership_.is_deaf() && !membership_.is_refused();
    }

    NodeOptions options_;
    Prng prng_;
    RecordRing ring_;
    LocalInterest local_;
    InterestTable table_;
    Barrier barrier_;
    PresenceTable presence_;
    KeptTable kept_;
    HybridClock clock_;
    UsageTable usage_;
    std::map<std::string, std::vector<Barrier::Waiting>> untold_;  // wait for what the members say of the channel
    Origins origins_;
    Reconcile reconcile_;
    std::map<OriginId, Reconcile::Position> unmourned_;  // dialled while the survivors were being asked
    QueryTable queries_;
    TraceTable traces_;
    Duties duties_;
    std::optional<ShardIndex> duty_shard_;
    Membership membership_;
    std::map<OriginId, Link> links_;
    std::vector<Link*> in_slot_;        // by InterestSlot; null: free
    std::vector<OriginId> touched_;     // links that the next settle() looks at, beside those that are due
    std::vector<OriginId> ticking_;     // those of them that are being looked at
    DeadlineQueue<OriginId> due_;       // the links' deadlines
    RecordNo considered_;               // up to here the level links have been told what is due to them
    InterestVersion told_;              // of our interest: the links have been asked whether to tell it
    Instant deaf_at_ = Instant::max();  // no link's data path is silent for too long before
    std::map<OriginId, Tally> tallies_;
    Tally forgotten_;  // of peers that nobody remembers any more
    std::map<OriginId, std::string> data_endpoints_;
    std::vector<MemberInfo> newcomers_;  // of this turn
    std::set<OriginId> subscribers_;     // their subscription has reached our publisher
    std::map<ShardIndex, std::uint64_t> clients_;
    std::uint64_t shards_ = 0;
    Instant started_;
    Instant promised_;
    Instant awake_since_;  // the end of our last late turn
    bool ready_ = false;
    std::optional<Instant> tell_by_;  // retiring: until when it tells, should it be the last
    std::optional<Instant> leave_by_;
    bool is_last_ = false;     // the shard has been told so
    bool takes_over_ = false;  // the members have been told so
    bool parted_ = false;      // somebody has been told goodbye
    bool left_ = false;
    Instant leave_sent_at_;
    Instant leave_look_at_;
    std::set<OriginId> unconfirmed_;  // after a sleep: who has not said yet that it knows our session
    std::uint64_t ping_nonce_ = 0;
    std::deque<std::pair<ShardIndex, Publish>> held_;  // publishes that wait for them

    struct Counters {
        std::uint64_t published = 0;
        std::uint64_t publish_refused = 0;
        std::uint64_t delivered_remote = 0;
        std::uint64_t frames_sent = 0;
        std::uint64_t frames_received = 0;
        std::uint64_t records_sent = 0;
        std::uint64_t tails_sent = 0;
        std::uint64_t duplicates = 0;
        std::uint64_t gone = 0;
        std::uint64_t repeated = 0;
        std::uint64_t nacks_sent = 0;
        std::uint64_t late_turns = 0;
        std::uint64_t sleeps = 0;
        std::uint64_t digest_mismatches = 0;
        std::uint64_t data_redials = 0;
        std::uint64_t presence_changes = 0;
    } counters_;
};

}  // namespace tulle::mesh
