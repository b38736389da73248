#pragma once

#include <map>
#include <string>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/node/serving.hpp"
#include "mesh/core/presence/presence_table.hpp"
#include "mesh/core/records/record_ring.hpp"

namespace tulle::mesh {

/// The presence channels of this node. Users of this node's shards become records of this node's log. Users of peers
/// come by the peers' logs and lists. Each change of the union is told to the shards exactly once. The knowledge is in
/// a PresenceTable.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: the limits of PresenceTable.
/// Errors: a peer with more users in a channel than a node may have is given up: its session ends.
class Presence {
public:
    Presence(MeshContext& context, PresenceTable& table, LocalInterest& local, const InterestTable& interest,
             RecordRing& ring, const Serving& serving)
        : context_(context), table_(table), local_(local), interest_(interest), ring_(ring), serving_(serving) {}

    /// A user's first connection on `shard` joins. Answers with MemberJoined, after the MemberChanged if the user is
    /// new. Refused while the node does not serve, without a subscription of the shard, over a size limit, or when the
    /// channel has `max_members` users.
    void on(Instant now, ShardIndex shard, const MemberJoin& wanted, Effects& out);
    /// A user's last connection on `shard` leaves. Not answered.
    void on(Instant now, ShardIndex shard, const MemberLeave& wanted, Effects& out);
    /// `shard` has no subscriber of the channel left, so all users of the shard in the channel leave. With the last
    /// shard the channel is forgotten.
    void drop(Instant now, ShardIndex shard, const std::string& channel, Effects& out);

    /// Takes in a change of presence from the log of peer `from`.
    void on_record(Instant now, OriginId from, const Record& record, Effects& out);
    /// Takes in a piece of a peer's list. True when the list is complete.
    [[nodiscard]] bool accept(Instant now, OriginId from, const PresencePart& part, Effects& out);
    /// A part of the peer's log is lost, and nobody knows which part. The peer's users count as lost until the peer
    /// lists its users again.
    void lose(Instant now, OriginId from) { table_.lose(now, from); }
    /// The peer's users enter their grace.
    void session_down(Instant now, OriginId oid) {
        away_[oid] = now + context_.timing().presence_grace;
        table_.lose(now, oid);
    }
    /// Ends graces, and works on losses in slices.
    void tick(Instant now, Effects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const { return table_.next_deadline(); }

    /// A part of this node's log is lost for the peer, and nobody knows which part. The peer is owed a list for each
    /// presence channel with interest of the peer. An empty list is owed too: without a list the peer would ignore
    /// users that join later.
    void owe_all(Session& session) const;
    /// True when every peer in session has listed its users of the channel. Includes a peer that has not fetched this
    /// node's interest yet: the peer lists its users afterwards.
    [[nodiscard]] bool all_listed(const std::string& channel) const;
    /// True when the peer has listed its users of the channel since version `since` of this node's interest.
    [[nodiscard]] bool knows(OriginId from, const std::string& channel, InterestVersion since) const {
        return table_.knows(from, channel, since);
    }
    /// All users of the channel in the mesh, by user.
    [[nodiscard]] PresenceTable::Members members(const std::string& channel) const { return table_.members(channel); }
    /// The users of this node's shards in the channel, by user.
    [[nodiscard]] std::vector<PresenceMember> own(const std::string& channel) const { return table_.own(channel); }
    /// Changes of presence written to this node's log. The counter only grows.
    [[nodiscard]] std::uint64_t changes() const { return changes_; }

private:
    /// Takes a user of `shard` away, and writes the change to the log if no other shard has the user.
    void leave(Instant now, ShardIndex shard, const std::string& channel, const std::string& user, Effects& out);
    /// Appends a change to this node's log.
    void log(Instant now, const std::string& channel, const PresenceMember& member, bool left);
    /// True when no node can bring a user of the channel back from a grace: every peer has listed its users, and no
    /// node has gone lately.
    [[nodiscard]] bool is_settled(Instant now, const std::string& channel) const;
    /// Sends each change to the shards with subscribers of its channel.
    void tell(const PresenceTable::Changes& changes, Effects& out) const;

    MeshContext& context_;
    PresenceTable& table_;
    LocalInterest& local_;
    const InterestTable& interest_;
    RecordRing& ring_;
    const Serving& serving_;
    /// Nodes whose session has ended, and when the grace of their users ends.
    std::map<OriginId, Instant> away_;
    std::uint64_t changes_ = 0;
};

}  // namespace tulle::mesh
