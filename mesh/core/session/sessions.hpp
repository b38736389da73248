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
    RecordNo resume_after;              ///< where the sender opens
    std::vector<RecordNo> peer_extras;  ///< what the peer has got from others beyond that
    Instant wait_until;                 ///< the sender opens then, though the peer's subscription has not been seen
    Instant last_data;                  ///< when data came last, or its path was dialled again
    Instant heard_at;                   ///< when data came last
    Instant steady_since;               ///< data has come since then without a long pause
    Instant framed_at;                  ///< when a frame came last

    /// A tail comes each second: one is missing.
    [[nodiscard]] bool is_silent(Instant now, const Timing& timing) const {
        return now - heard_at >= timing.data_keepalive * 3 / 2;
    }
};

/// The part of a session that belongs to PeerInterest: the peer's interest as it is fetched, and ours as it is given.
struct InterestExchange {
    InterestFeed feed;
    InterestSlot slot;
    std::optional<InterestVersion> sync_at;  ///< the peer's version at its first answer
    bool synced = false;                     ///< all of the peer's interest at that version is held
    Instant pull_at;                         ///< earliest next pull
    bool pull_due = false;                   ///< the last chunk is dealt with
    bool awaits_chunk = false;               ///< a pull has been sent that no chunk has answered
    std::size_t changes_taken = 0;           ///< of the peer's interest, in this turn
    bool answered_pull = false;              ///< in this turn; the last further one is answered at the turn's end
    std::optional<InterestPull> late_pull;
    InterestVersion seen_at_heartbeat;
    InterestVersion acked_most;         ///< of our interest, by the peer
    std::uint64_t pulled_snapshot = 0;  ///< how far the peer has come with a snapshot of our interest …
    std::string pulled_after;
    Instant progress_at;   ///< the peer took in some of our interest, or held all of it
    bool level = false;    ///< when it was looked at last, the peer held all of our interest
    InterestVersion mark;  ///< a version of our interest that the peer has not acknowledged yet …
    Instant marked_at;     ///< … and when we had come to it
};

/// The part of a session that belongs to Subscriptions: how the peer answers the interest that it has acknowledged.
struct Answering {
    InterestVersion up_version;  ///< our interest when the session began
    Instant told_at;             ///< the peer told us of a presence channel or of a last event
    Instant in_step_at;          ///< the last moment without anything that it could have told
    std::string looked;          ///< the last channel that it was asked for whether it has told us
};

/// The part of a session that belongs to Pulse.
struct Beats {
    Instant next_at;
    std::int64_t echo_us = 0;  ///< when the peer sent its last heartbeat, by its clock …
    Instant echo_at;           ///< … and when that came
};

/// The part of a session that belongs to Departure.
struct Parting {
    std::optional<FrameNo> last_frame;  ///< of the peer, which leaves
    bool receipted = false;             ///< the peer has all of ours
    std::int64_t said_us = 0;           ///< when the first heartbeat said that this node leaves
    bool heard = false;                 ///< the peer has heard that
};

/// One session with one peer. Each service has its part; what is another's it only reads.
struct Session {
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
    Instant members_sent_at;   ///< Introductions: when the peer was sent the list of all nodes
    bool sees_others = false;  ///< Introductions: the peer has other members than we, by its last heartbeat
    bool touched = false;      ///< Sessions: looked at when the turn ends
    DeadlineQueue<OriginId>::Place place;
};

/// The sessions that stand, and which of them are to be looked at when a turn ends: what a turn costs grows with the
/// sessions that something has happened to, not with all of them.
///
/// Thread: confined to the hub. Order: by the peers' ids, so that the same inputs give the same effects.
class Sessions {
public:
    using Map = std::map<OriginId, Session>;

    Session& open(const NodeOptions& options, OriginId oid, RecordNo delivered, InterestSlot slot);
    /// `session` is gone afterwards.
    void close(Session& session);

    [[nodiscard]] Session* find(OriginId oid);
    [[nodiscard]] const Session* find(OriginId oid) const;
    [[nodiscard]] bool contains(OriginId oid) const { return map_.contains(oid); }
    /// REQUIRES: the slot is a session's.
    [[nodiscard]] Session& at(InterestSlot slot) {
        TULLE_ASSERT(slot.value < in_slot_.size() && in_slot_[slot.value] != nullptr);
        return *in_slot_[slot.value];
    }
    [[nodiscard]] std::vector<OriginId> ids() const;
    [[nodiscard]] bool empty() const { return map_.empty(); }
    [[nodiscard]] Map::iterator begin() { return map_.begin(); }
    [[nodiscard]] Map::iterator end() { return map_.end(); }
    [[nodiscard]] Map::const_iterator begin() const { return map_.begin(); }
    [[nodiscard]] Map::const_iterator end() const { return map_.end(); }

    /// Something of the session has changed: it is looked at when the turn ends.
    void touch(Session& session) {
        if (!std::exchange(session.touched, true)) {
            touched_.push_back(session.oid);
        }
    }
    void touch_all();
    /// Calls `visit(session)` for each that was touched or is due by `now`; `visit` returns when it is due again.
    template <class Visit>
    void visit_due(Instant now, Visit&& visit) {
        due_.take_due(now, [this](OriginId oid) { touch(map_.at(oid)); });
        visiting_.swap(touched_);
        std::sort(visiting_.begin(), visiting_.end());
        for (const OriginId oid : visiting_) {
            if (Session* session = find(oid)) {
                session->touched = false;
                due_.set(oid, session->place, visit(*session));
            }
        }
        visiting_.clear();
    }
    /// When the first is due; Instant::max() without any. `deadline(session)`: when those are that were touched since.
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
    std::vector<Session*> in_slot_;   // by InterestSlot; null: free
    std::vector<OriginId> touched_;   // the next visit_due() looks at them
    std::vector<OriginId> visiting_;  // those that are being looked at
    DeadlineQueue<OriginId> due_;
};

}  // namespace tulle::mesh
