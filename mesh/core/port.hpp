#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mesh/base/ids.hpp"
#include "mesh/base/mailbox.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/record.hpp"

/// The port between the hub and the shards: two kinds of mailbox and the values that cross them. The only thing that the
/// edge knows of the mesh, and the mesh of the edge. Values own what they carry; a body is shared, never copied.
namespace tulle::mesh {

/// Index of a shard, 0-based. At most kMaxShards; the admin listener counts as one (it never subscribes).
using ShardIndex = Strong<struct ShardIndexTag, std::uint16_t>;
inline constexpr std::size_t kMaxShards = 64;

// ---- shard to hub ----------------------------------------------------------------------------------------------------

/// Number this and deliver it to all subscribers of the channels. Answered by Published with the same id, after the
/// Deliver to this shard if it has subscribers.
struct Publish {
    std::uint64_t id = 0;  ///< the shard's own; 0: no answer wanted
    std::vector<std::string> channels;
    SharedBytes body;
    std::string exclude_socket;
};

/// This shard has got its first subscriber of `channel`. Answered by Subscribed with the same generation once every member
/// of the mesh holds the interest. The shard counts up `generation`, so that an answer to an older request is recognised.
struct Subscribe {
    std::string channel;
    std::uint64_t generation = 0;
};

/// This shard has lost its last subscriber of `channel` (confirmed or pending). Not answered.
struct Unsubscribe {
    std::string channel;
};

/// Ask every shard of every member; `body` is opaque to the mesh. Answered by QueryResult.
struct Query {
    std::uint64_t id = 0;
    std::string body;
    Duration timeout{};
};

/// A part of this shard's answer to a LocalQuery; parts arrive in order, the one with `last` ends it. A part is at most
/// kMaxQueryPartBytes. A shard that has nothing to say sends one empty last part.
struct LocalAnswer {
    std::uint64_t token = 0;
    std::string body;
    bool last = true;
};

/// What this shard holds now, for `status`. Sent when it changed, at most four times a second.
struct ShardLoad {
    std::uint64_t clients = 0;
};

/// What the hub knows: members, links, counters. Answered by StatusReply.
struct StatusRequest {
    std::uint64_t id = 0;
};

using ToHub = std::variant<Publish, Subscribe, Unsubscribe, Query, LocalAnswer, ShardLoad, StatusRequest>;
using FromShard = std::pair<ShardIndex, ToHub>;

// ---- hub to shard ----------------------------------------------------------------------------------------------------

/// Deliver to this shard's confirmed subscribers of each of record->channels, but not to record->exclude_socket.
struct Deliver {
    RecordPtr record;
};

/// Every member holds the interest in `channel`: confirm the pending subscribers.
struct Subscribed {
    std::string channel;
    std::uint64_t generation = 0;
};

enum class PublishOutcome : std::uint8_t {
    kAccepted,   ///< numbered, and due to every interested member
    kNotReady,   ///< the node has not joined yet, or is leaving
    kTooLarge,   ///< over a limit of record.hpp; the edge should have refused it
};

struct Published {
    std::uint64_t id = 0;
    PublishOutcome outcome = PublishOutcome::kAccepted;
    RecordNo n;  ///< its number, when accepted
};

/// Answer with LocalAnswer parts bearing the same token.
struct LocalQuery {
    std::uint64_t token = 0;
    std::string body;
};

/// All parts that arrived before the deadline, in no promised order; `missing` names the members that did not finish.
struct QueryResult {
    std::uint64_t id = 0;
    std::vector<std::string> parts;
    std::vector<std::string> missing;
};

/// Messages that could not be delivered, for the subscribers of `channel` on this shard; an empty channel means every
/// channel of this shard (which ones were hit is no longer known). `missing` 0: unknown how many.
struct Gap {
    std::string channel;
    std::uint64_t missing = 0;
};

/// Whether the node serves clients: false while joining and from the beginning of a drain.
struct Readiness {
    bool ready = false;
};

struct MemberStatus {
    std::string name;
    OriginId oid;
    std::string state;  ///< alive, suspect, partial, dead, left, or joining
    std::string mesh;
    std::string mesh_data;
    std::string listen;
    std::string version;
    std::uint64_t uptime_s = 0;
    std::uint64_t clients = 0;
    std::uint64_t channels = 0;
    std::uint64_t rtt_us = 0;  ///< smoothed; 0 before the first measurement
    std::uint64_t gaps = 0;      ///< holes found in what this member sent us
    std::uint64_t repaired = 0;  ///< of those, filled
    bool name_conflict = false;
};

struct NodeStatus {
    MemberStatus self;
    std::vector<MemberStatus> members;  ///< the others, by name
    bool ready = false;
    std::vector<std::pair<std::string, std::uint64_t>> counters;  ///< name in snake_case, value; all only grow
    std::vector<std::pair<std::string, std::uint64_t>> gauges;
};

struct StatusReply {
    std::uint64_t id = 0;
    NodeStatus status;
};

using ToShard = std::variant<Deliver, Subscribed, Published, LocalQuery, QueryResult, Gap, Readiness, StatusReply>;

// ---- limits ----------------------------------------------------------------------------------------------------------

inline constexpr std::size_t kMaxChannelBytes = 320;   ///< app id (64) + '/' + channel name (200), with room
inline constexpr std::size_t kMaxRecordChannels = 100;
inline constexpr std::size_t kMaxBodyBytes = 1u << 20;  ///< 1 MiB of encoded body
inline constexpr std::size_t kMaxQueryBytes = 4096;
inline constexpr std::size_t kMaxQueryPartBytes = 192u << 10;

using HubMailbox = Mailbox<FromShard>;
using ShardMailbox = Mailbox<ToShard>;

}  // namespace tulle::mesh
