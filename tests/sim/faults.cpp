#include "tests/sim/faults.hpp"

namespace tulle::sim {

const std::vector<Faults::Kind>& Faults::kinds() {
    static const std::vector<Kind> all{
        {"restart_at_once", &Faults::restart_at_once},   {"restart_later", &Faults::restart_later},
        {"kill_some", &Faults::kill_some},               {"freeze", &Faults::freeze_one},
        {"late_turn", &Faults::late_turn},               {"starve_all", &Faults::starve_all},
        {"all_seeds_dead", &Faults::all_seeds_dead},     {"flapping_process", &Faults::flapping_process},
        {"duplicate_name", &Faults::duplicate_name},     {"leave_and_return", &Faults::leave_and_return},
        {"partition", &Faults::partition},               {"isolate", &Faults::isolate_one},
        {"one_way_cut", &Faults::one_way_cut},           {"pair_cut", &Faults::pair_cut},
        {"reset", &Faults::reset_pair},                  {"noise", &Faults::noisy_path},
        {"lose_control", &Faults::lose_control},         {"deaf_one_way", &Faults::deaf_one_way},
        {"deaf_both_ways", &Faults::deaf_both_ways},     {"deaf_process", &Faults::deaf_process},
        {"mute", &Faults::mute_publisher},
        {"slow_path", &Faults::slow_path},               {"slow_joiner", &Faults::slow_joiner},
        {"flood", &Faults::flood},                       {"interest_storm", &Faults::interest_storm}};
    return all;
}

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
        const Kind& kind = kinds()[world_.prng().below(kinds().size())];
        if ((this->*kind.inject)()) {
            ++injected_;
            ++counts_[kind.name];
            return;
        }
    }
}

std::map<std::string, std::uint64_t> Faults::by_name() const {
    std::map<std::string, std::uint64_t> counts = counts_;
    for (const Kind& kind : kinds()) {
        counts.try_emplace(kind.name, 0);
    }
    return counts;
}

void Faults::heal_all() {
    world_.note("everything heals");
    for (HostId a = 0; a < world_.hosts(); ++a) {
        for (HostId b = 0; b < world_.hosts(); ++b) {
            world_.network().heal(a, b);
            world_.network().alter(a, b) = Path{};
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
