#include "tests/sim/faults.hpp"

namespace tulle::sim {

std::pair<HostId, HostId> Faults::random_pair() {
    const HostId a = random_host();
    const HostId b = (a + 1 + world_.prng().below(world_.hosts() - 2)) % (world_.hosts() - 1);
    return {a, b};
}

Duration Faults::between(Duration low, Duration high) {
    return low + Duration{static_cast<Duration::rep>(world_.prng().below(static_cast<std::uint64_t>((high - low).count())))};
}

void Faults::inject() {
    // What is drawn may not apply just now (its host is down, say): then another one.
    for (int attempt = 0; attempt < 32; ++attempt) {
        if (inject_one()) {
            ++injected_;
            return;
        }
    }
}

bool Faults::inject_one() {
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

bool Faults::kill_some(std::size_t count, Duration down) {
    bool killed = false;
    for (std::size_t i = 0; i < count; ++i) {
        const HostId host = random_host();
        if (world_.process(host) != nullptr) {
            world_.kill(host);
            restart(host, down);
            killed = true;
        }
    }
    return killed;
}

bool Faults::freeze_one() {
    const HostId host = random_host();
    Process* process = world_.process(host);
    if (process == nullptr || process->frozen) {
        return false;
    }
    world_.freeze(host);
    const Duration time = between(100ms, 6s);
    world_.disturbed(time);
    world_.scheduler().after(time, [this, host, oid = process->oid] {
        Process* p = world_.process(host);
        if (p != nullptr && p->oid == oid && p->frozen) {
            world_.thaw(host);
        }
    });
    return true;
}

bool Faults::partition() {
    const std::uint64_t everybody = (std::uint64_t{1} << world_.hosts()) - 1;
    const std::uint64_t side = world_.prng().next() & everybody;
    if (side == 0 || side == everybody) {
        return false;
    }
    const Duration time = between(300ms, 8s);
    world_.disturbed(time);
    world_.note("partition by mask " + std::to_string(side));
    for (HostId a = 0; a < world_.hosts(); ++a) {
        for (HostId b = 0; b < world_.hosts(); ++b) {
            if (((side >> a) & 1) != ((side >> b) & 1)) {
                world_.network().cut(a, b);
                world_.scheduler().after(time, [this, a, b] { world_.network().heal(a, b); });
            }
        }
    }
    return true;
}

bool Faults::one_way_cut() {
    const auto [a, b] = random_pair();
    world_.note("cut one way " + std::to_string(a) + " -> " + std::to_string(b));
    world_.network().cut(a, b);
    const Duration time = between(200ms, 6s);
    world_.disturbed(time);
    world_.scheduler().after(time, [this, a = a, b = b] { world_.network().heal(a, b); });
    return true;
}

bool Faults::pair_cut() {
    const auto [a, b] = random_pair();
    world_.note("cut pair " + std::to_string(a) + " | " + std::to_string(b));
    world_.network().cut(a, b);
    world_.network().cut(b, a);
    const Duration time = between(200ms, 6s);
    world_.disturbed(time);
    world_.scheduler().after(time, [this, a = a, b = b] {
        world_.network().heal(a, b);
        world_.network().heal(b, a);
    });
    return true;
}

bool Faults::reset_pair() {
    const auto [a, b] = random_pair();
    const std::uint64_t times = 1 + world_.prng().below(5);  // more than one: flapping
    world_.disturbed(5s);
    for (std::uint64_t i = 0; i < times; ++i) {
        world_.scheduler().after(i * between(300ms, 900ms), [this, a = a, b = b] {
            world_.note("reset " + std::to_string(a) + " x " + std::to_string(b));
            world_.network().reset(a, b);
        });
    }
    return true;
}

bool Faults::noisy_path() {
    const auto [a, b] = random_pair();
    world_.note("noise " + std::to_string(a) + " -> " + std::to_string(b));
    Path& path = world_.network().path(a, b);
    path.loss_percent = 1 + world_.prng().below(20);
    path.duplicate_percent = world_.prng().below(20);
    world_.scheduler().after(between(500ms, 5s), [this, a = a, b = b] {
        world_.network().path(a, b).loss_percent = 0;
        world_.network().path(a, b).duplicate_percent = 0;
    });
    return true;
}

bool Faults::mute_publisher() {
    const auto [a, b] = random_pair();
    world_.note("mute " + std::to_string(a) + " -> " + std::to_string(b));
    world_.network().path(a, b).mute = true;
    world_.scheduler().after(between(50ms, 4s), [this, a = a, b = b] { world_.network().path(a, b).mute = false; });
    return true;
}

bool Faults::slow_path() {
    const auto [a, b] = random_pair();
    Path& path = world_.network().path(a, b);
    path.delay = between(1ms, 150ms);
    path.jitter = between(1ms, 100ms);
    world_.note("slow " + std::to_string(a) + " -> " + std::to_string(b));
    world_.scheduler().after(between(500ms, 5s), [this, a = a, b = b] {
        world_.network().path(a, b).delay = 200us;
        world_.network().path(a, b).jitter = 100us;
    });
    return true;
}

bool Faults::duplicate_name() {
    const HostId spare = world_.hosts() - 1;
    const HostId victim = random_host();
    if (world_.process(spare) != nullptr || world_.process(victim) == nullptr) {
        return false;
    }
    world_.note("a second n" + std::to_string(victim));
    world_.start(spare, {victim, random_host()}, "n" + std::to_string(victim));
    world_.scheduler().after(between(1s, 5s), [this, spare] {
        if (world_.process(spare) != nullptr) {
            world_.kill(spare);
        }
    });
    return true;
}

bool Faults::leave_and_return() {
    const HostId host = random_host();
    Process* process = world_.process(host);
    if (process == nullptr || process->frozen) {
        return false;
    }
    for (int i = 0; i < 20; ++i) {
        world_.publish(host, "app/c" + std::to_string(world_.prng().below(world_.channels())));  // what must still go out
    }
    world_.leave(host);
    restart(host, 6s);
    return true;
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
