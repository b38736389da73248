#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/result.hpp"

/// What the nodes of a mesh say of themselves and of each other, as GET /v1/doctor brings it.
namespace tulle::cli {

/// The session that a node has with another, as it sees it.
struct SessionView {
    std::uint64_t tag = 0;
    std::uint64_t peer_tag = 0;
    bool interest_known = false;
    std::uint64_t interest_version = 0;
    std::string interest_digest;
    std::uint64_t acked_version = 0;
    std::uint64_t data_silent_ms = 0;
    std::string heard_via;
    std::string hears_via;
    struct Clock {
        std::int64_t offset_us = 0;
        std::uint64_t error_us = 0;
    };
    std::optional<Clock> clock;
};

/// One node as another one sees it.
struct PeerView {
    std::string name;
    std::string state;
    double rtt_us = -1;
    std::uint64_t gaps = 0;
    std::uint64_t repaired = 0;
    std::uint64_t sessions = 0;
    std::optional<SessionView> session;
};

/// What one node says of itself, and of the others by oid.
struct NodeReport {
    std::string name;
    std::string state;
    std::string version;
    bool ready = false;
    double uptime_s = -1;
    double clients = -1;
    std::uint64_t interest_version = 0;
    std::string interest_digest;
    std::uint64_t oldest_protocol = 0;
    std::uint64_t newest_protocol = 0;
    std::int64_t monotonic_us = 0;
    std::int64_t wall_us = 0;
    std::uint64_t gone = 0;        ///< records that others have missed for good
    std::uint64_t configured = 0;  ///< peers in its configuration …
    std::uint64_t met = 0;         ///< … and those of them that it has met
    bool refused = false;          ///< by all of them that answer
    bool deaf = false;             ///< its own control path does not work
    struct Refusal {
        bool by_it = false;
        std::string name;
        std::string endpoint;
        std::string reason;
        std::string text;
        std::uint64_t count = 0;
        std::uint64_t ago_ms = 0;
    };
    std::vector<Refusal> refusals;
    std::map<std::string, PeerView> peers;
};

/// One look at the mesh. What each node says is true at one moment, but not at the same one for all.
struct MeshSample {
    std::map<std::string, NodeReport> nodes;  ///< by oid
    std::set<std::string> silent;             ///< names of those that did not answer, or not in full
};

enum class DoctorErrc { kNotReport };

[[nodiscard]] Result<MeshSample, DoctorErrc> parse_sample(std::string_view json);
/// Takes in what another node has gathered. Of two reports of one node the first stays.
void merge(MeshSample& into, MeshSample more);

}  // namespace tulle::cli
