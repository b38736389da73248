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
/// Limits: the backlog is bounded by its sources: a single message for each connection, which is not read meanwhile;
///         the ends of the subscriptions of clients that have gone; and answers, whose number the hub bounds.
/// Errors: an exception in here ends the process: if the hub missed a coming or going, all nodes would be wrong.
class HubPort {
public:
    /// The number of gathered messages at which the messages are handed over before the turn ends, so that the hub
    /// works while a long turn goes on.
    static constexpr std::size_t kMaxGathered = 256;

    HubPort(mesh::HubMailbox& hub, mesh::ShardIndex shard) : hub_(hub), shard_(shard) {}

    /// Sends a message that may be refused. Refused: the message has not been sent, and never will be.
    [[nodiscard]] Push offer(mesh::ToHub message) noexcept;
    /// Sends a message that must not be lost, at the next flush or as soon as there is room. Refused: the message
    /// waits, so the caller should slow down.
    Push send(mesh::ToHub message) noexcept;
    /// The turn ends: hands over the gathered messages, and as many waiting messages as there is room for. False: some
    /// messages still wait.
    bool flush() noexcept;
    /// True while messages wait for room.
    [[nodiscard]] bool is_backed_up() const { return !backlog_.empty(); }

private:
    /// Takes a message into the gathered messages. REQUIRES: a place in the mailbox has been claimed for the message.
    void gather(mesh::FromShard item) noexcept;

    mesh::HubMailbox& hub_;
    const mesh::ShardIndex shard_;
    /// Each message has a claimed place in the mailbox.
    std::vector<mesh::FromShard> gathered_;
    /// Messages without a place.
    std::deque<mesh::FromShard> backlog_;
};

}  // namespace tulle::node
