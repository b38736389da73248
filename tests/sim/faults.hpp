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
    void restart(HostId host, Duration delay);
    void kill_some(std::size_t count, Duration down);
    void freeze_one();
    void partition();
    void one_way_cut();
    void pair_cut();
    void reset_pair();
    void noisy_path();
    void mute_publisher();
    void slow_path();
    void duplicate_name();
    void leave_and_return();
    [[nodiscard]] HostId random_host() { return world_.prng().below(world_.hosts() - 1); }  // the last one is spare
    [[nodiscard]] Duration between(Duration low, Duration high);

    World& world_;
    std::vector<std::vector<HostId>> seeds_;
    std::uint64_t injected_ = 0;
};

}  // namespace tulle::sim
