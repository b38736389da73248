#include "tests/sim/faults.hpp"

namespace tulle::sim {

// The order decides which kind a draw selects, so a new kind changes the runs of all seeds.
const std::vector<Faults::Kind>& Faults::kinds() {
    static const std::vector<Kind> all{{"restart_at_once", &Faults::restart_at_once, 0s},
                                       {"restart_later", &Faults::restart_later, 6s},
                                       {"kill_some", &Faults::kill_some, 3s},
                                       {"freeze", &Faults::freeze_one, 6s},
                                       {"late_turn", &Faults::late_turn, 1s},
                                       {"starve_all", &Faults::starve_all, 4s},
                                       {"all_seeds_dead", &Faults::all_seeds_dead, 9s},
                                       {"flapping_process", &Faults::flapping_process, 8s},
                                       {"duplicate_name", &Faults::duplicate_name, 5s},
                                       {"leave_and_return", &Faults::leave_and_return, 6s},
                                       {"partition", &Faults::partition, 8s},
                                       {"isolate", &Faults::isolate_one, 8s},
                                       {"one_way_cut", &Faults::one_way_cut, 6s},
                                       {"pair_cut", &Faults::pair_cut, 6s},
                                       {"reset", &Faults::reset_pair, 5s},
                                       {"noise", &Faults::noisy_path, 5s},
                                       {"lose_control", &Faults::lose_control, 5s},
                                       {"deaf_one_way", &Faults::deaf_one_way, 12s},
                                       {"deaf_both_ways", &Faults::deaf_both_ways, 12s},
                                       {"deaf_process", &Faults::deaf_process, 12s},
                                       {"mute", &Faults::mute_publisher, 4s},
                                       {"slow_path", &Faults::slow_path, 5s},
                                       {"slow_joiner", &Faults::slow_joiner, 6s},
                                       {"flood", &Faults::flood, 2s},
                                       {"interest_storm", &Faults::interest_storm, 3s}};
    return all;
}

std::pair<HostId, HostId> Faults::random_pair() {
    const HostId a = random_host();
    // Any host other than `a` and other than the spare host.
    const HostId b = touch((a + 1 + world_.prng().below(world_.hosts() - 2)) % (world_.hosts() - 1));
    return {a, b};
}

Duration Faults::between(Duration low, Duration high) {
    return low +
           Duration{static_cast<Duration::rep>(world_.prng().below(static_cast<std::uint64_t>((high - low).count())))};
}

void Faults::inject() {
    // A drawn fault may not apply just now, for instance as the host is down. Another fault is drawn then.
    for (int attempt = 0; attempt < 32; ++attempt) {
        const Kind& kind = kinds()[world_.prng().below(kinds().size())];
        // The fault itself notes the hosts concerned.
        concerned_ = {.hosts = 0, .side = 0};
        if ((this->*kind.inject)()) {
            world_.faulty(kind.longest, concerned_);
            ++injected_;
            ++counts_[kind.name];
            return;
        }
    }
}

std::map<std::string, std::uint64_t> Faults::by_name() const {
    std::map<std::string, std::uint64_t> counts = counts_;
    // A fault never injected appears with 0: the summary must show unreached paths.
    for (const Kind& kind : kinds()) {
        counts.try_emplace(kind.name, 0);
    }
    return counts;
}

void Faults::heal_all() {
    world_.note("everything heals");
    // Healing is a fault for everybody: all paths change, and recovery needs time.
    world_.faulty(0s);
    for (HostId a = 0; a < world_.hosts(); ++a) {
        for (HostId b = 0; b < world_.hosts(); ++b) {
            world_.network().heal(a, b);
            world_.network().alter(a, b) = Path{};
        }
        Process* process = world_.process(a);
        if (process != nullptr && process->frozen) {
            world_.thaw(a);
        }
        // The spare host must end empty, all others running.
        const bool spare = a + 1 == world_.hosts();
        if (spare && process != nullptr) {
            world_.kill(a);
        } else if (!spare && process == nullptr) {
            restart(a, 0ms);
        }
    }
}

}  // namespace tulle::sim
