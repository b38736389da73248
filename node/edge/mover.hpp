#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "node/core/slot.hpp"
#include "node/core/spread.hpp"
#include "node/edge/reactor.hpp"

namespace tulle::node {

/// Closes clients of a shard one after the other, so that they go to other nodes at an even rate. Each client is told
/// by Connection::drain.
///
/// Thread: the shard's.
/// Limits: a turn closes at most kMaxWrites clients, and begins no further client after kTurnTime; the rest waits for
///         the next turn.
class Mover {
public:
    /// `list`: the clients of the shard, in the order in which they are to go. `reactor` must outlive the mover.
    Mover(Reactor& reactor, std::function<std::vector<Slot>()> list) : reactor_(reactor), list_(std::move(list)) {}

    /// Begins to close all clients within `duration`. Clients that come later, on connections that stood by now, are
    /// closed when all others have been.
    void move_all(Duration duration);
    /// Begins to close the first `count` of `clients` within `duration`.
    void move_some(std::vector<Slot> clients, std::size_t count, Duration duration);
    /// Closes no further client.
    void stop() { round_.reset(); }
    [[nodiscard]] bool is_moving() const { return round_.has_value(); }
    [[nodiscard]] bool is_moving_all() const { return round_ && round_->is_of_all; }
    /// Closes the clients that are due. Call once in each turn.
    void run();

private:
    /// The interval in which a mover of all clients looks for clients that have come.
    static constexpr Duration kLookAgain = 1s;

    /// The clients of a list, and their times.
    struct Round {
        std::vector<std::weak_ptr<Connection>> clients;
        Spread spread;
        /// The clients before this index have been told, or had gone.
        std::size_t next = 0;
        /// True when a further round follows.
        bool is_of_all = false;
        /// When the next round of all begins; set once this round is done.
        std::optional<Instant> again_at = {};
    };

    /// Begins a round.
    void begin(const std::vector<Slot>& clients, Duration duration, bool is_of_all);

    Reactor& reactor_;
    const std::function<std::vector<Slot>()> list_;
    std::optional<Round> round_;
};

}  // namespace tulle::node
