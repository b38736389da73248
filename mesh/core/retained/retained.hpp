#pragma once

#include <string>
#include <vector>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/records/hybrid_clock.hpp"

namespace tulle::mesh {

/// The last events of channels that keep one: stamps what is accepted here, holds what is to be held, answers the peers
/// that ask, and hands on what others are to hold. What is held is in a RetainedTable.
///
/// Thread: confined to the hub. Time: `now` must not go backwards. Limits: as of RetainedTable.
class Retained {
public:
    Retained(MeshContext& context, RetainedTable& table, LocalInterest& local, const InterestTable& interest,
             HybridClock& clock)
        : context_(context), table_(table), local_(local), interest_(interest), clock_(clock) {}

    /// Stamps a record that is about to be numbered, and names the nodes that it is due to although they may have no
    /// subscriber. A record that no channel keeps is left without.
    void stamp(Instant now, Record& record);
    /// A record that was accepted here.
    void on_own(Instant now, const Record& record) { hold(now, record, true); }
    /// A record of another origin.
    void on_record(Instant now, const Record& record) { hold(now, record, false); }
    /// A record has come from its origin. Where the origin has other members than this node, as in a mesh that is split
    /// in part, a channel may have a keeper that the origin does not know of. Who keeps the event, as this node sees it
    /// or as the origin does, gives the event to the keepers that this node sees: one hop, and not who has it for its
    /// subscribers alone.
    void pass_on(OriginId origin, const Record& record) const;
    /// The record without the channels on which the answers of its origin have brought it, or a later one, already;
    /// null when none is left.
    [[nodiscard]] RecordPtr without_answered(OriginId from, const RecordPtr& record) const;

    /// A peer says what it holds of one channel. True: that is an answer that subscribers wait for.
    [[nodiscard]] bool accept(Instant now, OriginId from, const RetainedPart& part, Effects& out);
    /// The last event of one channel as this node holds it; without a stamp when there is none.
    [[nodiscard]] RetainedPart part(Instant now, const std::string& channel) const;
    [[nodiscard]] const RetainedEvent* find(Instant now, const std::string& channel) const {
        return table_.find(now, channel);
    }

    /// A shard has a subscriber of the channel, or has none left.
    void want(const std::string& channel) { table_.want(channel); }
    void drop(ShardIndex shard, const std::string& channel);
    /// Subscribers are told what is held now: what comes from here on is news to them.
    void confirmed(const std::string& channel) { table_.confirmed(channel); }
    /// Every peer in session has said what it holds of the channel; also a peer that has not fetched our interest yet:
    /// nothing else makes sure that it tells us.
    [[nodiscard]] bool all_answered(const std::string& channel) const;
    /// The peer has said what it holds of the channel since our interest of version `since`.
    [[nodiscard]] bool knows(OriginId from, const std::string& channel, InterestVersion since) const {
        return table_.knows(from, channel, since);
    }

    void session_up() { table_.set_members(context_.sessions().ids()); }
    void session_down(OriginId oid) {
        table_.lose(oid);
        table_.set_members(context_.sessions().ids());
    }
    /// Hands on a slice of what has become others' to hold.
    void tick(Instant now);
    [[nodiscard]] std::optional<Instant> next_deadline() const { return table_.next_deadline(); }
    /// Some of our log is lost for the peer, and it is not known what: it is owed what was accepted here lately and the
    /// peer is to hold.
    void owe_lately(Instant now, Session& session) const;

private:
    void hold(Instant now, const Record& record, bool own);
    void tell_last(const std::string& channel, const RetainedEvent& event, Effects& out) const;
    void owe(Session& session, const std::string& channel) const;

    MeshContext& context_;
    RetainedTable& table_;
    LocalInterest& local_;
    const InterestTable& interest_;
    HybridClock& clock_;
};

}  // namespace tulle::mesh
