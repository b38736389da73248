#include "tests/sim/faults.hpp"

namespace tulle::sim {

Duration Faults::between(Duration low, Duration high) {
    return low + Duration{static_cast<Duration::rep>(world_.prng().below(static_cast<std::uint64_t>((high - low).count())))};
}

void Faults::inject() {
    ++injected_;
    switch (world_.prng().below(13)) {
        case 0: return kill_some(1, 0ms);  // restarted at once on the same endpoint
        case 1: return kill_some(1, between(200ms, 6s));
        case 2: return kill_some(1 + world_.prng().below(world_.hosts() - 1), between(0ms, 3s));
        case 3: return freeze_one();
        case 4: return partition();
        case 5: return one_way_cut();
        case 6: return pair_cut();
        case 7: return reset_pair();
        case 8: return noisy_path();
        case 9: return mute_publisher();
        case 10: return slow_path();
        case 11: return duplicate_name();
        default: return leave_and_return();
    }
}

void Faults::restart(HostId host, Duration delay) {
    world_.scheduler().after(delay, [this, host] {
        if (world_.process(host) == nullptr) {
            world_.start(host, seeds_[host], "n" + std::to_string(host));
        }
    });
}

void Faults::kill_some(std::size_t count, Duration down) {
    for (std::size_t i = 0; i < count; ++i) {
        const HostId host = random_host();
        if (world_.process(host) != nullptr) {
            world_.kill(host);
            restart(host, down);
        }
    }
}

void Faults::freeze_one() {
    const HostId host = random_host();
    Process* process = world_.process(host);
    if (process == nullptr || process->frozen) {
        return;
    }
    world_.freeze(host);
    world_.scheduler().after(between(100ms, 6s), [this, host, oid = process->oid] {
        Process* p = world_.process(host);
        if (p != nullptr && p->oid == oid && p->frozen) {
            world_.thaw(host);
        }
    });
}

void Faults::partition() {
    const std::uint64_t side = world_.prng().next();
    const Duration time = between(300ms, 8s);
    world_.note("partition by mask " + std::to_string(side % (1u << world_.hosts())));
    for (HostId a = 0; a < world_.hosts(); ++a) {
        for (HostId b = 0; b < world_.hosts(); ++b) {
            if (((side >> a) & 1) != ((side >> b) & 1)) {
                world_.network().cut(a, b);
                world_.scheduler().after(time, [this, a, b] { world_.network().heal(a, b); });
            }
        }
    }
}

void Faults::one_way_cut() {
    const HostId a = random_host();
    const HostId b = random_host();
    if (a != b) {
        world_.note("cut one way " + std::to_string(a) + " -> " + std::to_string(b));
        world_.network().cut(a, b);
        world_.scheduler().after(between(200ms, 6s), [this, a, b] { world_.network().heal(a, b); });
    }
}

void Faults::pair_cut() {
    const HostId a = random_host();
    const HostId b = random_host();
    if (a == b) {
        return;
    }
    world_.note("cut pair " + std::to_string(a) + " | " + std::to_string(b));
    world_.network().cut(a, b);
    world_.network().cut(b, a);
    world_.scheduler().after(between(200ms, 6s), [this, a, b] {
        world_.network().heal(a, b);
        world_.network().heal(b, a);
    });
}

void Faults::reset_pair() {
    const HostId a = random_host();
    const HostId b = random_host();
    const std::uint64_t times = 1 + world_.prng().below(5);  // more than one: flapping
    for (std::uint64_t i = 0; i < times && a != b; ++i) {
        world_.scheduler().after(i * between(300ms, 900ms), [this, a, b] {
            world_.note("reset " + std::to_string(a) + " x " + std::to_string(b));
            world_.network().reset(a, b);
        });
    }
}

void Faults::noisy_path() {
    const HostId a = random_host();
    const HostId b = random_host();
    world_.note("noise " + std::to_string(a) + " -> " + std::to_string(b));
    Path& path = world_.network().path(a, b);
    path.loss_percent = 1 + world_.prng().below(20);
    path.duplicate_percent = world_.prng().below(20);
    world_.scheduler().after(between(500ms, 5s), [this, a, b] {
        world_.network().path(a, b).loss_percent = 0;
        world_.network().path(a, b).duplicate_percent = 0;
    });
}

void Faults::mute_publisher() {
    const HostId a = random_host();
    const HostId b = random_host();
    world_.note("mute " + std::to_string(a) + " -> " + std::to_string(b));
    world_.network().path(a, b).mute = true;
    world_.scheduler().after(between(50ms, 4s), [this, a, b] { world_.network().path(a, b).mute = false; });
}

void Faults::slow_path() {
    const HostId a = random_host();
    const HostId b = random_host();
    Path& path = world_.network().path(a, b);
    path.delay = between(1ms, 150ms);
    path.jitter = between(1ms, 100ms);
    world_.note("slow " + std::to_string(a) + " -> " + std::to_string(b));
    world_.scheduler().after(between(500ms, 5s), [this, a, b] {
        world_.network().path(a, b).delay = 200us;
        world_.network().path(a, b).jitter = 100us;
    });
}

void Faults::duplicate_name() {
    const HostId spare = world_.hosts() - 1;
    const HostId victim = random_host();
    if (world_.process(spare) != nullptr || world_.process(victim) == nullptr) {
        return;
    }
    world_.note("a second n" + std::to_string(victim));
    world_.start(spare, {victim, random_host()}, "n" + std::to_string(victim));
    world_.scheduler().after(between(1s, 5s), [this, spare] {
        if (world_.process(spare) != nullptr) {
            world_.kill(spare);
        }
    });
}

void Faults::leave_and_return() {
    const HostId host = random_host();
    Process* process = world_.process(host);
    if (process == nullptr || process->frozen) {
        return;
    }
    world_.leave(host);
    restart(host, 6s);
}

void Faults::heal_all() {
    world_.note("everything heals");
    for (HostId a = 0; a < world_.hosts(); ++a) {
        for (HostId b = 0; b < world_.hosts(); ++b) {
            world_.network().heal(a, b);
            world_.network().path(a, b) = Path{};
        }
        Process* process = world_.process(a);
        if (process != nullptr && process->frozen) {
            world_.thaw(a);
        }
        const bool spare = a + 1 == world_.hosts();
        if (spare && process != nullptr) {
            world_.kill(a);
        } else if (!spare && process == nullptr) {
            restart(a, 0ms);
        }
    }
}

}  // namespace tulle::sim
