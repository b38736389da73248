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

/// The kinds of faults. Each kind has a name (to_string()) and draws the fields of a Fault.
enum class FaultKind : std::uint8_t {
    /// SIGKILL, then a new process on the old ports: at once, or after `hold`.
    kKill,
    /// Several nodes are killed together and restarted together after `hold`.
    kMany,
    /// SIGSTOP for `hold`, then SIGCONT.
    kStop,
    /// All seeds are killed together and restarted together after `hold`.
    kSeeds,
    /// A node is killed and restarted `times` times, `hold` apart.
    kFlap,
    /// SIGTERM to each node in turn. The next node follows when the mesh is whole again, or 10 s after the restart.
    kRolling,
    /// The TCP connections to the node's mesh ports are reset `times` times, `hold` apart.
    kReset,
    /// A client at the node subscribes to everything and reads nothing for `hold`.
    kSlow,
    /// `nodes` and the rest do not reach each other for `hold`.
    kSplit,
    /// The two of `nodes` do not reach each other for `hold`; all others reach both.
    kPartial,
    /// Packets from the first of `nodes` to the second are lost for `hold`.
    kOneWay,
    /// Packets from and to the node take longer by `delay`, give or take `jitter`, for `hold`.
    kDelay,
    /// The node sends no more than `rate` bytes a second and receives no more than `rate` bytes a second, for `hold`.
    kThrottle,
    /// SIGSTOP for 60 s while the others publish large messages. Comes once, and in long plans only.
    kFreeze60,
    /// The mesh key of all nodes is replaced, as an operator does: the next key is added, used, and the former one
    /// dropped.
    kRotate,
};
/// The number of kinds; the table of names in plan.cpp has as many entries.
inline constexpr std::size_t kFaultKinds = 15;
/// The first nodes of a run are seeds: all other nodes are configured with the seeds as peers.
inline constexpr std::uint32_t kSeeds = 2;

/// True for a fault that drops or holds back packets between nodes. Such a fault needs a PrivateNetwork.
[[nodiscard]] bool needs_own_network(FaultKind kind);

/// The name on the command line and in a history, "kill" for instance.
[[nodiscard]] std::string_view to_string(FaultKind kind);
/// The reverse of to_string(); nothing for an unknown name.
[[nodiscard]] std::optional<FaultKind> fault_from(std::string_view name);
/// All names, "kill, many, …", for messages to the user.
[[nodiscard]] std::string fault_names();

/// A fault of a plan, with all values drawn. A field without meaning for the kind keeps the default.
struct Fault {
    FaultKind kind = FaultKind::kKill;
    /// The nodes concerned, from 1. Sorted, except for kOneWay: sender, then receiver.
    std::vector<std::uint32_t> nodes;
    /// Calm before the fault, counted from the end of the fault before.
    Duration pause{};
    /// How long the harm lasts, or how far repetitions are apart.
    Duration hold{};
    std::uint32_t times = 1;
    /// For kDelay: added to the time of each packet, give or take `jitter`.
    Duration delay{};
    Duration jitter{};
    /// For kThrottle: bytes a second in each direction.
    std::uint64_t rate = 0;
    friend bool operator==(const Fault&, const Fault&) = default;
};

/// Packets from the first node to the second, as node numbers.
using Direction = std::pair<std::uint32_t, std::uint32_t>;
/// The directions that a fault drops or holds back, in a mesh of `nodes` nodes. For kinds with needs_own_network()
/// only.
[[nodiscard]] std::vector<Direction> directions_of(const Fault& fault, std::uint32_t nodes);

/// "flap n2 3 times 400 ms", for people and as the text of kFault and kCalm.
[[nodiscard]] std::string describe(const Fault& fault);

/// A plan at least as long may have the freeze of 60 s. A run of 150 s has such a plan.
inline constexpr Duration kLongPlan = 135s;

/// The input of make_plan().
struct PlanOptions {
    std::uint64_t seed = 1;
    /// At least 2.
    std::uint32_t nodes = 5;
    /// By then the faults are over, as planned; see expected() in plan.cpp for the reckoning.
    Duration length = 60s;
    /// The kinds to draw from. Empty: all kinds.
    std::set<FaultKind> kinds = {};
};

/// Draws the faults of a run, to be done in sequence. Equal options yield an equal plan.
///
/// At least one node always stays untouched, except in a rolling restart, in a change of the key, and in a mesh of two.
/// Every kind comes once before any kind comes twice, as far as the time reaches; a stop comes twice as often, as stops
/// test both the harmless stall and the death to be found. Now and then, and after each split before the last fault, a
/// pause of 6 s is long enough for the mesh to have to be whole again.
///
/// An empty plan means: no fault fits into the length.
[[nodiscard]] std::vector<Fault> make_plan(const PlanOptions& options);

}  // namespace tulle::chaos
