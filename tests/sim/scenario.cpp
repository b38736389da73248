#include "tests/sim/scenario.hpp"

#include <iterator>
#include <memory>

#include "tests/sim/checkers.hpp"
#include "tests/sim/churn.hpp"
#include "tests/sim/faults.hpp"
#include "tests/sim/world.hpp"

namespace tulle::sim {
namespace {

constexpr Duration kWork = kScenarioTime;
/// A heal converges within 5 s; repairs come afterwards.
constexpr Duration kSettle = 8s;
/// A verdict of the other side, then a verdict of this side on a peer that no longer speaks.
constexpr Duration kBarrierPatience = 9s;
constexpr std::size_t kChannels = 8;
/// Of the seeds, 10 % have a node with churn for a while.
constexpr std::uint64_t kChurnPercent = 10;
/// Churn draws from a generator of its own, so that all other draws of a seed stay unchanged.
constexpr std::uint64_t kChurnSalt = 0x636875726e;
constexpr std::uint64_t kReadersSalt = 0x72656164;

/// Of the seeds, 10 % have a single name for all peers.
constexpr std::uint64_t kNamesPercent = 10;
/// A generator of its own, as for churn.
constexpr std::uint64_t kNamesSalt = 0x6e616d6573;

/// A generator of its own, as for churn.
constexpr std::uint64_t kVersionsSalt = 0x76657273;
constexpr std::uint64_t kKeysSalt = 0x6b657973;

std::string random_channel(World& world) {
    return "app/c" + std::to_string(world.prng().below(kChannels));
}

/// One of the first `of` cache channels. Only the first few have subscribers: the last events of the others are held by
/// the keepers alone.
std::string random_cache(World& world, std::uint64_t of) {
    return "app/cache-" + std::to_string(world.prng().below(of));
}

std::string random_room(World& world) {
    return "app/presence-" + std::to_string(world.prng().below(3));
}

std::string random_user(World& world) {
    return "u" + std::to_string(world.prng().below(6));
}

DutyLedger::Item random_item(World& world) {
    return {"app/d" + std::to_string(world.prng().below(6)), "i" + std::to_string(world.prng().below(3))};
}

mesh::ShardIndex random_shard(World& world) {
    return mesh::ShardIndex{static_cast<std::uint16_t>(world.prng().below(Edge::kShards))};
}

/// Keeps clients busy: subscriptions come and go, and a node publishes every few dozen milliseconds.
class Workload {
public:
    explicit Workload(World& world) : world_(world) {}

    /// Works until `until`.
    void start(Instant until) {
        until_ = until;
        world_.on_confirmed([this](HostId host, const std::string& channel) { try_at_once(host, channel); });
        next();
    }

private:
    void next() {
        const Duration pause = Duration{static_cast<Duration::rep>(world_.prng().below(60'000'000))};
        world_.scheduler().after(pause, [this] {
            if (world_.now() >= until_) {
                return;
            }
            act();
            next();
        });
    }

    /// An action of a client at a node drawn.
    void act() {
        const HostId host = world_.prng().below(world_.hosts() - 1);
        Process* process = world_.process(host);
        if (process == nullptr || process->frozen || !process->node->ready()) {
            return;
        }
        const std::uint64_t dice = world_.prng().below(100);
        duty(host);
        if (dice < 20) {
            world_.subscribe(host, random_shard(world_), random_channel(world_));
        } else if (dice < 26) {
            world_.unsubscribe(host, random_shard(world_), random_channel(world_));
        } else if (dice < 36) {
            world_.join(host, random_shard(world_), random_room(world_), random_user(world_));
        } else if (dice < 44) {
            world_.part(host, random_shard(world_), random_room(world_), random_user(world_));
        } else if (dice < 50) {
            world_.subscribe_retained(host, random_shard(world_), random_cache(world_, 3));
        } else if (dice < 54) {
            world_.unsubscribe_retained(host, random_shard(world_), random_cache(world_, 3));
        } else if (dice < 60) {
            world_.publish_retained(host, random_cache(world_, kCacheChannels));
        } else {
            // Now and then a burst of messages.
            const std::uint64_t burst = world_.prng().chance(5) ? 20 : 1;
            for (std::uint64_t i = 0; i < burst; ++i) {
                world_.publish(host, random_channel(world_));
            }
        }
    }

