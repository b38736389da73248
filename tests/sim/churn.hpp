#pragma once

#include <cstdint>
#include <optional>

#include "tests/sim/world.hpp"

namespace tulle::sim {

/// Clients of one node that subscribe and unsubscribe as fast as they can, each time another channel, while others wait
/// for their subscriptions.
///
/// Of the churn's own channels no more than `lag` have a subscriber at a time. A subscription that nobody ends must be
/// confirmed nevertheless: watch_barriers, or longest_pending() of the edge, tells of it when it is not.
class Churn {
public:
    struct Load {
        std::uint64_t a_millisecond = 20;  ///< subscriptions, and as many ends
        std::uint64_t lag = 40;
    };

    Churn(World& world, HostId host, Load load) : world_(world), host_(host), load_(load) {}

    /// Goes on until then, also over a restart of the host.
    void start(Instant until) {
        until_ = until;
        next();
    }
    [[nodiscard]] std::uint64_t changes() const { return changes_; }

private:
    void next();
    void act(const Process& process);
    [[nodiscard]] static std::string channel(std::uint64_t number) { return "app/churn" + std::to_string(number); }

    World& world_;
    const HostId host_;
    const Load load_;
    Instant until_;
    OriginId of_;  ///< the process that has the channels first_ … last_
    std::uint64_t first_ = 0;
    std::uint64_t last_ = 0;
    std::uint64_t changes_ = 0;
};

}  // namespace tulle::sim
