#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"
#include "tests/sim/planted.hpp"

namespace tulle::sim {

/// What one seed led to.
struct Outcome {
    std::uint64_t seed = 0;
    std::size_t hosts = 0;
    std::uint64_t faults = 0;
    std::uint64_t published = 0;
    std::uint64_t checked = 0;                      ///< deliveries that had to be there
    std::uint64_t checked_killed = 0;               ///< of these, of origins that have ended since
    std::map<std::string, std::uint64_t> exempted;  ///< by rule: what it excuses
    std::uint64_t events = 0;
    std::uint64_t hash = 0;       ///< of everything that happened
    std::vector<Duration> kills;  ///< how long it took to find out, each
    std::vector<Duration> silences;
    std::vector<std::string> violations;
    std::map<std::string, std::uint64_t> counters;  ///< summed over all processes
    std::map<std::string, std::uint64_t> reached;   ///< rare paths
};

/// Virtual time with faults of one seed; what follows, until everything has healed and is checked, is not counted.
inline constexpr Duration kScenarioTime = 32s;
static_assert(kScenarioTime >= 30s);

/// A mesh of 3 to 7 nodes for 30 virtual seconds and more, with faults, subscriptions and publishes drawn from the
/// seed; then everything heals, and the promises are checked. The same seed gives the same run, event by event.
/// `mixed`: its nodes are of two versions, and are upgraded or taken back one after the other, in an order and at times
/// drawn likewise.
[[nodiscard]] Outcome run_seed(std::uint64_t seed, bool trace, Planted planted = Planted::kNone, bool mixed = false);

}  // namespace tulle::sim
