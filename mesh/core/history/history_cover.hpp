#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "mesh/base/ids.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

/// Since when this node has been told every message of a channel with history: since all nodes that accept messages
/// have named this node as a keeper of the channel.
///
/// A node names the keepers among the members that the node sees. Once all members see the same members as this node
/// (their heartbeats say so), they name this node wherever this node is a keeper. During a change of members a node may
/// see any of the members before and after. A node that is a keeper among all of these together is also a keeper among
/// some of them. So a change breaks the time of a channel only if this node is no keeper among all together.
///
/// What breaks the time of all channels: a member that has served before this node met the member, as in another part
/// of a split mesh; a change of members on which the members do not agree for five seconds; a member of others that
/// this node never met; a message that was lost on its way here.
///
/// Each part of a split mesh is a mesh of its own: what a part accepts is not missed in another part until they meet.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards. `clock_us` is the hybrid clock, which is not behind the clock of any node that
///         has been heard.
/// Limits: the last kMaxEpochs agreements; what was before them counts as not told.
/// Cost:   since_us() looks at all agreements: O(agreements × members).
class HistoryCover {
public:
    explicit HistoryCover(OriginId self) : self_(self), members_{self}, seen_{self} {}

    /// Sets the other members. `is_broken`: one of them has served before. agree() must follow.
    void set_members(Instant now, std::vector<OriginId> others, bool is_broken);
    /// All members see the same members as this node. To be called when the node starts, and when this node is alone.
    void agree(Instant now, std::uint64_t clock_us);
    /// A member sees members with this digest: the XOR of their ids. Nothing happens if the member sees this node's
    /// members; or if it lacks one or two of them, or still sees one or two that have been members since the last
    /// agreement.
    void hear(Instant now, std::uint64_t digest);
    /// A message may have been lost.
    void lose(std::uint64_t clock_us);
    /// True until agree(): the members have changed, or a member sees a member that this node has not met.
    [[nodiscard]] bool is_changing() const { return is_changing_; }

    /// Every message of the channel with a stamp from the returned moment on has been told to this node, or is on its
    /// way; kNeverWhole: this node cannot say.
    [[nodiscard]] std::uint64_t since_us(Instant now, const std::string& channel) const;

    static constexpr std::size_t kMaxEpochs = 64;

private:
    /// The time from an agreement to the next.
    struct Epoch {
        /// From then on all members have named the keepers among members in `seen`.
        std::uint64_t agreed_us = 0;
        /// The members at the agreement, and all members since, until the next agreement. Sorted.
        std::vector<OriginId> seen;
    };

    /// True if this node knows whom the digest is about: see hear().
    [[nodiscard]] bool is_explained(std::uint64_t digest) const;

    OriginId self_;
    /// This node included. Sorted.
    std::vector<OriginId> members_;
    /// The members at the last agreement, and all members since. Sorted.
    std::vector<OriginId> seen_;
    /// Oldest first.
    std::deque<Epoch> epochs_;
    bool is_changing_ = true;
    /// The time of the first change without agreement, while changing.
    Instant changed_at_{};
    /// The last digest that this node's members did not explain; 0: there is none.
    std::uint64_t doubted_ = 0;
    /// Since then nothing is known to have been lost.
    std::uint64_t lost_us_ = 0;
};

}  // namespace tulle::mesh
