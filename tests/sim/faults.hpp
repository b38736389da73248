#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/world.hpp"

namespace tulle::sim {

/// Draws faults from the world's generator, injects each, and takes each back after a while.
///
/// Ownership: the Faults must outlive the run, as the scheduler calls back.
class Faults {
public:
    /// `seeds` has the seeds of each host, for restarts. The last host is spare: only duplicate_name() starts a process
    /// there.
    Faults(World& world, std::vector<std::vector<HostId>> seeds) : world_(world), seeds_(std::move(seeds)) {}

    /// Draws and injects a fault at once. A fault that does not apply just now is drawn again, up to 32 times.
    void inject();
    /// The host's process makes room for a process of another version, in order or not. Returns false without a process
    /// that can be replaced.
    bool roll(HostId host);
    /// Takes everything back: all paths are whole, all processes thawed, and all hosts that should run do run.
    void heal_all();
    [[nodiscard]] std::uint64_t injected() const { return injected_; }
    /// How often each fault was injected, by name. Every name is present.
    [[nodiscard]] std::map<std::string, std::uint64_t> by_name() const;

private:
    struct Kind {
        const char* name;
        // Returns false when the fault does not apply just now.
        bool (Faults::*inject)();
        // The longest time until the fault is taken back.
        Duration longest;
    };
    /// All kinds of faults, in the order of draws.
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

    /// Lets all control messages in the directions be lost for a while.
    void deafen(const std::vector<std::pair<HostId, HostId>>& directions);
    /// Cuts all paths between hosts whose bits in `side` differ.
    void part(std::uint64_t side, Duration time);
    /// Starts a process on the host after `delay`.
    void restart(HostId host, Duration delay);
    /// Kills the host's process, and starts another after `down`.
    void kill(HostId host, Duration down);
    bool leave(HostId host);
    void freeze(HostId host, Duration time);
    /// Two different hosts.
    [[nodiscard]] std::pair<HostId, HostId> random_pair();
    // A host other than the spare host.
    [[nodiscard]] HostId random_host() { return touch(world_.prng().below(world_.hosts() - 1)); }
    /// Notes: the fault under way concerns this host.
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
    // The hosts concerned by the fault under way.
    Concerned concerned_;
    std::uint64_t injected_ = 0;
    std::map<std::string, std::uint64_t> counts_;
};

}  // namespace tulle::sim
