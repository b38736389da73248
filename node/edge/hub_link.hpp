#pragma once

#include <deque>
#include <vector>

#include "mesh/core/port.hpp"

namespace tulle::node {

/// A shard's side of the hub's mailbox. What is said in a turn is gathered and handed over at its end, together. What
/// must not be lost waits here, in order, while the mailbox is full; what may be refused is refused.
///
/// Thread: the shard's.
/// Limits: the backlog is bounded by what fills it: one message per connection, whose reading pauses meanwhile, the
///         ends of the subscriptions that clients held who have gone, and answers, whose number the hub bounds.
/// Errors: an exception here ends the process: what the hub is not told of who came and who went is wrong on all nodes.
class HubLink {
public:
    /// Handed over without waiting for the end of the turn: a long one then has the hub at work meanwhile.
    static constexpr std::size_t kMaxGathered = 256;

    HubLink(mesh::HubMailbox& hub, mesh::ShardIndex shard) : hub_(hub), shard_(shard) {}

    /// Refused: nothing has been sent, and nothing will be.
    [[nodiscard]] Push offer(mesh::ToHub message) noexcept;
    /// Sends at the next flush or as soon as there is room. Refused means: it waits, so slow down.
    Push send(mesh::ToHub message) noexcept;
    /// The turn ends: hands over what was gathered, and of what waits as much as there is room for. False: some still
    /// waits.
    bool flush() noexcept;
    [[nodiscard]] bool is_backed_up() const { return !backlog_.empty(); }

private:
    void gather(mesh::FromShard item) noexcept;

    mesh::HubMailbox& hub_;
    const mesh::ShardIndex shard_;
    std::vector<mesh::FromShard> gathered_;  ///< each with a place claimed in the mailbox
    std::deque<mesh::FromShard> backlog_;
};

}  // namespace tulle::node
