#pragma once

#include "mesh/core/interest/interest_window.hpp"
#include "mesh/core/interest/subscriptions.hpp"
#include "mesh/core/node/mesh_context.hpp"

namespace tulle::mesh {

/// Exchanges interest with each peer: fetches the peer's interest into the InterestTable, and gives this node's
/// interest through the session's InterestFeed.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: a turn costs a bounded amount of work per peer, whatever the peer sends. At most one chunk is taken: a chunk
///         is taken only in answer to a pull, and the next pull goes out at the end of the turn. At most twice
///         `interest_window` changes are taken: an honest peer never has more under way, and an honest peer repeats
///         ignored changes. At most two pulls are answered: the first at once, and the last of the others at the end of
///         the turn.
/// Errors: a peer with more interest than a node may have, or without acknowledgements for longer than its patience
///         (Timing::interest_patience), is given up: its session ends.
class PeerInterest {
public:
    PeerInterest(MeshContext& context, InterestTable& table, const LocalInterest& local, const InterestWindow& window,
                 Subscriptions& subscriptions)
        : context_(context), table_(table), local_(local), window_(window), subscriptions_(subscriptions) {}

    /// Takes a slot for a session that is about to be opened. REQUIRES: a slot is free.
    [[nodiscard]] InterestSlot take_slot();
    /// Asks the new peer for its interest.
    void session_up(Instant now, Session& session, Effects& out);
    /// Forgets the peer's interest.
    void session_down(const Session& session) { table_.give_back(session.interest.slot); }
    /// Adds `late` to every patience: this node's own loop was late by `late`, and no peer is to blame for the silence.
    void forgive(Duration late);

    /// Takes in the peer's interest, acknowledges, and asks for missing changes or the next chunk.
    void on(Instant now, Session& session, const InterestDelta& delta, Effects& out);
    void on(Instant now, Session& session, const InterestChunk& chunk, Effects& out);
    /// Answers the peer's request for this node's interest, at most twice a turn.
    void on(Instant now, Session& session, const InterestPull& pull, Effects& out);
    /// Takes in the peer's acknowledgement of this node's interest. Perhaps confirms subscriptions.
    void on(Instant now, Session& session, const InterestAck& ack, Effects& out) {
        acknowledged(now, session, ack.applied, out);
    }
    /// Takes in a heartbeat's acknowledgement of this node's interest. The caller calls on_applied() before
    /// on_digest().
    void on_applied(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out);
    /// Compares a heartbeat's version and digest with the interest held of the peer. Pulls when the peer is ahead for
    /// two heartbeats, and fetches a fresh snapshot when digests differ at equal versions.
    void on_digest(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out);
    /// Writes version, digest and acknowledgement into the heartbeat for the peer.
    void write(const Session& session, Heartbeat& heartbeat) const;

    /// True when versions were given since the last call. The caller then looks at every session in this turn.
    [[nodiscard]] bool take_news() { return std::exchange(told_, local_.log().version()) != local_.log().version(); }
    /// The answer of take_news(), without taking the news.
    [[nodiscard]] bool has_news() const { return told_ != local_.log().version(); }
    /// Ends a turn for one session: answers the late pull, sends a due delta, and sends a due pull.
    void tick(Instant now, Session& session, Effects& out);
    /// Called when a heartbeat is due to the peer. New subscriptions wait for each peer, so a peer that takes in
    /// nothing of this node's interest for too long is given up. The patience runs from the start of the session: a
    /// peer that never asks for the interest is stuck too.
    void check_intake(Instant now, Session& session, Effects& out);
    /// The earlier of `next` and the moment when tick() has something to do for the session.
    [[nodiscard]] Instant next_deadline(const Session& session, Instant next) const;

    /// How often digests differed at equal versions. The counter only grows; each case is a defect somewhere.
    [[nodiscard]] std::uint64_t mismatches() const { return mismatches_; }

private:
    /// Hands an acknowledgement to the feed and to the subscriptions behind the barrier.
    void acknowledged(Instant now, Session& session, InterestVersion applied, Effects& out);
    /// Gives up a peer with more interest than a node may have. True when the peer was given up.
    [[nodiscard]] bool is_over(Instant now, const Session& session, Effects& out);
    /// Answers a pull with a delta or a chunk.
    void answer(Instant now, Session& session, const InterestPull& pull, Effects& out);
    /// Sends a pull, unless the last pull is younger than `interest_retry`.
    void pull(Instant now, Session& session, InterestPull what, Effects& out);
    /// Marks the session as synced when the peer's interest is held up to the version of the peer's first answer.
    void check_synced(Session& session) const;
    /// Notes progress when a pull asks for a part of a snapshot further than all pulls before.
    static void note_pull(Instant now, Session& session, const InterestPull& pull);
    /// True while the peer's interest is not complete here. A pull or its answer may be lost, so the pull is repeated.
    [[nodiscard]] bool is_fetching(const Session& session) const {
        return !session.interest.synced || table_.continuation(session.interest.slot).has_value();
    }
    /// The version of the peer's interest held here. Zero for none.
    [[nodiscard]] InterestVersion held(const Session& session) const {
        return table_.version(session.interest.slot).value_or(InterestVersion{});
    }

    MeshContext& context_;
    InterestTable& table_;
    const LocalInterest& local_;
    const InterestWindow& window_;
    Subscriptions& subscriptions_;
    // The log's version at the last take_news(): every session has been asked whether to send up to this version.
    InterestVersion told_;
    std::uint64_t mismatches_ = 0;
};

}  // namespace tulle::mesh
