#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"
#include "tests/sim/planted.hpp"

namespace tulle::sim {

/// The result of a run.
struct Outcome {
    std::uint64_t seed = 0;
    std::size_t hosts = 0;
    std::uint64_t faults = 0;
    std::uint64_t published = 0;
    /// Checks made: deliveries that had to be there, and others.
    std::uint64_t checked = 0;
    /// Deliveries among the checks from origins that have ended since.
    std::uint64_t checked_killed = 0;
    /// Checks excused, by rule.
    std::map<std::string, std::uint64_t> exempted;
    /// Events of the scheduler.
    std::uint64_t events = 0;
    /// Of everything that happened: equal runs have equal hashes.
    std::uint64_t hash = 0;
    /// Detection times of kills.
    std::vector<Duration> kills;
    /// Detection times of freezes and black holes.
    std::vector<Duration> silences;
    std::vector<std::string> violations;
    /// The nodes' counters, summed over all processes.
    std::map<std::string, std::uint64_t> counters;
    /// How often rare paths were reached.
    std::map<std::string, std::uint64_t> reached;
};

/// The virtual time with faults of a seed. The time until everything has healed and is checked comes on top.
inline constexpr Duration kScenarioTime = 32s;
static_assert(kScenarioTime >= 30s);

/// What a run has beside the faults of every run.
struct Variant {
    /// The nodes are of two versions, and are upgraded or taken back in sequence, in an order and at times drawn from
    /// the seed as well.
    bool mixed = false;
    /// The mesh keys are changed several times: every node binds its ports again, announced, while faults go on.
    bool keys = false;
    /// Every second message wants copies, at two or three nodes, before it counts as accepted.
    bool copies = false;
    /// Most messages are kept in histories, and the nodes are asked for the histories.
    bool histories = false;
};

/// Runs a mesh of 3 to 7 nodes for 30 virtual seconds and more, with faults, subscriptions and publishes drawn from the
/// seed; then everything heals, and the promises are checked. An equal seed gives an equal run, event by event.
///
/// `trace` prints all notes.
[[nodiscard]] Outcome run_seed(std::uint64_t seed, bool trace, Planted planted = Planted::kNone, Variant variant = {});

}  // namespace tulle::sim
