#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/result.hpp"
#include "tools/cli/redis_report.hpp"

/// The reports of the nodes of a mesh about themselves and about each other, as GET /v1/doctor gives them. Fields
/// absent from a report have their default (json_fields.hpp).
namespace tulle::cli {

/// The session with a peer, as the viewer sees the session.
struct SessionView {
    /// The tags of both directions, by which the two sides recognise the session.
    std::uint64_t tag = 0;
    std::uint64_t peer_tag = 0;
    /// True when the viewer has taken over the peer's interest. Version and digest describe the peer's interest at the
    /// viewer.
    bool interest_known = false;
    std::uint64_t interest_version = 0;
    std::string interest_digest;
    /// The version of the viewer's own interest that the peer has acknowledged.
    std::uint64_t acked_version = 0;
    /// Milliseconds since the last frame on the data path from the peer.
    std::uint64_t data_silent_ms = 0;
    /// The witness through which the viewer hears the peer; empty for a direct path.
    std::string heard_via;
    /// The witness through which the peer hears the viewer; empty for a direct path.
    std::string hears_via;
    /// The comparison of clocks by heartbeats.
    struct Clock {
        /// The peer's monotonic clock less the viewer's, give or take `error_us`.
        std::int64_t offset_us = 0;
        std::uint64_t error_us = 0;
    };
    std::optional<Clock> clock;
};

/// A node as another node, the viewer, sees the node.
struct PeerView {
    std::string name;
    std::string state;
    /// Round trip in microseconds; negative when not measured.
    double rtt_us = -1;
    /// Holes in the link from the node, and the holes that the link itself has filled.
    std::uint64_t gaps = 0;
    std::uint64_t repaired = 0;
    /// Sessions that the viewer has had with the node.
    std::uint64_t sessions = 0;
    std::optional<SessionView> session;
};

/// The mesh keys of a node, by their ids.
struct KeysView {
    /// False for a node too old to say anything about keys.
    bool is_known = false;
    /// The key in use, then the other accepted key. Empty: the mesh of this node is open.
    std::vector<std::string> ids;
    /// The key by which the node's ports are bound.
    std::string bound;
    /// Connections of the node by the keys that both sides have proved.
    struct Use {
        std::string server;
        std::string client;
        std::uint64_t inbound = 0;
        std::uint64_t outbound = 0;
    };
    std::vector<Use> uses;
};

/// The apps of a node, by the digests of their settings and of their credentials.
struct AppsReport {
    /// The id of the mesh key behind the digests; empty for a node without mesh keys, which has no digests.
    std::string key;
    std::uint64_t count = 0;
    std::string digest;
    struct App {
        std::string settings;
        std::string credentials;
    };
    /// By id; not all of them when the node has very many.
    std::map<std::string, App> apps;
    /// Settings that should be the same on all nodes, and their values.
    std::map<std::string, std::string> rules;
};

/// The report of a node about itself, and about the others.
struct NodeReport {
    std::string name;
    std::string state;
    std::string version;
    /// True when the node serves clients.
    bool ready = false;
    /// How far the node lets its clients go (node/core/drain_state.hpp); empty for an older node.
    std::string drain{};
    double uptime_s = -1;
    double clients = -1;
    /// Version and digest of the node's own interest.
    std::uint64_t interest_version = 0;
    std::string interest_digest;
    /// The versions of the mesh protocol that the node speaks.
    std::uint64_t oldest_protocol = 0;
    std::uint64_t newest_protocol = 0;
    /// Both clocks of the node at the moment of the report.
    std::int64_t monotonic_us = 0;
    std::int64_t wall_us = 0;
    /// Records that peers asked for in vain, because the node had dropped the records already.
    std::uint64_t gone = 0;
    /// Peers in the node's configuration.
    std::uint64_t configured = 0;
    /// Configured peers that the node has met.
    std::uint64_t met = 0;
    /// True when all configured peers that answer refuse the node.
    bool refused = false;
    /// True when the node's own control path does not work.
    bool deaf = false;
    /// A peer refused by the node, or a peer that refuses the node.
    struct Refusal {
        /// True when the node refuses the peer.
        bool by_it = false;
        std::string name;
        std::string endpoint;
        std::string reason;
        std::string text;
        std::uint64_t count = 0;
        std::uint64_t ago_ms = 0;
    };
    std::vector<Refusal> refusals;
    /// A configured peer that the node has no session with.
    struct Seed {
        std::string endpoint;
        /// One word, and the same for people.
        std::string reason;
        std::string text;
        std::uint64_t since_ms = 0;
    };
    std::vector<Seed> unmet;
    /// Why the node's /ready says no although the node serves; empty: the node takes clients, or is too old to say.
    std::string not_ready;
    KeysView keys;
    /// Nothing for a node without a Redis listener, and for a node of a version that tells nothing of it.
    std::optional<RedisReport> redis;
    /// Nothing for a node of a version that tells nothing of its apps.
    std::optional<AppsReport> apps;
    /// True when the node tells others to reach its mesh ports on loopback.
    bool is_on_loopback = false;
    /// By oid.
    std::map<std::string, PeerView> peers;
};

/// A look at the mesh. Each node's report describes a single moment, but not the same moment for all nodes.
struct MeshSample {
    /// By oid.
    std::map<std::string, NodeReport> nodes;
    /// Names of the nodes that did not answer, or only in part.
    std::set<std::string> silent;
};

/// kNotReport: the text is no answer of GET /v1/doctor.
enum class DoctorErrc { kNotReport };

/// Reads an answer of GET /v1/doctor.
[[nodiscard]] Result<MeshSample, DoctorErrc> parse_sample(std::string_view json);
/// The names of the nodes without a whole report: the silent ones, and those that have a session with a node that has
/// answered, also where nobody could ask them.
[[nodiscard]] std::set<std::string> absent_nodes(const MeshSample& sample);
/// Adds the reports that another node has gathered. Of two reports of the same node the earlier report stays.
void merge(MeshSample& into, MeshSample more);

}  // namespace tulle::cli
