#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::chaos {

enum class FaultKind : std::uint8_t {
    kKill,      ///< SIGKILL, then a new process on the same ports: at once, or after `hold`
    kMany,      ///< several killed together, restarted together after `hold`
    kStop,      ///< SIGSTOP for `hold`, then SIGCONT
    kSeeds,     ///< all seeds killed together, restarted together after `hold`
    kFlap,      ///< one is killed and restarted `times` times, `hold` apart
    kRolling,   ///< SIGTERM to each in turn; the next when the one before is a member again
    kReset,     ///< the TCP connections to its mesh ports are reset `times` times, `hold` apart
    kSlow,      ///< a client at the node subscribes to everything and reads nothing for `hold`
    kSplit,     ///< `nodes` and the rest do not reach each other for `hold`
    kPartial,   ///< the two of `nodes` do not reach each other for `hold`; all others reach both
    kOneWay,    ///< what the first of `nodes` sends to the second is lost for `hold`
    kDelay,     ///< what the node sends and is sent takes longer by `delay`, give or take `jitter`, for `hold`
    kThrottle,  ///< the node sends and is sent no more than `rate` bytes a second, for `hold`
    kFreeze60,  ///< SIGSTOP for 60 s while the others publish large messages; once, in long plans only
};
inline constexpr std::size_t kFaultKinds = 14;
/// The first nodes of a run: all others are told of these.
inline constexpr std::uint32_t kSeeds = 2;

/// Whether the fault drops or holds back what nodes send to each other.
[[nodiscard]] bool needs_own_network(FaultKind kind);

[[nodiscard]] std::string_view to_string(FaultKind kind);
[[nodiscard]] std::optional<FaultKind> fault_from(std::string_view name);
/// "kill, many, …": all there are.
[[nodiscard]] std::string fault_names();

struct Fault {
    FaultKind kind = FaultKind::kKill;
    std::vector<std::uint32_t> nodes;  ///< from 1
    Duration pause{};                  ///< between the end of the fault before and this one
    Duration hold{};
    std::uint32_t times = 1;
    Duration delay{};
    Duration jitter{};
    std::uint64_t rate = 0;
    friend bool operator==(const Fault&, const Fault&) = default;
};

/// From whom to whom, node numbers.
using Direction = std::pair<std::uint32_t, std::uint32_t>;
/// What a fault of those that need a network of their own drops or holds back, in a mesh of so many nodes.
[[nodiscard]] std::vector<Direction> directions_of(const Fault& fault, std::uint32_t nodes);

/// "kill n2, restarted after 1200 ms", for people.
[[nodiscard]] std::string describe(const Fault& fault);

/// A plan as long as this has its freeze of 60 s.
inline constexpr Duration kLongPlan = 135s;

struct PlanOptions {
    std::uint64_t seed = 1;
    std::uint32_t nodes = 5;         ///< at least 2
    Duration length = 60s;           ///< the faults are over by then, as planned
    std::set<FaultKind> kinds = {};  ///< empty: all
};

/// What will be done to the mesh, one fault after the other; the same options give the same plan. At least one node
/// always stays untouched, but for a rolling restart and a mesh of two. Every kind comes once before any comes twice,
/// as far as the time reaches, but for a stop, which comes twice as often: it is a test of what must kill nobody, and
/// of what must be found. Now and then, and after each split that is not the last fault, a pause is long enough (6 s)
/// for the mesh to have to be whole again.
[[nodiscard]] std::vector<Fault> make_plan(const PlanOptions& options);

}  // namespace tulle::chaos
