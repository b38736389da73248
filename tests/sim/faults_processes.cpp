#include <set>

#include "tests/sim/faults.hpp"

// Faults of processes.
namespace tulle::sim {

void Faults::restart(HostId host, Duration delay) {
    world_.scheduler().after(delay, [this, host] {
        // Another fault may have started a process in the meantime.
        if (world_.process(host) == nullptr) {
            world_.start(host, seeds_[host], "n" + std::to_string(host));
        }
    });
}

void Faults::kill(HostId host, Duration down) {
    touch(host);
    if (world_.process(host) != nullptr) {
        world_.kill(host);
        restart(host, down);
    }
}

bool Faults::restart_at_once() {
    const HostId host = random_host();
    // Looked at before the kill: without a process the fault does not apply.
    const bool runs = world_.process(host) != nullptr;
    kill(host, 0ms);
    return runs;
}

bool Faults::restart_later() {
    const HostId host = random_host();
    const bool runs = world_.process(host) != nullptr;
    kill(host, between(200ms, 6s));
    return runs;
}

bool Faults::kill_some() {
    const std::size_t count = 1 + world_.prng().below(world_.hosts() - 1);
    const Duration down = between(0ms, 3s);
    bool killed = false;
    for (std::size_t i = 0; i < count; ++i) {
        const HostId host = random_host();
        killed = killed || world_.process(host) != nullptr;
        kill(host, down);
    }
    return killed;
}

/// Kills all hosts that others have as seeds, for long enough that a process cut off in the meantime must find back
/// without seeds.
bool Faults::all_seeds_dead() {
    std::set<HostId> named;
    for (const std::vector<HostId>& seeds : seeds_) {
        named.insert(seeds.begin(), seeds.end());
    }
    // At least two hosts must survive, otherwise no mesh is left.
    if (named.size() + 2 > seeds_.size()) {
        return false;
    }
    const Duration down = between(4s, 9s);
    for (const HostId host : named) {
        kill(host, down);
    }
    part(world_.prng().next() & ((std::uint64_t{1} << world_.hosts()) - 1), between(300ms, 4s));
    return true;
}

bool Faults::flapping_process() {
    const HostId host = random_host();
    const std::uint64_t times = 3 + world_.prng().below(4);
    Duration at = 0ms;
    for (std::uint64_t i = 0; i < times; ++i) {
        const Duration down = between(0ms, 300ms);
        world_.scheduler().after(at, [this, host, down] { kill(host, down); });
        at += down + between(50ms, 900ms);
    }
    return true;
}

void Faults::freeze(HostId host, Duration time) {
    world_.freeze(host);
    world_.scheduler().after(time, [this, host, oid = world_.process(host)->oid] {
        Process* p = world_.process(host);
        // Only the very process that was frozen is thawed.
        if (p != nullptr && p->oid == oid && p->frozen) {
            world_.thaw(host);
        }
    });
}

bool Faults::freeze_one() {
    const HostId host = random_host();
    const Process* process = world_.process(host);
    if (process == nullptr || process->frozen) {
        return false;
    }
    const Duration time = between(100ms, 6s);
    world_.disturbed(time);
    freeze(host, time);
    return true;
}

/// The hub is not scheduled for a while, shorter than any suspicion.
bool Faults::late_turn() {
    const HostId host = random_host();
    const Process* process = world_.process(host);
    if (process == nullptr || process->frozen) {
        return false;
    }
    world_.note("late turn of n" + std::to_string(host));
    freeze(host, between(50ms, 900ms));
    return true;
}

/// The machine has no time for any hub: every hub is late, again and again.
bool Faults::starve_all() {
    world_.note("starving");
    for (HostId host = 0; host + 1 < world_.hosts(); ++host) {
        touch(host);
        Duration at = between(0ms, 300ms);
        for (int i = 0; i < 4; ++i) {
            const Duration time = between(50ms, 500ms);
            world_.scheduler().after(at, [this, host, time] {
                if (const Process* process = world_.process(host); process != nullptr && !process->frozen) {
                    freeze(host, time);
                }
            });
            at += time + between(10ms, 300ms);
        }
    }
    return true;
}

bool Faults::duplicate_name() {
    const HostId spare = touch(world_.hosts() - 1);
    const HostId victim = random_host();
    if (world_.process(spare) != nullptr || world_.process(victim) == nullptr) {
        return false;
    }
    world_.note("a second n" + std::to_string(victim));
    // A second process with the name of a living process, on the spare host.
    world_.start(spare, {victim, random_host()}, "n" + std::to_string(victim));
    world_.scheduler().after(between(1s, 5s), [this, spare] {
        if (world_.process(spare) != nullptr) {
            world_.kill(spare);
        }
    });
    return true;
}

bool Faults::leave_and_return() {
    return leave(random_host());
}

bool Faults::leave(HostId host) {
    const Process* process = world_.process(host);
    if (process == nullptr || process->frozen) {
        return false;
    }
    for (int i = 0; i < 20; ++i) {
        // Messages that a leaver must still pass on.
        world_.publish(host, random_channel());
    }
    world_.leave(host);
    restart(host, 6s);
    return true;
}

bool Faults::roll(HostId host) {
    concerned_ = {.hosts = 0, .side = 0};
    touch(host);
    const bool in_order = world_.prng().chance(50);
    if (in_order && !leave(host)) {
        return false;
    }
    if (!in_order) {
        kill(host, between(0ms, 1s));
    }
    world_.faulty(in_order ? 6s : 1s, concerned_);
    ++injected_;
    return true;
}

}  // namespace tulle::sim
