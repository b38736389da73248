#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/assert.hpp"
#include "mesh/core/interest/interest_feed.hpp"
#include "mesh/core/interest/interest_table.hpp"
#include "mesh/core/node/deadline_queue.hpp"
#include "mesh/core/node/node_options.hpp"
#include "mesh/core/session/link_receiver.hpp"
#include "mesh/core/session/link_sender.hpp"

namespace tulle::mesh {

/// The part of a session that belongs to Streams: both directions of the data path.
struct DataPath {
    LinkSender sender;
    LinkReceiver receiver;
    /// The record behind which the sender opens.
    RecordNo resume_after;
    /// Records beyond resume_after that the peer has got from others.
    std::vector<RecordNo> peer_extras;
    /// From this moment on the sender opens even if the peer's subscription has not been seen.
    Instant wait_until;
    /// When data last came, or the data path was last dialled again.
    Instant last_data;
    /// When data last came.
    Instant heard_at;
    /// heard_at, moved on by this node's own lateness.
    Instant spoke_at;
    /// When control last came from the peer, directly or by a witness.
    Instant control_at;
    /// Data has come since this moment without a long pause (is_silent).
    Instant steady_since;
    /// When a frame last came, tails not counted.
    Instant framed_at;
    /// The last record of which the peer has said that it waits for this link.
    RecordNo waits_upto;
    /// The repaired holes that a notice has told of, and when.
    std::uint64_t repairs_told = 0;
    Instant repairs_told_at;

    /// True when a tail is missing: an idle peer sends a tail per `data_keepalive`, and half of that is allowed for
    /// delay.
    [[nodiscard]] bool is_silent(Instant now, const Timing& timing) const {
        return now - heard_at >= timing.data_keepalive * 3 / 2;
    }
    /// True when the peer may have accepted records for this node that it has never sent: control went on coming while
    /// the data path was broken, or the peer has said that records wait, and none that is as new has come.
    [[nodiscard]] bool may_lack_unknown(const Timing& timing) const {
        return is_deaf(timing) || receiver.considered() < waits_upto;
    }
    /// True when control went on coming for as long without any tail: the path is broken, and its peer lived. Of a peer
    /// that is frozen or cut off both paths end at about the same time. Whoever was late itself has not missed a tail.
    [[nodiscard]] bool is_deaf(const Timing& timing) const {
        return control_at - spoke_at >= timing.data_keepalive * 3 / 2;
    }
};

/// The part of a session that belongs to PeerInterest: fetching the peer's interest, and giving ours.
struct InterestExchange {
    /// Our interest on its way to the peer.
    InterestFeed feed;
    /// The peer's place in the InterestTable.
    InterestSlot slot;
    /// The peer's version at its first answer; nothing before the answer.
    std::optional<InterestVersion> sync_at;
    /// True when all of the peer's interest at version sync_at is held.
    bool synced = false;
    /// No pull is sent before this moment.
    Instant pull_at;
    /// The last chunk is dealt with, so the next pull may go.
    bool pull_due = false;
    /// A pull was sent, and no chunk has answered yet.
    bool awaits_chunk = false;
    /// Changes of the peer's interest taken in during this turn.
    std::size_t changes_taken = 0;
    /// A pull of the peer was answered in this turn. The last further pull is kept and answered at the turn's end.
    bool answered_pull = false;
    std::optional<InterestPull> late_pull;
    /// The version of the peer's interest held here at its last heartbeat.
    InterestVersion seen_at_heartbeat;
    /// The greatest version of our interest that the peer has acknowledged.
    InterestVersion acked_most;
    /// The peer's last pull: the snapshot of our interest, and the last channel that the peer had of the snapshot.
    std::uint64_t pulled_snapshot = 0;
    std::string pulled_after;
    /// When the peer last took in some of our interest, or held all of it.
    Instant progress_at;
    /// True when the peer held all of our interest at the last look.
    bool level = false;
    /// A version of our interest that the peer has not acknowledged yet, and when the version was new.
    InterestVersion mark;
    Instant marked_at;
};

/// The part of a session that belongs to Subscriptions: how the peer answers the interest that it has acknowledged.
struct Answering {
    /// The version of our interest when the session began.
    InterestVersion up_version;
    /// When the peer last told us of a presence channel or of a last event, or had nothing to tell.
    Instant told_at;
    /// The last moment at which the peer had nothing to tell.
    Instant in_step_at;
    /// The last channel for which the peer's answer was looked for; the next look goes on behind this channel.
    std::string looked;
};

/// The part of a session that belongs to Pulse.
struct Beats {
    /// When our next heartbeat is due.
    Instant next_at;
    /// The peer's clock at the sending of its last heartbeat, and when that heartbeat came.
    std::int64_t echo_us = 0;
    Instant echo_at;
};

/// The part of a session that belongs to Departure.
struct Parting {
    /// The last frame of a peer that said goodbye.
    std::optional<FrameNo> last_frame;
    /// The peer has all of our frames, as its LeaveReceipt says.
    bool receipted = false;
    /// Our clock at the sending of the first heartbeat with `leaving`; 0: none was sent.
    std::int64_t said_us = 0;
    /// The peer has answered such a heartbeat.
    bool heard = false;
};

/// A session with one peer. Each service has a part of its own; the parts of other services are only read.
struct Session {
    /// `delivered`: the last record of the peer known here. `slot`: the peer's free place in the InterestTable.
    Session(const NodeOptions& options, OriginId peer, RecordNo delivered, InterestSlot slot)
        : oid(peer),
          data{.sender = LinkSender(options.timing, options.limits),
               .receiver = LinkReceiver(options.timing, options.limits, delivered)},
          interest{.feed = InterestFeed(options.timing), .slot = slot} {}

