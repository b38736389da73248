#pragma once

#include <cstdint>
#include <optional>

#include "mesh/base/time.hpp"
#include "node/core/drain_state.hpp"

namespace tulle::node {

/// Times of a drain.
struct DrainTimes {
    /// The longest time in DrainState::kAnnouncing, for load balancers to learn of it.
    Duration grace = 10s;
    /// The time over which clients are closed.
    Duration duration = 30s;
};

/// The time without an arrival after which the grace ends early: when nobody is connected, or when kChecksTold health
/// checks have been told, as many as a load balancer mostly needs. Who asks nobody gets the whole grace.
inline constexpr Duration kArrivalsQuiet = 2s;
inline constexpr std::uint64_t kChecksTold = 2;
/// The time after `duration` for the last clients to answer their Close. Clients that are still there then are cut when
/// the node leaves.
inline constexpr Duration kMovingSlack = 5s;

/// Decides when a node that goes away takes its next step. Clients go first and the mesh is left last, so that nobody
/// is subscribed at a node that has left.
///
/// Thread: the owner's.
/// Time:   `now` must not go backwards.
/// Errors: none. A request that changes nothing does nothing.
class DrainPlan {
public:
    explicit DrainPlan(const DrainTimes& times) : times_(times) {}

    /// The facts about the node that decide.
    struct Facts {
        /// Clients connected now.
        std::uint64_t clients = 0;
        /// Clients that have come, and publishes, since the start of the node.
        std::uint64_t arrivals = 0;
        /// Answers to health checks, since the start of the node, that have told of the drain.
        std::uint64_t told_checks = 0;
    };

    [[nodiscard]] DrainState state() const { return state_; }
    /// True when the node will leave the mesh once its clients are gone. False: the drained node waits.
    [[nodiscard]] bool stops() const { return stops_; }
    /// Begins to drain. Does nothing when the node drains already.
    void drain(Instant now, const Facts& facts);
    /// As drain(), and has the node leave afterwards.
    void stop(Instant now, const Facts& facts);
    /// Skips all states before kLeaving.
    void leave_now();
    /// Back to kServing. False: the node serves, or a signal stops it.
    [[nodiscard]] bool undrain();
    /// Takes the steps that are due. Returns true when the state has changed; call again until false.
    [[nodiscard]] bool tick(Instant now, const Facts& facts);
    /// When to call tick() next; nothing while only an order changes the state.
    [[nodiscard]] std::optional<Instant> next_tick(Instant now) const;

private:
    /// Facts change without a word, so they are looked at in steps.
    static constexpr Duration kLook = 100ms;

    const DrainTimes times_;
    DrainState state_ = DrainState::kServing;
    bool stops_ = false;
    /// When the present state began.
    Instant since_{};
    /// The last arrival in kAnnouncing.
    Instant arrived_at_{};
    std::uint64_t arrivals_ = 0;
    std::uint64_t told_checks_ = 0;
};

}  // namespace tulle::node
