#pragma once

#include <deque>
#include <vector>

#include "mesh/core/node/port.hpp"

namespace tulle::node {

/// A shard's side of the hub's mailbox. The messages of a turn are gathered, and handed over together at the end of the
/// turn. While the mailbox is full, messages that must not be lost wait here, in order; messages that may be refused
/// are refused.
///
/// Thread: the shard's.
/// Limits: the backlog is bounded by its sources: one message for each connection, whose reading pauses meanwhile; the
///         ends of the subscriptions of clients that have gone; and answers, whose number the hub bounds.
/// Errors: an exception in here ends the process: if the hub missed who came and who went, all nodes would be wrong.
class HubPort {
public:
    /// After this many messages the gathered ones are handed over before the turn ends, so that the hub works while a
    /// long turn goes on.
    static constexpr std::size_t kMaxGathered = 256;

    HubPort(mesh::HubMailbox& hub, mesh::ShardIndex shard) : hub_(hub), shard_(shard) {}

    /// Sends a message that may be refused. Refused: the message has not been sent, and never will be.
    [[nodiscard]] Push offer(mesh::ToHub message) noexcept;
    /// Sends a message that must not be lost, at the next flush or as soon as there is room. Refused: the message
    /// waits, so the caller should slow down.
    Push send(mesh::ToHub message) noexcept;
    /// The turn ends: hands over the gathered messages, and as many waiting ones as there is room for. False: some
    /// messages still wait.
    bool flush() noexcept;
    [[nodiscard]] bool is_backed_up() const { return !backlog_.empty(); }

private:
    void gather(mesh::FromShard item) noexcept;

    mesh::HubMailbox& hub_;
    const mesh::ShardIndex shard_;
    std::vector<mesh::FromShard> gathered_;  ///< each has a place claimed in the mailbox
    std::deque<mesh::FromShard> backlog_;
};

}  // namespace tulle::node
