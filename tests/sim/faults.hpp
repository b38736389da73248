#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/world.hpp"

namespace tulle::sim {

/// Draws faults from the world's generator, injects each, and takes it back after a while.
class Faults {
public:
    Faults(World& world, std::vector<std::vector<HostId>> seeds) : world_(world), seeds_(std::move(seeds)) {}

    /// Injects one now.
    void inject();
    /// The host's process makes room for one of another version, in order or not. False when there is none just now.
    bool roll(HostId host);
    /// Takes everything back: paths whole, everybody thawed, hosts that should run running.
    void heal_all();
    [[nodiscard]] std::uint64_t injected() const { return injected_; }
    /// How often, by name; every name is there.
    [[nodiscard]] std::map<std::string, std::uint64_t> by_name() const;

private:
    struct Kind {
        const char* name;
        bool (Faults::*inject)();  // false when it does not apply just now
        Duration longest;          // until it is taken back
    };
    static const std::vector<Kind>& kinds();

    // faults_processes.cpp
    bool restart_at_once();
    bool restart_later();
    bool kill_some();
    bool freeze_one();
    bool late_turn();
    bool starve_all();
    bool all_seeds_dead();
    bool flapping_process();
    bool duplicate_name();
    bool leave_and_return();
    // faults_network.cpp
    bool partition();
    bool isolate_one();
    bool one_way_cut();
    bool pair_cut();
    bool reset_pair();
    bool noisy_path();
    bool lose_control();
    bool deaf_one_way();
    bool deaf_both_ways();
    bool deaf_process();
    bool mute_publisher();
    bool slow_path();
    bool slow_joiner();
    bool flood();
    bool interest_storm();

    void deafen(const std::vector<std::pair<HostId, HostId>>& directions);
    void part(std::uint64_t side, Duration time);
    void restart(HostId host, Duration delay);
    void kill(HostId host, Duration down);
    bool leave(HostId host);
    void freeze(HostId host, Duration time);
    /// Two different ones.
    [[nodiscard]] std::pair<HostId, HostId> random_pair();
    // the last one is spare
    [[nodiscard]] HostId random_host() { return touch(world_.prng().below(world_.hosts() - 1)); }
    /// The fault that is being injected concerns this host.
    HostId touch(HostId host) {
        concerned_.hosts |= std::uint64_t{1} << host;
        return host;
    }
    [[nodiscard]] std::string random_channel() {
        return "app/c" + std::to_string(world_.prng().below(world_.channels()));
    }
    [[nodiscard]] Duration between(Duration low, Duration high);

    World& world_;
    std::vector<std::vector<HostId>> seeds_;
    Concerned concerned_;  // by the fault that is being injected
    std::uint64_t injected_ = 0;
    std::map<std::string, std::uint64_t> counts_;
};

}  // namespace tulle::sim
