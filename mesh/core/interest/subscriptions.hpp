#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mesh/core/interest/barrier.hpp"
#include "mesh/core/interest/interest_window.hpp"
#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/presence/presence.hpp"
#include "mesh/core/retained/retained.hpp"

namespace tulle::mesh {

/// The shards' subscriptions, until they are confirmed: a subscription waits until every peer has acknowledged the
/// change of interest that added its channel (Barrier), then, of a presence channel or of one that keeps its last
/// event, until every peer has said what it knows of the channel.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Limits: a peer that tells nothing of a channel is given up after its patience (numbers.hpp), so that nobody holds
///         subscriptions up for ever.
class Subscriptions {
public:
    Subscriptions(MeshContext& context, InterestWindow& window, LocalInterest& local, Presence& presence,
                  Retained& retained)
        : context_(context), window_(window), local_(local), presence_(presence), retained_(retained) {}

    void on(Instant now, ShardIndex shard, const Subscribe& subscribe, Effects& out);
    void on(Instant now, ShardIndex shard, const Unsubscribe& unsubscribe, Effects& out);

    /// A peer has acknowledged something, or is gone.
    void acknowledged(Instant now, Effects& out) {
        if (!barrier_.empty() || local_.is_backed_up()) {
            move_window(now, out);
        }
    }
    /// Lets changes of our interest get versions as far as the slowest peer allows, and confirms what all peers have.
    void move_window(Instant now, Effects& out);
    /// A peer has said all of the channel that it owes.
    void on_told(Instant now, const std::string& channel, Effects& out);
    /// The peer told us of a channel, whichever.
    static void note_told(Instant now, Session& session) { session.answering.told_at = now; }

    void session_up(Instant now, Session& session) const;
    /// One peer less to wait for.
    void session_down(Instant now, Effects& out);
    /// Nobody is to blame for a silence of the last `late`: this node's own loop was late.
    void forgive(Duration late);
    /// A heartbeat is due to the peer. Gives the peer up if it acknowledges interest but does not say who is there, or
    /// what was last. What the peer owes may queue behind its other frames, which are bounded by its credit: as long as
    /// these come the peer has three times as long. As for interest, a peer is slow only if it says something, and then
    /// for a bounded time. A data path that has been silent is no reason by itself: it is dialled again only later than
    /// the short patience with a peer that has failed before ends, and when it speaks again, what was lost meanwhile is
    /// on its way.
    void check(Instant now, Session& session, Effects& out);
    /// Ends a turn. While no peer counts none will acknowledge anything, so the window moves by itself: once a turn, as
    /// what waits may be much. New versions are a reason for the next turn to come at once.
    void tick(Instant now, Effects& out);

    /// Subscriptions that wait for acknowledgements; all that wait; and those that had to wait for acknowledgements,
    /// ever.
    [[nodiscard]] std::size_t unacknowledged() const { return barrier_.size(); }
    [[nodiscard]] std::size_t waiting() const;
    [[nodiscard]] std::uint64_t waits() const { return barrier_.waits(); }

private:
    using Waiting = Barrier::Waiting;

    void confirm(Instant now, Waiting waiting, Effects& out);
    [[nodiscard]] bool is_told(const Waiting& waiting) const;
    [[nodiscard]] bool has_told(const Session& session, const Waiting& waiting) const;
    [[nodiscard]] bool is_silent(Instant now, const Session& session, Duration& patience) const;

    MeshContext& context_;
    InterestWindow& window_;
    LocalInterest& local_;
    Presence& presence_;
    Retained& retained_;
    Barrier barrier_;
    std::map<std::string, std::vector<Waiting>> untold_;  // wait for what the peers say of the channel
};

}  // namespace tulle::mesh
