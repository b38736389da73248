#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/ids.hpp"

/// What a node knows of itself and of the other nodes, for `status` and metrics. Values.
namespace tulle::mesh {

/// The standing session with a member.
struct SessionStatus {
    /// Number of our attempt at the session, and of the member's attempt. The secret halves of the tags are left out.
    std::uint64_t tag = 0;
    std::uint64_t peer_tag = 0;
    /// Version of the mesh protocol in the session.
    std::uint32_t protocol = 0;
    /// All of the member's interest has been fetched once.
    bool interest_known = false;
    /// Version and digest of the member's interest held here.
    std::uint64_t interest_version = 0;
    std::uint64_t interest_digest = 0;
    /// Version of our interest that the member has acknowledged.
    std::uint64_t acked_version = 0;
    /// Time since data last came.
    std::uint64_t data_silent_ms = 0;
    /// The witness through which we hear the member; empty: directly.
    std::string heard_via;
    /// The witness through which the member hears us; empty: directly.
    std::string hears_via;
    /// The member's monotonic clock less ours, within `clock_error_us`. An error of 0: not measured yet.
    std::int64_t clock_offset_us = 0;
    std::uint64_t clock_error_us = 0;
};

/// A node of the mesh, for `status`.
struct MemberStatus {
    std::string name;
    OriginId oid;
    /// alive, suspect, partial, dead, left, or joining.
    std::string state;
    std::string mesh;
    std::string mesh_data;
    std::string listen;
    std::string version;
    std::uint64_t uptime_s = 0;
    std::uint64_t clients = 0;
    std::uint64_t channels = 0;
    /// Smoothed; 0 before the first measurement.
    std::uint64_t rtt_us = 0;
    /// Holes found in the member's frames, and the holes that were filled.
    std::uint64_t gaps = 0;
    std::uint64_t repaired = 0;
    /// Sessions that have stood with this process of the member.
    std::uint64_t sessions = 0;
    bool name_conflict = false;
    std::optional<SessionStatus> session;
};

/// A refusal by us (`by_us`) or by another node.
struct RefusalStatus {
    bool by_us = false;
    /// Name of the other node; its oid if the name is not known.
    std::string name;
    std::string endpoint;
    /// cluster, protocol, name, full, or key.
    std::string reason;
    std::string text;
    std::uint64_t count = 0;
    std::uint64_t ago_ms = 0;  ///< time since the last such refusal
};

/// An endpoint at which the configuration says that another node is, or a configured name without any address.
struct SeedStatus {
    std::string endpoint;
    /// The configured name with this address; empty: the endpoint itself was configured.
    std::string name;
    /// "met": a session stands with the node there. "self": this node itself is there. "unmet": neither.
    std::string state;
    /// For an unmet endpoint: one word why (to_text(Unmet)), and the same for people.
    std::string reason;
    std::string text;
    /// For an unmet endpoint: for how long, and the attempts that have failed since.
    std::uint64_t since_ms = 0;
    std::uint64_t attempts = 0;
};

/// Connections between this node and others, by the keys that both sides have proved. The ids of keys are no secrets.
struct KeyUse {
    /// The id of the key of the accepting side, and of the dialling side.
    std::string server;
    std::string client;
    /// Connections accepted by this node, and dialled by this node.
    std::uint64_t inbound = 0;
    std::uint64_t outbound = 0;
};

/// The mesh keys of a node. Without keys all is empty.
struct KeyStatus {
    /// The ids of the keys: the key in use, then the other accepted key.
    std::vector<std::string> ids;
    /// The id of the key by which the ports are bound: another one than the key in use until the ports are bound again.
    std::string bound;
    std::vector<KeyUse> uses;
};

/// The state of a node, for `status` and metrics.
struct NodeStatus {
    MemberStatus self;
    /// Configured peers without this node itself, and the number of those where a session has stood.
    std::uint64_t configured = 0;
    std::uint64_t met = 0;
    std::vector<SeedStatus> seeds;
    /// All configured peers that have answered refuse the node, so the node does not serve.
    bool refused = false;
    /// The node's own control path does not work, so the node does not serve.
    bool deaf = false;
    std::vector<RefusalStatus> refusals;  ///< the latest refusals, each once
    /// Filled in by the shell.
    KeyStatus keys;
    /// Version and digest of this node's own interest.
    std::uint64_t interest_version = 0;
    std::uint64_t interest_digest = 0;
    /// The hub's clock and the wall clock at the same moment; filled in by the shell.
    std::int64_t monotonic_us = 0;
    std::int64_t wall_us = 0;
    /// The other nodes, by name.
    std::vector<MemberStatus> members;
    bool ready = false;
    /// By name in snake_case. Counters only grow; gauges may fall.
    std::vector<std::pair<std::string, std::uint64_t>> counters;
    std::vector<std::pair<std::string, std::uint64_t>> gauges;
};

}  // namespace tulle::mesh
