#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "mesh/core/interest/subscriptions.hpp"
#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/node/tallies.hpp"
#include "mesh/core/records/recovery.hpp"
#include "mesh/core/session/membership.hpp"

namespace tulle::mesh {

/// The data path of each session: what of our log is due to the peer goes out in frames, the peer's frames come in, in
/// order, and what is missing is asked for. A data path that says nothing is dialled again.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Cost:   a record is looked up once, and named to the sessions that it is due to; the others jump over it.
/// Limits: as of LinkSender and LinkReceiver; `remembered_origins` subscriptions of nodes without a session.
class Streams {
public:
    Streams(MeshContext& context, const RecordRing& ring, const InterestTable& interest, Origins& origins,
            Tallies& tallies, Recovery& recovery, Arrivals& arrivals, Presence& presence, Retained& retained,
            Subscriptions& subscriptions)
        : context_(context),
          ring_(ring),
          interest_(interest),
          origins_(origins),
          tallies_(tallies),
          recovery_(recovery),
          arrivals_(arrivals),
          presence_(presence),
          retained_(retained),
          subscriptions_(subscriptions) {}

    /// The last record of `up.oid` that has come here: where its link goes on.
    [[nodiscard]] RecordNo begin(Instant now, const SessionUp& up);
    void session_up(Instant now, Session& session, const SessionUp& up, Effects& out);
    void session_down(Instant now, const Session& session);
    /// The peer is dead or has left.
    void forget(OriginId oid, Effects& out);
    void forgive(Duration late);

    /// A peer's subscription has reached our publisher. Anybody can subscribe, under any id.
    void on(const SubscriberSeen& seen);
    static void on(Session& session, const Receipt& receipt) { session.data.sender.on_receipt(receipt.received); }
    void on(Instant now, Session& session, const Nack& nack, Effects& out);
    void on(Instant now, Session& session, const Heartbeat& heartbeat);
    /// `via`: the witness that has passed it on; 0: it came directly.
    void on(Instant now, Session& session, const Data& message, OriginId via, Effects& out);
    /// Puts this service's part into a heartbeat.
    void write(const Session& session, Heartbeat& heartbeat) const;

    /// Ends a turn: names the records numbered since the last one to the sessions that they are due to.
    void note_due();
    /// Touches the sessions whose data paths have been silent for too long.
    void find_deaf(Instant now);
    void ask_for_missing(Instant now, Session& session, Effects& out);
    void flush(Instant now, Session& session, Effects& out);
    void redial_if_deaf(Instant now, Session& session, Effects& out) {
        if (now - session.data.last_data >= context_.timing().data_deaf) {
            redial(now, session, out);
        }
    }
    [[nodiscard]] Instant next_deadline(const Session& session, Instant next) const;
    /// All of our log up to here was sent to the peer, or was not due to it.
    [[nodiscard]] RecordNo sent_upto(const Session& session) const {
        return session.data.sender.is_open() ? session.data.sender.upto(considered_) : session.data.resume_after;
    }

    /// Counts over all data paths.
    struct Counters {
        std::uint64_t frames_sent = 0;
        std::uint64_t frames_received = 0;
        std::uint64_t records_sent = 0;
        std::uint64_t tails_sent = 0;
        std::uint64_t nacks_sent = 0;
        std::uint64_t data_redials = 0;
        std::uint64_t duplicates = 0;
        std::uint64_t gone = 0;
        std::uint64_t repeated = 0;
    };
    /// Standing sessions included.
    [[nodiscard]] Counters counters() const;

private:
    struct LinkHandler;

    void redial(Instant now, Session& session, Effects& out);
    void run(Instant now, Session& session, const LinkEffects& effects, Effects& out);
    void take(Instant now, Session& session, const ReportGone& lost, Effects& out);
    void send_frames(Instant now, Session& session, Effects& out);

    MeshContext& context_;
    const RecordRing& ring_;
    const InterestTable& interest_;
    Origins& origins_;
    Tallies& tallies_;
    Recovery& recovery_;
    Arrivals& arrivals_;
    Presence& presence_;
    Retained& retained_;
    Subscriptions& subscriptions_;
    std::map<OriginId, std::string> endpoints_;  // that are connected
    std::set<OriginId> subscribers_;             // their subscription has reached our publisher
    RecordNo considered_;                        // up to here the level links have been told what is due to them
    Instant deaf_at_ = Instant::max();           // no data path is silent for too long before
    Counters counters_;
};

}  // namespace tulle::mesh
