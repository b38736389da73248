#pragma once

#include <string>
#include <vector>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/records/hybrid_clock.hpp"

namespace tulle::mesh {

/// The retained events of channels: stamps events accepted here, keeps events, answers peers that ask, and hands events
/// on to new keepers. The kept events are in a RetainedTable.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: the limits of RetainedTable.
class Retained {
public:
    Retained(MeshContext& context, RetainedTable& table, LocalInterest& local, const InterestTable& interest,
             HybridClock& clock)
        : context_(context), table_(table), local_(local), interest_(interest), clock_(clock) {}

    /// Prepares a record of this node before the record is numbered: gives the record a stamp, and names the keepers of
    /// its retaining channels. Keepers get the record even without a subscriber. A record without retaining channels
    /// gets neither.
    void stamp(Instant now, Record& record);
    /// Names `count` keepers of each channel in the range, so that they get the record of this node without a
    /// subscriber.
    /// REQUIRES: the range lies within record.channels.
    void name_keepers(ChannelRange channels, std::size_t count, Record& record) const;
    /// Keeps the event of a record that was accepted here.
    void on_own(Instant now, const Record& record) { hold(now, record, true, {}); }
    /// Keeps the event of a record straight from its origin. An origin with other members than this node counts as a
    /// teller of the event: nodes without a session with the origin get nothing by Reconcile when the origin is lost.
    void on_record(Instant now, OriginId origin, const Record& record);
    /// Keeps the event of a record that Reconcile brought after the loss of the origin, and owes the event to all
    /// keepers and all interested peers: a peer that has joined since the loss takes no part in the reconciling.
    void on_filled(Instant now, const Record& record);
    /// Passes an event of `origin` on to keepers unknown to the origin. In a mesh split in part, the origin has other
    /// members than this node, so this node may see keepers without a session with the origin. A keeper, as seen by
    /// this node or by the origin, passes the event on. A node with the event only for its subscribers does not. Only a
    /// record straight from its origin is passed on, so an event makes a single further hop.
    void pass_on(Instant now, OriginId origin, const Record& record) const;
    /// The record without the channels on which an answer of its origin has brought the event, or a later event,
    /// already. Null when no channel is left. `record` itself when no channel is affected.
    [[nodiscard]] RecordPtr without_answered(OriginId from, const RecordPtr& record) const;

    /// Takes in a peer's word about the peer's retained event of a channel. Keeps the event if newer. True when the
    /// word answers a question of this node, so subscriptions may be confirmed.
    [[nodiscard]] bool accept(Instant now, OriginId from, const RetainedPart& part, Effects& out);
    /// This node's word about a channel. Without a stamp when no event is kept. The caller fills in `version` and `at`.
    [[nodiscard]] RetainedPart part(Instant now, const std::string& channel) const;
    /// The retained event of a channel. Null for none. Valid until the next change of the table.
    [[nodiscard]] const RetainedEvent* find(Instant now, const std::string& channel) const {
        return table_.find(now, channel);
    }

    /// A shard has a subscriber of the channel: peers' answers are collected from here on.
    void want(const std::string& channel) { table_.want(channel); }
    /// `shard` has no subscriber of the channel left. With the last shard the answers are forgotten.
    void drop(ShardIndex shard, const std::string& channel);
    /// A subscriber has been told the event kept now. From here on every record of the channel is news to subscribers.
    void confirmed(const std::string& channel) { table_.confirmed(channel); }
    /// True when every peer in session has told its event of the channel. Includes a peer that has not fetched this
    /// node's interest yet: nothing else ensures an answer of such a peer.
    [[nodiscard]] bool all_answered(const std::string& channel) const;
    /// True when the peer has told its event of the channel since version `since` of this node's interest.
    [[nodiscard]] bool knows(OriginId from, const std::string& channel, InterestVersion since) const {
        return table_.knows(from, channel, since);
    }

    /// This node did not run for so long that peers may have died or given this node up. The node still takes them for
    /// keepers, and may be the last keeper itself, so no event is dropped for a while.
    void woke(Instant now) { table_.postpone_sweep(now); }
    /// Updates the set of possible keepers from the sessions.
    void session_up() { table_.set_members(context_.sessions().ids()); }
    /// Forgets the peer's answers and updates the set of possible keepers.
    void session_down(OriginId oid) {
        table_.lose(oid);
        table_.set_members(context_.sessions().ids());
    }
    /// Hands a slice of the moved events on, or removes a slice of old events.
    void tick(Instant now);
    [[nodiscard]] std::optional<Instant> next_deadline() const { return table_.next_deadline(); }
    /// A part of this node's log is lost for the peer, and nobody knows which part. The peer is owed each event
    /// accepted here lately (Timing::retained_transit) that the peer keeps or asks for.
    void owe_lately(Instant now, Session& session) const;

private:
    /// Puts the event of a record into the table, once for each retaining channel. `teller`: the member that may have
    /// told the event to this node alone; 0 for none.
    void hold(Instant now, const Record& record, bool own, OriginId teller);
    /// True when this node has a session with `origin`, and `origin` may have other members than this node: a heartbeat
    /// said so, or no heartbeat has come since this node's members changed, or none has come for `suspicion`.
    [[nodiscard]] bool sees_others(Instant now, OriginId origin) const;
    /// Tells the shards with subscribers of the channel. Their subscribers have missed the event, and later subscribers
    /// are to get it.
    void tell_last(const std::string& channel, const RetainedEvent& event, Effects& out) const;
    /// The links to all peers with interest in the channel's event, and to `keepers`, send this node's word about the
    /// channel.
    void owe_interested(const std::string& channel, const std::vector<OriginId>& keepers) const;
    /// The session's link sends this node's word about the channel.
    void owe(Session& session, const std::string& channel) const;

    MeshContext& context_;
    RetainedTable& table_;
    LocalInterest& local_;
    const InterestTable& interest_;
    HybridClock& clock_;
};

}  // namespace tulle::mesh
