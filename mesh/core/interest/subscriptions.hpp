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

/// Carries the shards' subscriptions to their confirmation. A subscription first waits until every peer has
/// acknowledged the change of interest that added the channel (Barrier). A subscription to a presence channel then
/// waits for every peer's list of users, and a subscription to a channel with a retained event for every peer's answer
/// about the event.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: a peer without a word about a channel is given up after its patience (check()), so no peer holds
///         subscriptions up for ever. The number of waiting subscriptions is bounded by the channels with subscribers
///         here.
class Subscriptions {
public:
    Subscriptions(MeshContext& context, InterestWindow& window, LocalInterest& local, Presence& presence,
                  Retained& retained)
        : context_(context), window_(window), local_(local), presence_(presence), retained_(retained) {}

    /// Adds the channel to this node's interest. Answers with Subscribed, at once or as soon as all peers are ready.
    void on(Instant now, ShardIndex shard, const Subscribe& subscribe, Effects& out);
    /// Removes the channel from the shard's interest and forgets waiting subscriptions of the shard. Not answered.
    void on(Instant now, ShardIndex shard, const Unsubscribe& unsubscribe, Effects& out);

    /// To be called after an acknowledgement of a peer, or after the end of a session: confirms subscriptions that no
    /// longer wait.
    void acknowledged(Instant now, Effects& out) {
        if (!barrier_.empty() || local_.is_backed_up()) {
            move_window(now, out);
        }
    }
    /// Lets changes of interest get versions as far as the slowest peer allows. Confirms the subscriptions covered by
    /// all peers.
    void move_window(Instant now, Effects& out);
    /// To be called when a peer has told everything owed about `channel`: confirms subscriptions when all peers have.
    void on_told(Instant now, const std::string& channel, Effects& out);
    /// Notes a sign of life: the peer told something of some channel.
    static void note_told(Instant now, Session& session) { session.answering.told_at = now; }

    /// Starts the session's patience.
    void session_up(Instant now, Session& session) const;
    /// To be called after the end of a session: no subscription waits for the lost peer any more.
    void session_down(Instant now, Effects& out);
    /// Adds `late` to every patience: this node's own loop was late by `late`, and no peer is to blame for the silence.
    void forgive(Duration late);
    /// Called when a heartbeat is due to the peer. Gives up a peer that acknowledges interest but stays silent about
    /// its users or retained events.
    ///
    /// The answers travel behind the link's other frames, and the credit bounds the frames. While frames arrive the
    /// peer has three times the patience. A silent data path alone is no reason: the path is dialled again only after
    /// the short patience of a peer that failed before, and the lost answers then come by the new path.
    void check(Instant now, Session& session, Effects& out);
    /// Ends a turn. While no peer is counted no acknowledgement will come, so the window moves here, a step a turn
    /// because much may wait. New versions make the next turn come at once.
    void tick(Instant now, Effects& out);

    /// Subscriptions behind the barrier now.
    [[nodiscard]] std::size_t unacknowledged() const { return barrier_.size(); }
    /// All subscriptions that wait now: behind the barrier, or for the peers' lists and events.
    [[nodiscard]] std::size_t waiting() const;
    /// Subscriptions ever put behind the barrier. The counter only grows.
    [[nodiscard]] std::uint64_t waits() const { return barrier_.waits(); }

private:
    using Waiting = Barrier::Waiting;

    /// Answers a subscription, or lets the subscription wait for the peers' lists and events. REQUIRES: every counted
    /// peer holds this node's interest in the channel.
    void confirm(Instant now, Waiting waiting, Effects& out);
    /// True when all peers have told everything needed for the confirmation.
    [[nodiscard]] bool is_told(const Waiting& waiting) const;
    /// False when the peer holds the interest in the channel and still owes its users or its retained event.
    [[nodiscard]] bool has_told(const Session& session, const Waiting& waiting) const;
    /// True when the peer has told nothing for longer than its patience. `patience` is set to the peer's patience.
    [[nodiscard]] bool is_silent(Instant now, const Session& session, Duration& patience) const;

    MeshContext& context_;
    InterestWindow& window_;
    LocalInterest& local_;
    Presence& presence_;
    Retained& retained_;
    Barrier barrier_;
    // By channel: past the barrier, in wait for the peers' lists and events. Ordered, so that check() can go round.
    std::map<std::string, std::vector<Waiting>> untold_;
};

}  // namespace tulle::mesh
