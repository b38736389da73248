#include "tests/sim/faults.hpp"

// Faults between processes.
namespace tulle::sim {

void Faults::part(std::uint64_t side, Duration time) {
    world_.disturbed(time);
    concerned_.side = side;
    world_.note("partition by mask " + std::to_string(side));
    for (HostId a = 0; a < world_.hosts(); ++a) {
        for (HostId b = 0; b < world_.hosts(); ++b) {
            if (((side >> a) & 1) != ((side >> b) & 1)) {
                world_.network().cut(a, b);
                world_.scheduler().after(time, [this, a, b] { world_.network().heal(a, b); });
            }
        }
    }
    world_.liveness().parted(side);
}

bool Faults::partition() {
    const std::uint64_t everybody = (std::uint64_t{1} << world_.hosts()) - 1;
    const std::uint64_t side = world_.prng().next() & everybody;
    // All hosts on a single side is no partition.
    if (side == 0 || side == everybody) {
        return false;
    }
    part(side, between(300ms, 8s));
    return true;
}

bool Faults::isolate_one() {
    part(std::uint64_t{1} << random_host(), between(300ms, 8s));
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
    // More than one reset is a flapping connection.
    const std::uint64_t times = 1 + world_.prng().below(5);
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
    // Loss and duplicates in a single direction.
    Path& path = world_.network().alter(a, b);
    path.loss_percent = 1 + world_.prng().below(20);
    path.duplicate_percent = 1 + world_.prng().below(20);
    world_.scheduler().after(between(500ms, 5s), [this, a = a, b = b] {
        world_.network().alter(a, b).loss_percent = 0;
        world_.network().alter(a, b).duplicate_percent = 0;
    });
    return true;
}

/// Many control messages are lost while data passes; not enough of them to look like silence.
bool Faults::lose_control() {
    const auto [a, b] = random_pair();
    world_.note("control lost " + std::to_string(a) + " -> " + std::to_string(b));
    world_.network().alter(a, b).control_loss_percent = 5 + world_.prng().below(35);
    world_.scheduler().after(between(500ms, 5s),
                             [this, a = a, b = b] { world_.network().alter(a, b).control_loss_percent = 0; });
    return true;
}

void Faults::deafen(const std::vector<std::pair<HostId, HostId>>& directions) {
    const Duration time = between(1s, 12s);
    world_.disturbed(time);
    for (const auto& [from, to] : directions) {
        world_.network().alter(from, to).control_loss_percent = 100;
    }
    for (const auto& [from, to] : directions) {
        if (from != to) {
            world_.liveness().deafened(from, to);
        }
    }
    world_.scheduler().after(time, [this, directions] {
        for (const auto& [from, to] : directions) {
            world_.network().alter(from, to).control_loss_percent = 0;
        }
    });
}

/// No control passes, while data does: silence that looks like life.
bool Faults::deaf_one_way() {
    const auto [a, b] = random_pair();
    world_.note("deaf on control " + std::to_string(a) + " -> " + std::to_string(b));
    deafen({{a, b}});
    return true;
}

bool Faults::deaf_both_ways() {
    const auto [a, b] = random_pair();
    world_.note("deaf on control " + std::to_string(a) + " <> " + std::to_string(b));
    deafen({{a, b}, {b, a}});
    return true;
}

/// The thread for control of a single process hangs: the process hears nobody on control, not even itself, and nobody
/// hears the process.
bool Faults::deaf_process() {
    const HostId a = random_host();
    world_.note("deaf on control n" + std::to_string(a));
    std::vector<std::pair<HostId, HostId>> directions{{a, a}};
    for (HostId b = 0; b < world_.hosts(); ++b) {
        if (b != a) {
            directions.emplace_back(a, b);
            directions.emplace_back(b, a);
        }
    }
    deafen(directions);
    return true;
}

bool Faults::mute_publisher() {
    const auto [a, b] = random_pair();
    world_.note("mute " + std::to_string(a) + " -> " + std::to_string(b));
    world_.network().mute(a, b, true);
    world_.scheduler().after(between(50ms, 4s), [this, a = a, b = b] { world_.network().mute(a, b, false); });
    return true;
}

bool Faults::slow_path() {
    const auto [a, b] = random_pair();
    Path& path = world_.network().alter(a, b);
    path.delay = between(1ms, 150ms);
    path.jitter = between(1ms, 100ms);
    world_.note("slow " + std::to_string(a) + " -> " + std::to_string(b));
    world_.scheduler().after(between(500ms, 5s), [this, a = a, b = b] {
        world_.network().alter(a, b).delay = Path{}.delay;
        world_.network().alter(a, b).jitter = Path{}.jitter;
    });
    return true;
}

/// Subscriptions reach the publisher long after control does. The reset makes a pair subscribe again.
bool Faults::slow_joiner() {
    const auto [a, b] = random_pair();
    world_.note("slow joiner " + std::to_string(a) + " -> " + std::to_string(b));
    world_.network().alter(a, b).subscribe_delay = between(100ms, 2s);
    world_.network().reset(a, b);
    world_.scheduler().after(between(3s, 6s),
                             [this, a = a, b = b] { world_.network().alter(a, b).subscribe_delay = {}; });
    return true;
}

/// More messages at once than the pipe of a slow subscriber holds.
bool Faults::flood() {
    const auto [a, b] = random_pair();
    const Process* process = world_.process(a);
    if (process == nullptr || process->frozen || !process->node->ready()) {
        return false;
    }
    world_.note("flood from n" + std::to_string(a));
    // A long way keeps the messages in the pipe.
    world_.network().alter(a, b).delay = between(20ms, 100ms);
    for (int i = 0; i < 60; ++i) {
        world_.scheduler().after(between(0ms, 100ms), [this, a = a, oid = process->oid] {
            if (const Process* p = world_.process(a); p != nullptr && p->oid == oid) {
                world_.publish(a, random_channel());
            }
        });
    }
    world_.scheduler().after(between(200ms, 1s),
                             [this, a = a, b = b] { world_.network().alter(a, b).delay = Path{}.delay; });
    return true;
}

/// Interest changes faster than a slow peer can follow.
bool Faults::interest_storm() {
    const auto [a, b] = random_pair();
    if (world_.process(a) == nullptr || world_.process(b) == nullptr) {
        return false;
    }
    world_.note("interest storm on n" + std::to_string(a));
    // Delay, loss and duplicates let deltas arrive late, out of order and twice.
    for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
        world_.network().alter(from, to).delay = between(40ms, 150ms);
        world_.network().alter(from, to).control_loss_percent = 5 + world_.prng().below(15);
        world_.network().alter(from, to).duplicate_percent = 30 + world_.prng().below(40);
    }
    const Duration time = between(1s, 3s);
    for (Duration at = 0ms; at < time; at += between(5ms, 25ms)) {
        world_.scheduler().after(at, [this, a = a, b = b] {
            const Process* process = world_.process(a);
            const std::string channel = "app/s" + std::to_string(world_.prng().below(10));
            // Publishing to the changing channels shows errors in the interest.
            if (const Process* other = world_.process(b); other != nullptr && !other->frozen) {
                world_.publish(b, channel);
            }
            const mesh::ShardIndex shard{static_cast<std::uint16_t>(world_.prng().below(Edge::kShards))};
            if (process == nullptr || process->frozen || !process->node->ready()) {
                return;
            }
            if (world_.prng().chance(50)) {
                world_.subscribe(a, shard, channel);
            } else {
                world_.unsubscribe(a, shard, channel);
            }
        });
    }
    world_.scheduler().after(time, [this, a = a, b = b] {
        for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
            world_.network().alter(from, to).delay = Path{}.delay;
            world_.network().alter(from, to).control_loss_percent = 0;
            world_.network().alter(from, to).duplicate_percent = 0;
        }
    });
    return true;
}

}  // namespace tulle::sim
