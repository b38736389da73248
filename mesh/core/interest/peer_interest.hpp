#pragma once

#include "mesh/core/interest/interest_window.hpp"
#include "mesh/core/interest/subscriptions.hpp"
#include "mesh/core/node/mesh_context.hpp"

namespace tulle::mesh {

/// The exchange of interest with each peer: theirs is fetched into an InterestTable, ours is given by an InterestFeed.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Limits: what a peer's interest may cost in one turn is bounded, whatever the peer sends: one chunk, as chunks are
/// taken
///         only when they were asked for and the next one is asked for when the turn ends; twice `interest_window`
///         changes (more are not taken: an honest peer sends them again, but it never has as many under way); and two
///         answers to pulls, the second one to the last of the others. A peer with more interest than a node may have,
///         or that takes in none of ours, is given up.
class PeerInterest {
public:
    PeerInterest(MeshContext& context, InterestTable& table, const LocalInterest& local, const InterestWindow& window,
                 Subscriptions& subscriptions)
        : context_(context), table_(table), local_(local), window_(window), subscriptions_(subscriptions) {}

    /// The slot of a session that is about to stand. REQUIRES: one is free.
    [[nodiscard]] InterestSlot take_slot();
    void session_up(Instant now, Session& session, Effects& out);
    void session_down(const Session& session) { table_.give_back(session.interest.slot); }
    void forgive(Duration late);

    void on(Instant now, Session& session, const InterestDelta& delta, Effects& out);
    void on(Instant now, Session& session, const InterestChunk& chunk, Effects& out);
    void on(Instant now, Session& session, const InterestPull& pull, Effects& out);
    void on(Instant now, Session& session, const InterestAck& ack, Effects& out) {
        acknowledged(now, session, ack.applied, out);
    }
    /// A heartbeat says what the peer holds of our interest; then, what the peer's own interest is.
    void on_applied(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out);
    void on_digest(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out);
    /// Puts this service's part into a heartbeat.
    void write(const Session& session, Heartbeat& heartbeat) const;

    /// New versions were given since this was asked last: every session is looked at.
    [[nodiscard]] bool take_news() { return std::exchange(told_, local_.log().version()) != local_.log().version(); }
    [[nodiscard]] bool has_news() const { return told_ != local_.log().version(); }
    void tick(Instant now, Session& session, Effects& out);
    /// A heartbeat is due to the peer. New subscriptions wait for each peer: one that takes in nothing of our interest
    /// is given up; from the start of the session on, as a peer that never asks for our interest is stuck, too.
    void check_intake(Instant now, Session& session, Effects& out);
    [[nodiscard]] Instant next_deadline(const Session& session, Instant next) const;

    /// Digests that differed at equal versions.
    [[nodiscard]] std::uint64_t mismatches() const { return mismatches_; }

private:
    void acknowledged(Instant now, Session& session, InterestVersion applied, Effects& out);
    [[nodiscard]] bool is_over(Instant now, const Session& session, Effects& out);
    void answer(Instant now, Session& session, const InterestPull& pull, Effects& out);
    void pull(Instant now, Session& session, InterestPull what, Effects& out);
    void check_synced(Session& session) const;
    static void note_pull(Instant now, Session& session, const InterestPull& pull);
    /// A pull or its answer may be lost: ask again.
    [[nodiscard]] bool is_fetching(const Session& session) const {
        return !session.interest.synced || table_.continuation(session.interest.slot).has_value();
    }
    [[nodiscard]] InterestVersion held(const Session& session) const {
        return table_.version(session.interest.slot).value_or(InterestVersion{});
    }

    MeshContext& context_;
    InterestTable& table_;
    const LocalInterest& local_;
    const InterestWindow& window_;
    Subscriptions& subscriptions_;
    InterestVersion told_;  // of our interest: the sessions have been asked whether to tell it
    std::uint64_t mismatches_ = 0;
};

}  // namespace tulle::mesh
