#pragma once

#include <cstdint>
#include <vector>

#include "tests/sim/world.hpp"

namespace tulle::sim {

/// Draws faults from the world's generator, injects each, and takes it back after a while.
class Faults {
public:
    Faults(World& world, std::vector<std::vector<HostId>> seeds) : world_(world), seeds_(std::move(seeds)) {}

    /// Injects one now.
    void inject();
    /// Takes everything back: paths whole, everybody thawed, hosts that should run running.
    void heal_all();
    [[nodiscard]] std::uint64_t injected() const { return injected_; }

private:
    // Each: false when it does not apply just now.
    bool inject_one();
    void restart(HostId host, Duration delay);
    bool kill_some(std::size_t count, Duration down);
    bool freeze_one();
    bool partition();
    bool one_way_cut();
    bool pair_cut();
    bool reset_pair();
    bool noisy_path();
    bool mute_publisher();
    bool slow_path();
    bool duplicate_name();
    bool leave_and_return();
    /// Two different ones.
    [[nodiscard]] std::pair<HostId, HostId> random_pair();
    [[nodiscard]] HostId random_host() { return world_.prng().below(world_.hosts() - 1); }  // the last one is spare
    [[nodiscard]] Duration between(Duration low, Duration high);

    World& world_;
    std::vector<std::vector<HostId>> seeds_;
    std::uint64_t injected_ = 0;
};

}  // namespace tulle::sim