    OriginId oid;
    DataPath data;
    InterestExchange interest;
    Answering answering;
    Beats beats;
    Parting parting;
    /// For Introductions: when the peer was last sent the list of all nodes.
    Instant members_sent_at;
    /// For Introductions: the peer's last heartbeat says that its members differ from ours. True until the first
    /// heartbeat, because the first records may come before the first heartbeat; and, when our members have changed,
    /// until the next one.
    bool sees_others = true;
    /// For Sessions: the session is looked at when the turn ends.
    bool touched = false;
    /// For Sessions: the place in the queue of deadlines.
    DeadlineQueue<OriginId>::Place place;
};

/// The sessions that stand, and the choice of those to look at when a turn ends. The cost of a turn grows with the
/// sessions touched by events, not with all sessions.
///
/// Thread: confined to the hub.
/// Order:  sessions are visited by the peers' ids, so the same inputs give the same effects.
/// Ownership: owns the sessions. A reference to a session is valid until close().
/// Limits: as many as PeerTable holds peers.
/// Errors: none. A second session for a peer, or a slot in use, is a defect of the caller (assertion).
class Sessions {
public:
    using Map = std::map<OriginId, Session>;

    /// Begins a session, and touches it.
    /// REQUIRES: the peer has no session, and the slot is free.
    Session& open(const NodeOptions& options, OriginId oid, RecordNo delivered, InterestSlot slot);
    /// Ends the session; `session` dangles afterwards.
    void close(Session& session);

    /// The session with the peer; null without any.
    [[nodiscard]] Session* find(OriginId oid);
    [[nodiscard]] const Session* find(OriginId oid) const;
    [[nodiscard]] bool contains(OriginId oid) const { return map_.contains(oid); }
    /// The session with this slot.
    /// REQUIRES: a session has the slot.
    [[nodiscard]] Session& at(InterestSlot slot) {
        TULLE_ASSERT(slot.value < in_slot_.size() && in_slot_[slot.value] != nullptr);
        return *in_slot_[slot.value];
    }
    /// The peers with a session, ascending. For loops that may close sessions.
    [[nodiscard]] std::vector<OriginId> ids() const;
    [[nodiscard]] bool empty() const { return map_.empty(); }
    [[nodiscard]] Map::iterator begin() { return map_.begin(); }
    [[nodiscard]] Map::iterator end() { return map_.end(); }
    [[nodiscard]] Map::const_iterator begin() const { return map_.begin(); }
    [[nodiscard]] Map::const_iterator end() const { return map_.end(); }

    /// Something of the session has changed: the session is looked at when the turn ends.
    void touch(Session& session) {
        if (!std::exchange(session.touched, true)) {
            touched_.push_back(session.oid);
        }
    }
    /// Touches every session.
    void touch_all();
    /// Calls `visit(session)` for each session that was touched or is due by `now`. `visit` returns when the session is
    /// due again. `visit` may close other sessions, but not the visited session.
    template <class Visit>
    void visit_due(Instant now, Visit&& visit) {
        due_.take_due(now, [this](OriginId oid) { touch(map_.at(oid)); });
        visiting_.swap(touched_);
        std::sort(visiting_.begin(), visiting_.end());
        for (const OriginId oid : visiting_) {
            if (Session* session = find(oid)) {
                session->touched = false;
                const auto next = visit(*session);
                TULLE_ASSERT(find(oid) == session);  // no visit closes a session
                due_.set(oid, session->place, next);
            }
        }
        visiting_.clear();
    }
    /// When the first session is due; Instant::max() without any. `deadline(session)` gives the moment for the sessions
    /// touched since the last visit.
    template <class Deadline>
    [[nodiscard]] Instant earliest(Deadline&& deadline) {
        for (const OriginId oid : touched_) {
            if (Session* session = find(oid)) {
                due_.set(oid, session->place, deadline(*session));
            }
        }
        return due_.earliest();
    }

private:
    Map map_;
    /// The sessions by InterestSlot; null: the slot is free.
    std::vector<Session*> in_slot_;
    /// The next visit_due() looks at these.
    std::vector<OriginId> touched_;
    /// The peers of the visit under way.
    std::vector<OriginId> visiting_;
    DeadlineQueue<OriginId> due_;
};

}  // namespace tulle::mesh
