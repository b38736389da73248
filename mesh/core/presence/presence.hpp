#pragma once

#include <string>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/node/serving.hpp"
#include "mesh/core/presence/presence_table.hpp"
#include "mesh/core/records/record_ring.hpp"

namespace tulle::mesh {

/// Who is in the presence channels: our shards' users become records of our log, the peers' users come by their logs
/// and lists, and each change is told to the shards once. What is known is in a PresenceTable.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Limits: as of PresenceTable. A peer that has more users in one channel than a node may is given up.
class Presence {
public:
    Presence(MeshContext& context, PresenceTable& table, LocalInterest& local, const InterestTable& interest,
             RecordRing& ring, const Serving& serving)
        : context_(context), table_(table), local_(local), interest_(interest), ring_(ring), serving_(serving) {}

    void on(Instant now, ShardIndex shard, const MemberJoin& wanted, Effects& out);
    void on(Instant now, ShardIndex shard, const MemberLeave& wanted, Effects& out);
    /// A shard has no subscriber of the channel left, so it has no user left either; the last shard takes the whole
    /// channel with it.
    void drop(Instant now, ShardIndex shard, const std::string& channel, Effects& out);

    /// A change in the log of a peer.
    void on_record(Instant now, OriginId from, const Record& record, Effects& out);
    /// A piece of a peer's list. True: the list is complete.
    [[nodiscard]] bool accept(Instant now, OriginId from, const PresencePart& part, Effects& out);
    /// A part of the peer's log is lost, and nobody knows which: the peer lists its users again.
    void lose(Instant now, OriginId from) { table_.lose(now, from); }
    void session_down(Instant now, OriginId oid) { table_.lose(now, oid); }
    void tick(Instant now, Effects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const { return table_.next_deadline(); }

    /// Some of our log is lost for the peer, and it is not known what: it is owed our list of each channel that it has
    /// interest in. Also where nobody of ours is: without a list, the peer would take no notice of who comes later.
    void owe_all(Session& session) const;
    /// Every peer in session has listed its users of the channel; also a peer that has not fetched our interest yet: it
    /// lists its users when it has.
    [[nodiscard]] bool all_listed(const std::string& channel) const;
    /// The peer has listed its users of the channel since our interest of version `since`.
    [[nodiscard]] bool knows(OriginId from, const std::string& channel, InterestVersion since) const {
        return table_.knows(from, channel, since);
    }
    [[nodiscard]] PresenceTable::Members members(const std::string& channel) const { return table_.members(channel); }
    [[nodiscard]] std::vector<PresenceMember> own(const std::string& channel) const { return table_.own(channel); }
    /// Records of our log that were changes of presence.
    [[nodiscard]] std::uint64_t changes() const { return changes_; }

private:
    void leave(Instant now, ShardIndex shard, const std::string& channel, const std::string& user, Effects& out);
    void log(Instant now, const std::string& channel, const PresenceMember& member, bool left);
    void tell(const PresenceTable::Changes& changes, Effects& out) const;

    MeshContext& context_;
    PresenceTable& table_;
    LocalInterest& local_;
    const InterestTable& interest_;
    RecordRing& ring_;
    const Serving& serving_;
    std::uint64_t changes_ = 0;
};

}  // namespace tulle::mesh
