#pragma once

#include <cstdint>
#include <optional>

#include "tests/sim/world.hpp"

namespace tulle::sim {

/// Clients of a node that subscribe and unsubscribe very often, each time to another channel, while other clients wait
/// for their subscriptions.
///
/// Of the churn's own channels no more than `lag` have a subscriber at a time. A subscription that nobody ends must be
/// confirmed nevertheless: watch_barriers, or longest_pending() of the edge, reports a subscription without
/// confirmation.
///
/// Ownership: the Churn must outlive the run, as the scheduler calls back.
class Churn {
public:
    struct Load {
        /// Subscriptions in a millisecond, and as many ends.
        std::uint64_t a_millisecond = 20;
        /// The most channels subscribed at a time.
        std::uint64_t lag = 40;
    };

    Churn(World& world, HostId host, Load load) : world_(world), host_(host), load_(load) {}

    /// Goes on until `until`, also over a restart of the host.
    void start(Instant until) {
        until_ = until;
        next();
    }
    /// Subscriptions made so far.
    [[nodiscard]] std::uint64_t changes() const { return changes_; }

private:
    /// Plans the next millisecond.
    void next();
    /// The changes of a millisecond; at the end, unsubscribes from all channels.
    void act(const Process& process);
    [[nodiscard]] static std::string channel(std::uint64_t number) { return "app/churn" + std::to_string(number); }

    World& world_;
    const HostId host_;
    const Load load_;
    Instant until_;
    /// The process with the channels first_ to last_ - 1.
    OriginId of_;
    std::uint64_t first_ = 0;
    std::uint64_t last_ = 0;
    std::uint64_t changes_ = 0;
};

}  // namespace tulle::sim
