#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/records/record_ring.hpp"

namespace tulle::mesh {

/// Answers the publishes that want copies: kAccepted once so many nodes hold the record, kFewCopies when the time for
/// that is over. This node is the first that holds the record. Another node holds the record from the turn in which its
/// hub has taken the record in, and says so by the receipt for the frame. Should this node die, that node gives the
/// record to the others, as far back as its receive ring goes (Recovery).
///
/// A node that took the record in before its session began anew is not counted: its position in the log also passes
/// over records that it never got. An answer of too few copies is then harmless, and one of too many would not be.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: at most `awaited_copies` publishes wait, each for `copies_wait`.
/// Cost:   a copy is found in O(log waiting); the end of a session looks at all publishes that wait.
class Acknowledger {
public:
    Acknowledger(MeshContext& context, const RecordRing& ring) : context_(context), ring_(ring) {}

    /// Nodes that could hold a record now: this node, and each node whose interest is known here, as links to others do
    /// not send yet. Cost: O(sessions).
    [[nodiscard]] std::size_t reachable() const;
    /// True when no further publish may wait.
    [[nodiscard]] bool is_full() const { return waiting_.size() >= context_.limits().awaited_copies; }
    /// The publish `id` of `shard` has become `record`, and waits for record.copies nodes.
    /// REQUIRES: not is_full(), record.copies > 1, and the record is the last of the ring.
    void await(Instant now, ShardIndex shard, std::uint64_t id, const Record& record);
    /// The node holds the record. Nothing happens when nobody waits, or when the node was counted before.
    void on_copy(OriginId holder, RecordNo n, Effects& out);
    /// The session has ended: what that node holds can perhaps not be had any more.
    void session_down(OriginId oid);
    /// This node's own loop came late by `late`: receipts may have come meanwhile, and are read now.
    void forgive(Duration late);
    /// Gives up the publishes that have waited for `copies_wait`.
    void tick(Instant now, Effects& out);
    /// Gives up all publishes, because the node leaves.
    void give_up_all(Effects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
    [[nodiscard]] std::uint64_t given_up() const { return given_up_; }

private:
    struct Waiting {
        ShardIndex shard;
        std::uint64_t id = 0;
        std::uint32_t wanted = 0;
        Instant until{};
        /// The other nodes that hold the record; fewer than `wanted`.
        std::vector<OriginId> holders = {};
    };
    /// By the record's number, and so in order of `until`.
    using WaitingByNo = std::map<RecordNo, Waiting>;

    /// Nodes that hold the record, this node included unless its own ring has dropped the record.
    [[nodiscard]] std::uint32_t copies(const WaitingByNo::value_type& waiting) const;
    /// Answers and forgets the publish.
    void answer(WaitingByNo::iterator waiting, PublishOutcome outcome, Effects& out);

    MeshContext& context_;
    const RecordRing& ring_;
    WaitingByNo waiting_;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t given_up_ = 0;
};

}  // namespace tulle::mesh