    /// Now and then a count or a task.
    void duty(HostId host) {
        const std::uint64_t dice = world_.prng().below(100);
        if (dice < 25) {
            const std::uint64_t count = world_.prng().chance(50) ? 0 : world_.prng().below(4);
            world_.count(host, random_shard(world_), random_item(world_), count);
        } else if (dice < 35) {
            world_.order(host, random_item(world_).first);
        }
    }

    /// Publishes from another node to a client just confirmed: right after the confirmation the promise is broken most
    /// easily.
    void try_at_once(HostId subscriber, const std::string& channel) {
        const HostId host = world_.prng().below(world_.hosts() - 1);
        const Duration pause{static_cast<Duration::rep>(world_.prng().below(3'000'000))};
        if (host == subscriber || world_.now() >= until_ || world_.prng().chance(50)) {
            return;
        }
        world_.scheduler().after(pause, [this, host, channel] {
            if (Process* process = world_.process(host); process != nullptr && !process->frozen) {
                world_.publish(host, channel);
            }
        });
    }

    World& world_;
    Instant until_;
};

/// Every subscription must be confirmed in time. A member either acknowledges the subscription or is dead; no one-way
/// link may hold the subscription up for longer than verdicts and repairs take.
void watch_barriers(World& world, Instant until) {
    world.scheduler().after(500ms, [&world, until] {
        for (HostId host = 0; host < world.hosts(); ++host) {
            const Process* process = world.process(host);
            if (process == nullptr || process->frozen || process->fatal ||
                world.now() - process->thawed < kBarrierPatience) {
                continue;
            }
            const auto pending = process->edge.longest_pending();
            if (pending && world.now() - pending->second > kBarrierPatience) {
                world.violation("P1 " + world.name_of(process->oid) + " waits too long to confirm " + pending->first);
                return;
            }
        }
        if (world.now() < until) {
            watch_barriers(world, until);
        }
    });
}

/// By host: the seeds. The lists form a chain, a star, or name everybody.
std::vector<std::vector<HostId>> peer_lists(World& world, std::size_t nodes) {
    std::vector<std::vector<HostId>> seeds(nodes);
    const std::uint64_t shape = world.prng().below(3);
    for (HostId host = 0; host < nodes; ++host) {
        for (HostId other = 0; other < nodes; ++other) {
            const bool chained = other + 1 == host;
            const bool starred = other == 0 && host != 0;
            if ((shape == 0 && chained) || (shape == 1 && starred) || shape == 2) {
                seeds[host].push_back(other);
            }
        }
        if (seeds[host].empty()) {
            // A process that restarts must find the others.
            seeds[host].push_back((host + 1) % nodes);
        }
    }
    return seeds;
}

/// Notes how often the nodes counted a rare path.
void note_reached(Outcome& outcome, const std::string& counter) {
    const auto found = outcome.counters.find(counter);
    outcome.reached[counter] = found == outcome.counters.end() ? 0 : found->second;
}

/// Draws the mesh of a seed: size, limits, clocks, pipes and names.
WorldOptions draw(std::uint64_t seed) {
    Prng shape(seed);
    const std::size_t nodes = 3 + shape.below(5);
    WorldOptions options{.seed = seed, .hosts = nodes + 1, .channels = kChannels};
    if (shape.chance(15)) {
        // Small rings overrun, so gaps are announced.
        options.limits.ring_bytes = 4096;
        options.limits.ring_stubs = 64;
    }
    if (shape.chance(15)) {
        options.limits.credit_bytes = 2048;
    }
    if (shape.chance(10)) {
        options.limits.hold_bytes = 2048;
        // As in the product: a sender has no more on its way than the receiver may hold, and gets receipts in time.
        options.limits.credit_bytes = 2048;
        options.limits.receipt_bytes = 2048 / 16;
    }
    if (shape.chance(50)) {
        // A short log is soon outrun, so snapshots happen.
        options.limits.interest_log = 4;
        options.limits.interest_bytes = shape.chance(30) ? 24 : 4096;
    }
    // A short transit time leaves last events to the keepers.
    options.timing.retained_transit = 5s;
    options.skewed_clocks = shape.chance(50);
    if (shape.chance(30)) {
        options.high_water = 2 + shape.below(30);
    }
    options.peers_by_name = Prng(seed ^ kNamesSalt).chance(kNamesPercent);
    return options;
}

/// Asks a node for the history of a channel, again and again.
void read_histories(World& world, Prng& prng, Instant until) {
    const Duration pause = 20ms + Duration{static_cast<Duration::rep>(prng.below(200'000'000))};
    world.scheduler().after(pause, [&world, &prng, until] {
        world.ask_history(prng.below(world.hosts()), "app/c" + std::to_string(prng.below(world.channels())));
        if (world.now() < until) {
            read_histories(world, prng, until);
        }
    });
}

/// Draws churn for some of the seeds; null for the others.
std::unique_ptr<Churn> draw_churn(World& world, std::uint64_t seed, std::size_t nodes) {
    Prng prng(seed ^ kChurnSalt);
    if (!prng.chance(kChurnPercent)) {
        return nullptr;
    }
    const Churn::Load load{.a_millisecond = 1 + prng.below(4), .lag = 1 + prng.below(40)};
    auto churn = std::make_unique<Churn>(world, prng.below(nodes), load);
    const Duration from = 4s + Duration{static_cast<Duration::rep>(prng.below(18'000'000'000))};
    const Duration length = 1s + Duration{static_cast<Duration::rep>(prng.below(4'000'000'000))};
    world.scheduler().after(from, [&world, length, one = churn.get()] { one->start(world.now() + length); });
    return churn;
}

/// Draws how the versions of the nodes are mixed, and when they turn.
void draw_versions(std::uint64_t seed, WorldOptions& options) {
    Prng prng(seed ^ kVersionsSalt);
    constexpr Versions kKinds[] = {Versions::kUpgrade, Versions::kRollback, Versions::kMixed};
    options.versions = kKinds[prng.below(std::size(kKinds))];
    options.turn = 4s + Duration{static_cast<Duration::rep>(prng.below(10'000'000'000))};
}

/// From the turn on, host after host gets a process of the other version: in an order drawn from the seed, and at times
/// soon after each other.
void roll_all(World& world, Faults& faults, std::uint64_t seed, const WorldOptions& options) {
    Prng prng(seed ^ ~kVersionsSalt);
    std::vector<HostId> order;
    for (HostId host = 0; host + 1 < options.hosts; ++host) {
        order.insert(order.begin() + static_cast<std::ptrdiff_t>(prng.below(order.size() + 1)), host);
    }
    Duration at = options.turn;
    for (const HostId host : order) {
        world.scheduler().after(at, [&faults, host] { static_cast<void>(faults.roll(host)); });
        at += Duration{static_cast<Duration::rep>(prng.below(3'000'000'000))};
    }
}

/// An operator changes the key of the whole mesh, two to four times: every process hears of it within a second. A
/// process that is down or frozen at that moment is left out, as a frozen one would hear of it later.
void change_keys(World& world, std::uint64_t seed, std::size_t nodes) {
    Prng prng(seed ^ kKeysSalt);
    const std::uint64_t changes = 2 + prng.below(3);
    for (std::uint64_t change = 0; change < changes; ++change) {
        const auto when = 4s + Duration{static_cast<Duration::rep>(prng.below(24'000'000'000))};
        for (HostId host = 0; host < nodes; ++host) {
            world.scheduler().after(when + Duration{static_cast<Duration::rep>(prng.below(1'000'000'000))},
                                    [&world, host] {
                                        const Process* process = world.process(host);
                                        if (process != nullptr && !process->frozen) {
                                            world.change_key(host);
                                        }
                                    });
        }
    }
}

/// After the end each node is asked for each channel, and the clients that moved are judged.
void end_histories(World& world, std::size_t nodes) {
    world.roamers().settle();
    // After the end each node is asked for each channel, and all are in session.
    for (HostId host = 0; host < nodes; ++host) {
        for (std::size_t channel = 0; channel < world.channels(); ++channel) {
            world.ask_history(host, "app/c" + std::to_string(channel));
        }
    }
    world.run_for(2s);
    world.roamers().judge();
}

/// What became of the questions about histories, and of the clients that moved.
void note_histories(World& world, Outcome& outcome) {
    const Annals::Tally& tally = world.annals().tally();
    outcome.reached["history_answers"] = tally.answers;
    outcome.reached["history_partial"] = tally.partial;
    outcome.reached["history_unclaimed"] = tally.unclaimed;
    outcome.reached["history_claimed"] = tally.claimed;
    outcome.reached["history_claimed_of_killed"] = tally.of_killed;
    outcome.checked += tally.claimed;
    outcome.exempted["P12: accepted by a killed node alone"] += tally.excused;
    outcome.exempted["P12: the mesh was split"] += tally.split;
    const Roamers::Tally& roamed = world.roamers().tally();
    outcome.reached["roamers_recovered"] = roamed.recovered;
    outcome.reached["roamers_lost"] = roamed.lost;
    outcome.reached["roamers_evicted"] = roamed.evicted;
    outcome.reached["roamers_replayed"] = roamed.replayed;
    outcome.reached["roamers_spared"] = roamed.skipped;
    outcome.reached["roamers_judged"] = roamed.judged;
    outcome.checked += roamed.judged;
    outcome.exempted["P12: a client went on in a part of a split mesh"] += roamed.split;
    outcome.exempted["P12: accepted by a killed node alone"] += roamed.excused;
}

/// Collects the results. The summary needs every rare path: a path that no seed takes proves nothing.
void take_stock(World& world, const Faults& faults, Variant variant, Outcome& outcome) {
    outcome.events = world.scheduler().events();
    outcome.hash = world.hash();
    outcome.kills = world.liveness().kills();
    outcome.silences = world.liveness().silences();
    world.stop_all();
    outcome.counters = world.counters();
    outcome.violations = world.violations();
    for (const auto& [name, count] : faults.by_name()) {
        outcome.reached["fault_" + name] = count;
    }
    const Network::Tally& net = world.network().tally();
    outcome.reached["net_lost_control"] = net.lost_control;
    outcome.reached["net_lost_data"] = net.lost_data;
    outcome.reached["net_dropped_at_high_water"] = net.dropped_at_high_water;
    outcome.reached["net_duplicated"] = net.duplicated;
    outcome.reached["net_overtaken"] = net.overtaken;
    outcome.reached["net_slow_subscriptions"] = net.slow_subscriptions;
    outcome.reached["net_old_pipes"] = net.old_pipes;
    outcome.reached["names_looked_up"] = world.looked_up();
    if (variant.keys) {
        outcome.reached["rebinds"] = net.rebinds;
        outcome.reached["checks_refused_by_rebinds"] = net.refused_by_rebinds;
    }
    if (variant.histories) {
        note_histories(world, outcome);
    }
    if (variant.copies || variant.histories) {
        note_reached(outcome, "mesh_publish_acknowledged");
        note_reached(outcome, "mesh_publish_few_copies");
    } else {
        outcome.reached.erase("acknowledged_of_killed");
    }
    if (variant.mixed) {
        outcome.reached["net_written"] = net.written;
        outcome.reached["net_written_old"] = net.written_old;
        outcome.reached["mixed_sessions"] = world.mixed_sessions();
        outcome.reached["upgrades"] = world.upgrades();
        outcome.reached["rollbacks"] = world.rollbacks();
    }
    outcome.reached["deaf_found_out"] = world.liveness().deaf().size();
    outcome.reached["verdicts"] = world.liveness().verdicts();
    outcome.reached["kills_found_out"] = outcome.kills.size();
    outcome.reached["silences_found_out"] = outcome.silences.size();
    outcome.reached["deliveries_of_killed_origins"] = outcome.checked_killed;
    for (const auto& [rule, count] :
         {std::pair{"P5: control was not answered", world.liveness().deafnesses()},
          std::pair{"P5: nothing was told, by data that was silent", world.liveness().untold()},
          std::pair{"P5: killed while its ports were announced to refuse", world.liveness().announced()},
          std::pair{"P5: the announcement of a rebind was lost", world.liveness().unannounced()}}) {
        if (count > 0) {
            outcome.exempted[rule] += count;
        }
    }
    for (const char* rare : {"mesh_gaps_repaired", "mesh_records_gone", "mesh_duplicates_dropped", "mesh_reconnects",
                             "mesh_false_suspicions", "mesh_newcomers_refused", "mesh_late_turns", "mesh_barrier_waits",
                             "mesh_stale_messages", "mesh_frames_repeated", "mesh_data_redials", "mesh_relayed",
                             "mesh_filled_in", "mesh_sleeps", "mesh_control_redials", "mesh_control_deaths",
                             "mesh_duty_changes", "mesh_duty_tasks", "mesh_duty_impatient"}) {
        note_reached(outcome, rare);
    }
}

}  // namespace

Outcome run_seed(std::uint64_t seed, bool trace, Planted planted, Variant variant) {
    WorldOptions options = draw(seed);
    options.trace = trace;
    options.planted = planted;
    options.copies = variant.copies || variant.histories;
    options.histories = variant.histories;
    if (variant.mixed) {
        draw_versions(seed, options);
    }
    // The last host is spare, for processes with a name that is taken.
    const std::size_t nodes = options.hosts - 1;
    World world(options);
    const auto seeds = peer_lists(world, nodes);
    for (HostId host = 0; host < nodes; ++host) {
        world.scheduler().after(Duration{static_cast<Duration::rep>(world.prng().below(500'000'000))},
                                [&world, &seeds, host] { world.start(host, seeds[host], "n" + std::to_string(host)); });
    }
    Faults faults(world, seeds);
    Workload workload(world);
    const std::unique_ptr<Churn> churn = draw_churn(world, seed, nodes);
    const Instant end = world.now() + kWork;
    world.scheduler().after(3s, [&workload, end] { workload.start(end + 2s); });
    // The faults fall into the time of work and may overlap.
    const std::uint64_t planned = 5 + world.prng().below(12);
    for (std::uint64_t i = 0; i < planned; ++i) {
        const auto when = Duration{static_cast<Duration::rep>(world.prng().below(28'000'000'000))};
        world.scheduler().after(4s + when, [&faults] { faults.inject(); });
    }
    if (variant.mixed) {
        roll_all(world, faults, seed, options);
    }
    if (variant.keys) {
        change_keys(world, seed, nodes);
    }
    // Watchers look on during the run; checkers judge afterwards.
    watch_barriers(world, end);
    watch_memory(world, end + kSettle);
    watch_presence(world, end + kSettle);
    Prng readers(seed ^ kReadersSalt);
    if (variant.histories) {
        read_histories(world, readers, end);
        world.roamers().start(end);
    }
    world.let_duties_take(300ms, 4s);
    world.run_for(kWork);
    world.let_duties_take(5ms, 5ms);
    // From here on everything must become whole.
    faults.heal_all();
    world.run_for(kSettle);
    if (variant.histories) {
        end_histories(world, nodes);
    }

    Outcome outcome{.seed = seed, .hosts = nodes, .faults = faults.injected(), .published = world.accepted().size()};
    outcome.reached["churned_subscriptions"] = churn ? churn->changes() : 0;
    outcome.reached["skewed_clocks"] = options.skewed_clocks ? 1 : 0;
    check_views(world);
    check_presence(world, outcome);
    check_retained(world, outcome);
    check_canaries(world);
    check_deliveries(world, outcome);
    check_duties(world, outcome);
    take_stock(world, faults, variant, outcome);
    return outcome;
}

}  // namespace tulle::sim
