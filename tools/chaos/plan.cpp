#include "tools/chaos/plan.hpp"

#include <algorithm>
#include <array>

#include "mesh/base/assert.hpp"
#include "mesh/base/prng.hpp"

namespace tulle::chaos {
namespace {

using std::chrono::milliseconds;

/// Names of the kinds, in the order of FaultKind.
constexpr std::array<std::string_view, kFaultKinds> kFaultNames{"kill",    "many",  "stop",     "seeds",    "flap",
                                                                "rolling", "reset", "slow",     "split",    "partial",
                                                                "oneway",  "delay", "throttle", "freeze60", "rotate"};
/// The pause for a fault that would not fit into the plan with the drawn pause.
constexpr Duration kShortestPause = 300ms;
/// After this pause the mesh must be whole again (5 s, and a margin), so P6 and P8 have something to judge.
constexpr Duration kLongPause = 6s;
/// After this pause all messages accepted during the freeze must have arrived (8 s, and a margin).
constexpr Duration kPauseAfterFreeze60 = 10s;
/// The time allowed for a start or an end of a process when the length of a plan is reckoned.
constexpr Duration kProcessTime = 300ms;
/// The time allowed for each node of a rolling restart, in the same reckoning.
constexpr Duration kRollingTime = 600ms;
/// The time allowed for a change of the key: a node binds its ports again within 6 s (Timing::rebind_spread and
/// rebind_notice).
constexpr Duration kRotateTime = 8s;

/// A duration drawn from low_ms to high_ms, both included.
Duration between(Prng& prng, std::uint64_t low_ms, std::uint64_t high_ms) {
    return milliseconds(low_ms + prng.below(high_ms - low_ms + 1));
}

/// `count` different nodes of `of`, drawn and sorted. REQUIRES: count <= of.
std::vector<std::uint32_t> some_nodes(Prng& prng, std::uint32_t of, std::uint32_t count) {
    std::vector<std::uint32_t> all;
    for (std::uint32_t node = 1; node <= of; ++node) {
        all.push_back(node);
    }
    // The beginning of a shuffle: the first `count` places are drawn.
    for (std::size_t i = 0; i < count; ++i) {
        std::swap(all[i], all[i + prng.below(all.size() - i)]);
    }
    all.resize(count);
    std::sort(all.begin(), all.end());
    return all;
}

/// How long a node is frozen. Short freezes must kill nobody, long freezes must be found, and the time between the two
/// bounds is drawn as well, as either verdict must leave the mesh whole.
Duration hold_of_stop(Prng& prng) {
    switch (prng.below(4)) {
        case 0:
            return between(prng, 200, 900);
        case 1:
            return between(prng, 1'000, 2'700);
        default:
            return between(prng, 3'000, 6'000);
    }
}

/// A fifth of the splits are stalls without harm to any session; the others end sessions.
Duration hold_of_split(Prng& prng) {
    return prng.chance(20) ? between(prng, 200, 900) : between(prng, 3'000, 8'000);
}

/// Draws the values of a fault that needs a network of its own.
void draw_network_fault(Prng& prng, std::uint32_t nodes, Fault& fault) {
    switch (fault.kind) {
        // At most half of the nodes, as the other side is the rest.
        case FaultKind::kSplit:
            fault.nodes = some_nodes(prng, nodes, static_cast<std::uint32_t>(1 + prng.below(std::max(1U, nodes / 2))));
            fault.hold = hold_of_split(prng);
            break;
        case FaultKind::kPartial:
        case FaultKind::kOneWay:
            fault.nodes = some_nodes(prng, nodes, 2);
            // some_nodes() sorts; the swap makes both directions likely.
            if (fault.kind == FaultKind::kOneWay && prng.chance(50)) {
                std::swap(fault.nodes.front(), fault.nodes.back());
            }
            fault.hold = between(prng, 3'000, 12'000);
            break;
        case FaultKind::kDelay:
            fault.delay = between(prng, 20, 80);
            fault.jitter = between(prng, 0, 30);
            fault.hold = between(prng, 3'000, 6'000);
            break;
        default:
            // From 150 to 999 KB/s.
            fault.rate = 150'000 + 1'000 * prng.below(850);
            fault.hold = between(prng, 3'000, 6'000);
            break;
    }
}

/// Draws a fault of a kind. The order of draws decides the plan of a seed, so a change here changes all plans.
Fault draw(Prng& prng, FaultKind kind, std::uint32_t nodes) {
    Fault fault;
    fault.kind = kind;
    fault.nodes = some_nodes(prng, nodes, 1);
    switch (kind) {
        case FaultKind::kKill:
            fault.hold = prng.chance(50) ? Duration::zero() : between(prng, 500, 4'000);
            break;
        case FaultKind::kMany: {
            // Half of the nodes rounded up, and always a survivor.
            const std::uint32_t most = std::max(1U, (nodes + 1) / 2);
            fault.nodes = some_nodes(prng, nodes, std::min(nodes - 1, most));
            fault.hold = between(prng, 1'200, 3'000);
            break;
        }
        case FaultKind::kStop:
            fault.hold = hold_of_stop(prng);
            break;
        case FaultKind::kSeeds:
            // In a mesh of two both nodes are seeds, and one must survive.
            fault.nodes = nodes > kSeeds ? std::vector<std::uint32_t>{1, 2} : std::vector<std::uint32_t>{1};
            fault.hold = between(prng, 1'200, 3'000);
            break;
        case FaultKind::kFlap:
            fault.hold = between(prng, 200, 900);
            fault.times = static_cast<std::uint32_t>(3 + prng.below(3));
            break;
        case FaultKind::kRolling:
        case FaultKind::kRotate:
            fault.nodes = some_nodes(prng, nodes, nodes);
            break;
        case FaultKind::kReset:
            fault.hold = between(prng, 50, 800);
            fault.times = static_cast<std::uint32_t>(1 + prng.below(4));
            break;
        case FaultKind::kSlow:
            fault.hold = between(prng, 3'000, 12'000);
            break;
        case FaultKind::kFreeze60:
            fault.hold = 60s;
            break;
        default:
            draw_network_fault(prng, nodes, fault);
            break;
    }
    return fault;
}

/// How long a fault takes, with the pause before. Only a reckoning: the run does not hurry a slow process.
Duration expected(const Fault& fault) {
    if (fault.kind == FaultKind::kRolling) {
        return fault.pause + kRollingTime * static_cast<Duration::rep>(fault.nodes.size());
    }
    if (fault.kind == FaultKind::kRotate) {
        return fault.pause + kRotateTime;
    }
    return fault.pause + (fault.hold + kProcessTime) * static_cast<Duration::rep>(fault.times);
}

/// The pause between the last fault of `plan` and the next. The end of a split is worth a look each time, so a long
/// pause follows.
Duration pause_after(const std::vector<Fault>& plan, Prng& prng) {
    // Drawn in every case, and used unless the last fault asks for a pause of its own.
    const Duration drawn = prng.chance(25) ? kLongPause : between(prng, 300, 2'000);
    if (plan.empty()) {
        return drawn;
    }
    switch (plan.back().kind) {
        case FaultKind::kFreeze60:
            return kPauseAfterFreeze60;
        case FaultKind::kSplit:
            return kLongPause;
        default:
            return drawn;
    }
}

}  // namespace

std::string_view to_string(FaultKind kind) {
    return kFaultNames[static_cast<std::size_t>(kind)];
}

std::optional<FaultKind> fault_from(std::string_view name) {
    const auto found = std::find(kFaultNames.begin(), kFaultNames.end(), name);
    if (found == kFaultNames.end()) {
        return std::nullopt;
    }
    return static_cast<FaultKind>(found - kFaultNames.begin());
}

std::string fault_names() {
    std::string out;
    for (const std::string_view name : kFaultNames) {
        out.append(out.empty() ? "" : ", ").append(name);
    }
    return out;
}

bool needs_own_network(FaultKind kind) {
    return kind == FaultKind::kSplit || kind == FaultKind::kPartial || kind == FaultKind::kOneWay ||
           kind == FaultKind::kDelay || kind == FaultKind::kThrottle;
}

std::vector<Direction> directions_of(const Fault& fault, std::uint32_t nodes) {
    if (fault.kind == FaultKind::kPartial || fault.kind == FaultKind::kOneWay) {
        std::vector<Direction> out{{fault.nodes.front(), fault.nodes.back()}};
        if (fault.kind == FaultKind::kPartial) {
            out.emplace_back(fault.nodes.back(), fault.nodes.front());
        }
        return out;
    }
    // A node in `fault.nodes` against all others, both ways.
    const auto is_one = [&fault](std::uint32_t node) {
        return std::find(fault.nodes.begin(), fault.nodes.end(), node) != fault.nodes.end();
    };
    std::vector<Direction> out;
    for (std::uint32_t from = 1; from <= nodes; ++from) {
        for (std::uint32_t to = 1; to <= nodes; ++to) {
            if (is_one(from) != is_one(to)) {
                out.emplace_back(from, to);
            }
        }
    }
    return out;
}

std::string describe(const Fault& fault) {
    std::string out(to_string(fault.kind));
    for (const std::uint32_t node : fault.nodes) {
        out += " n" + std::to_string(node);
    }
    if (fault.times > 1) {
        out += " " + std::to_string(fault.times) + " times";
    }
    if (fault.hold > Duration::zero()) {
        out += " " + std::to_string(std::chrono::duration_cast<milliseconds>(fault.hold).count()) + " ms";
    }
    if (fault.delay > Duration::zero()) {
        out += ", " + std::to_string(std::chrono::duration_cast<milliseconds>(fault.delay).count()) + " +- " +
               std::to_string(std::chrono::duration_cast<milliseconds>(fault.jitter).count()) + " ms late";
    }
    if (fault.rate > 0) {
        out += ", " + std::to_string(fault.rate / 1'000) + " KB/s";
    }
    return out;
}

std::vector<Fault> make_plan(const PlanOptions& options) {
    TULLE_ASSERT(options.nodes >= 2);
    Prng prng(options.seed);
    std::vector<FaultKind> kinds(options.kinds.begin(), options.kinds.end());
    for (std::size_t i = 0; options.kinds.empty() && i < kFaultKinds; ++i) {
        kinds.push_back(static_cast<FaultKind>(i));
    }
    // A second entry makes a stop come twice a round.
    if (std::find(kinds.begin(), kinds.end(), FaultKind::kStop) != kinds.end() && kinds.size() > 1) {
        kinds.push_back(FaultKind::kStop);
    }
    std::vector<Fault> plan;
    Duration used{};
    std::size_t refused = 0;
    bool has_frozen = options.length < kLongPlan;
    while (refused < kinds.size()) {
        // Rounds, each in an order of its own. A fault that does not fit into the time left is passed over. A round of
        // passed-over faults alone ends the plan.
        refused = 0;
        for (std::size_t i = 0; i < kinds.size(); ++i) {
            std::swap(kinds[i], kinds[i + prng.below(kinds.size() - i)]);
            // A single freeze of 60 s per plan, and none in a short plan.
            if (kinds[i] == FaultKind::kFreeze60 && has_frozen) {
                ++refused;
                continue;
            }
            Fault fault = draw(prng, kinds[i], options.nodes);
            fault.pause = pause_after(plan, prng);
            // A second chance for the fault, with the shortest pause.
            if (used + expected(fault) > options.length) {
                fault.pause = kShortestPause;
            }
            if (used + expected(fault) > options.length) {
                ++refused;
                continue;
            }
            used += expected(fault);
            has_frozen = has_frozen || fault.kind == FaultKind::kFreeze60;
            plan.push_back(std::move(fault));
        }
    }
    return plan;
}

}  // namespace tulle::chaos
