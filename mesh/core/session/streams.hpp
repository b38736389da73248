#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "mesh/core/interest/subscriptions.hpp"
#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/node/tallies.hpp"
#include "mesh/core/records/acknowledger.hpp"
#include "mesh/core/records/recovery.hpp"
#include "mesh/core/session/membership.hpp"

namespace tulle::mesh {

/// The data path of each session. Records of our log that are due to the peer go out in frames; the peer's frames come
/// in, are put in order, and missing ones are asked for. A silent data path is dialled again.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Cost:   a record is looked up once, and named to the sessions to which it is due; the others jump over the record.
/// Ownership: refers to the tables and services of the same node; all of them outlive the Streams.
/// Limits: as of LinkSender and LinkReceiver; at most `remembered_origins` subscriptions of nodes without a session are
///         remembered, further ones are ignored.
/// Errors: none of its own. A peer's list beyond the limits of Presence ends the session there.
class Streams {
public:
    Streams(MeshContext& context, const RecordRing& ring, const InterestTable& interest, Origins& origins,
            Tallies& tallies, Recovery& recovery, Arrivals& arrivals, Presence& presence, Retained& retained,
            Subscriptions& subscriptions, Acknowledger& acknowledger)
        : context_(context),
          ring_(ring),
          interest_(interest),
          origins_(origins),
          tallies_(tallies),
          recovery_(recovery),
          arrivals_(arrivals),
          presence_(presence),
          retained_(retained),
          subscriptions_(subscriptions),
          acknowledger_(acknowledger) {}

    /// Returns the last record of the peer that has come here: the peer's link goes on behind this record. Call before
    /// the session is opened.
    [[nodiscard]] RecordNo begin(Instant now, const SessionUp& up);
    /// Prepares both directions, and connects to the peer's publisher unless connected already.
    void session_up(Instant now, Session& session, const SessionUp& up, Effects& out);
    /// Adds the session's counts to the totals. Call before the session is closed.
    void session_down(Instant now, const Session& session);
    /// The peer is dead or has left: disconnects from its publisher.
    void forget(OriginId oid, Effects& out);
    /// Our own loop came late by `late`: moves the moments by which a peer's data is judged.
    void forgive(Duration late);

    /// A subscription has reached our publisher under the peer's id. The word proves nothing, as anybody can subscribe
    /// under any id; it only opens the link earlier.
    void on(const SubscriberSeen& seen);
    /// The peer has received our frames up to a number.
    void on(Session& session, const Receipt& receipt, Effects& out) { take_receipt(session, receipt.received, out); }
    /// The peer has received our frames up to a number, and holds the records in those frames.
    void take_receipt(Session& session, FrameNo received, Effects& out);
    /// The peer misses frames: they are sent again.
    void on(Instant now, Session& session, const Nack& nack, Effects& out);
    /// Reads this service's part of a heartbeat: the peer's claim and receipt.
    void on(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out);
    /// A frame or a tail of the peer. `via`: the witness that has passed on the message; 0: the message came directly.
    void on(Instant now, Session& session, const Data& message, OriginId via, Effects& out);
    /// Writes this service's part of a heartbeat.
    void write(const Session& session, Heartbeat& heartbeat) const;

    /// Ends a turn: names the records numbered since the last call to the sessions to which they are due.
    void note_due();
    /// Touches the sessions with a data path silent for `data_deaf` or longer.
    void find_deaf(Instant now);
    /// Sends a Nack when due.
    void ask_for_missing(Instant now, Session& session, Effects& out);
    /// Sends frames and tails that are due. Nothing goes out before the peer's interest is known.
    void flush(Instant now, Session& session, Effects& out);
    /// Dials the data path again after `data_deaf` without data; the session stands.
    void redial_if_deaf(Instant now, Session& session, Effects& out) {
        if (now - session.data.last_data >= context_.timing().data_deaf) {
            redial(now, session, out);
        }
    }
    /// The earlier of `next` and the next moment at which the session has something to do here.
    [[nodiscard]] Instant next_deadline(const Session& session, Instant next) const;
    /// All records of our log up to the returned number were sent to the peer, or were not due to the peer.
    [[nodiscard]] RecordNo sent_upto(const Session& session) const {
        return session.data.sender.is_open() ? session.data.sender.upto(considered_) : session.data.resume_after;
    }

    /// Counts over all data paths since the start of the process.
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
    /// The counts, standing sessions included.
    [[nodiscard]] Counters counters() const;

private:
    /// Carries out the effects of a LinkReceiver.
    struct LinkHandler;

    /// Connects the data path again, and counts and logs the attempt.
    void redial(Instant now, Session& session, Effects& out);
    /// Carries out the effects in order.
    void run(Instant now, Session& session, const LinkEffects& effects, Effects& out);
    /// Says how many holes of the peer are filled since the last notice, at most once a second.
    void tell_repairs(Instant now, Session& session, Effects& out) const;
    /// Records of the peer are lost for good: tells recovery and the subscribers.
    void take(Instant now, Session& session, const ReportGone& lost, Effects& out);
    /// Lets the link build frames, and sends them.
    void send_frames(Instant now, Session& session, Effects& out);

    // More fields than 15: eleven are what the node has given, tables and services that frames are about.
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
    Acknowledger& acknowledger_;
    /// The publishers that this node is connected to.
    std::map<OriginId, std::string> endpoints_;
    /// The nodes with a subscription at our publisher.
    std::set<OriginId> subscribers_;
    /// Up to this record the level links have been told of the records due to them.
    RecordNo considered_;
    /// Before this moment no data path is silent for too long.
    Instant deaf_at_ = Instant::max();
    Counters counters_;
};

}  // namespace tulle::mesh
