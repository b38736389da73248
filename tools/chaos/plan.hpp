#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::chaos {

enum class FaultKind : std::uint8_t {
    kKill,     ///< SIGKILL, then a new process on the same ports: at once, or after `hold`
    kMany,     ///< several killed together, restarted together after `hold`
    kStop,     ///< SIGSTOP for `hold`, then SIGCONT
    kSeeds,    ///< all seeds killed together, restarted together after `hold`
    kFlap,     ///< one is killed and restarted `times` times, `hold` apart
    kRolling,  ///< SIGTERM to each in turn; the next when the one before is a member again
    kReset,    ///< the TCP connections to its mesh ports are reset `times` times, `hold` apart
    kSlow,     ///< a client at the node subscribes to everything and reads nothing for `hold`
};
inline constexpr std::size_t kFaultKinds = 8;

[[nodiscard]] std::string_view to_string(FaultKind kind);
[[nodiscard]] std::optional<FaultKind> fault_from(std::string_view name);

struct Fault {
    FaultKind kind = FaultKind::kKill;
    std::vector<std::uint32_t> nodes;  ///< from 1
    Duration pause{};                  ///< between the end of the fault before and this one
    Duration hold{};
    std::uint32_t times = 1;
    friend bool operator==(const Fault&, const Fault&) = default;
};

/// "kill n2, restarted after 1200 ms", for people.
[[nodiscard]] std::string describe(const Fault& fault);

struct PlanOptions {
    std::uint64_t seed = 1;
    std::uint32_t nodes = 5;         ///< at least 2
    Duration length = 60s;           ///< the faults are over by then, as planned
    std::set<FaultKind> kinds = {};  ///< empty: all
};

/// What will be done to the mesh, one fault after the other; the same options give the same plan. At least one node
/// always stays untouched, but for a rolling restart and a mesh of two. Every kind comes once before any comes twice,
/// as far as the time reaches. Now and then a pause is long enough (6 s) for the mesh to have to be whole again.
[[nodiscard]] std::vector<Fault> make_plan(const PlanOptions& options);

}  // namespace tulle::chaos
