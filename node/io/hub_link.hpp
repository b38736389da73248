#pragma once

#include <deque>

#include "mesh/core/port.hpp"

namespace tulle::node {

/// A shard's side of the hub's mailbox. What must not be lost waits here, in order, while the mailbox is full; what may be
/// refused is refused.
///
/// Thread: the shard's.
/// Limits: the backlog is bounded by what fills it: one client event per connection, whose reading pauses meanwhile, and
///         subscriptions and answers, whose number the clients and the hub bound.
class HubLink {
public:
    HubLink(mesh::HubMailbox& hub, mesh::ShardIndex shard) : hub_(hub), shard_(shard) {}

    /// Refused: nothing has been sent, and nothing will be.
    [[nodiscard]] Push offer(mesh::ToHub message);
    /// Sends now or as soon as there is room. Refused means: it waits, so slow down.
    Push send(mesh::ToHub message);
    /// Sends what waits; true when nothing is left.
    bool retry();
    [[nodiscard]] bool is_backed_up() const { return !backlog_.empty(); }

private:
    mesh::HubMailbox& hub_;
    const mesh::ShardIndex shard_;
    std::deque<mesh::FromShard> backlog_;
};

}  // namespace tulle::node
