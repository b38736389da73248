#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mesh/base/ids.hpp"
#include "mesh/base/mailbox.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/records/record.hpp"

/// The port between the hub and the shards: two kinds of mailbox and the values that cross them. The only thing that
/// the edge knows of the mesh, and the mesh of the edge. Values own what they carry; a body is shared, never copied.
namespace tulle::mesh {

/// Index of a shard, 0-based. At most kMaxShards; the admin listener counts as one (it never subscribes).
using ShardIndex = Strong<struct ShardIndexTag, std::uint16_t>;
inline constexpr std::size_t kMaxShards = 64;

// ---- shard to hub
// ----------------------------------------------------------------------------------------------------

/// Number this and deliver it to all subscribers of the channels. Answered by Published with the same id, after the
/// Deliver to this shard if it has subscribers.
struct Publish {
    enum class Answers : std::uint8_t { kAlways, kRefusal };

    std::uint64_t id = 0;  ///< the shard's own; 0: no answer wanted
    std::vector<std::string> channels;
    SharedBody body;
    std::string exclude_socket;
    std::size_t retained = 0;            ///< the first so many of `channels` keep it as their last event …
    Duration keep_for = {};              ///< … for so long, at most kMaxKeepFor
    Answers answers = Answers::kAlways;  ///< kRefusal: no answer when it was accepted
};

/// This shard has got its first subscriber of `channel`. Answered by Subscribed with the same generation once every
/// member of the mesh holds the interest. The shard counts up `generation`, so that an answer to an older request is
/// recognised.
struct Subscribe {
    std::string channel;
    std::uint64_t generation = 0;
    bool presence = false;  ///< the channel has members: the answer waits for the list of every member of the mesh too
    bool retained = false;  ///< the channel keeps its last event: the answer brings it, as known by every member
};

/// A user's first connection on this shard to a presence channel that is Subscribed here. Answered by MemberJoined.
struct MemberJoin {
    std::uint64_t id = 0;
    std::string channel;
    PresenceMember member;
    std::size_t max_members = 0;  ///< users of the whole mesh; a further one is refused
};

/// The user's last connection on this shard is gone. Before the Unsubscribe, if that follows. Not answered.
struct MemberLeave {
    std::string channel;
    std::string user;
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
    std::vector<std::string> retained =
        {};  ///< channels whose last events are asked for too; at most kMaxQueryRetained
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

/// Send a marked message to `channel` the way of every other, and tell who has got it, when and by which path. No
/// client sees it. Answered by TraceResult, as soon as all that it is due to have reported, or after `timeout`.
struct Trace {
    std::uint64_t id = 0;
    std::string channel;
    Duration timeout{};
};

/// How much of `item` under `key` this shard holds now. The one node that rendezvous hashing names for the key learns
/// the sum over the mesh (DutyChanged), exactly once for each change that stays. 0 is "none any more".
struct DutyCount {
    std::string key;   ///< as a channel's
    std::string item;  ///< at most kMaxDutyItemBytes; "" is an item like others
    std::uint64_t count = 0;
    SharedBytes info;  ///< opaque, at most kMaxUserInfoBytes; may be null; of one holder of many
};

/// To be done once, by the node that rendezvous hashing names for `key` (DutyPerform); at least once if that node dies.
struct DutyTask {
    std::string key;
    SharedBytes body;  ///< opaque; at most kMaxBodyBytes
};

/// What became of a DutyChanged.
enum class DutyOutcome : std::uint8_t {
    kTold,     ///< dealt with
    kDropped,  ///< revoked, and nobody has heard of it
    kUnknown,  ///< revoked, and nobody knows who has heard of it: a request may have arrived without an answer
    /// revoked; `told` has been dealt with, but for those that `behind` names: nobody knows what they have heard last
    kPartly,
};

/// The answer of the shard that does this node's duties to a DutyChanged or DutyPerform. Nothing of it reaches the
/// world outside afterwards.
struct DutyDone {
    std::uint64_t token = 0;
    std::uint64_t told = 0;  ///< of a DutyChanged that was told: the count that has been dealt with
    DutyOutcome outcome = DutyOutcome::kTold;
    /// of kPartly; opaque, for the next shard that does this duty. Longer than kMaxDutyBehindBytes: everybody
    SharedBytes behind = {};
};

/// What this shard uses now of what is rationed over the whole mesh; replaces what it said before. At most once a
/// second.
struct ShareUsage {
    std::vector<std::pair<std::string, std::uint64_t>> entries;  ///< by name; at most kMaxUsageEntries
};

using ToHub = std::variant<Publish, Subscribe, Unsubscribe, MemberJoin, MemberLeave, Query, LocalAnswer, ShardLoad,
                           StatusRequest, Trace, DutyCount, DutyTask, DutyDone, ShareUsage>;
using FromShard = std::pair<ShardIndex, ToHub>;

// ---- hub to shard
// ----------------------------------------------------------------------------------------------------

/// Deliver to this shard's confirmed subscribers of each of record->channels, but not to record->exclude_socket.
struct Deliver {
    RecordPtr record;
};

/// Every member holds the interest in `channel`: confirm the pending subscribers.
struct Subscribed {
    std::string channel;
    std::uint64_t generation = 0;
    /// Of a presence channel: its users now, by user. MemberChanged keeps the list true from here on. Else null.
    std::shared_ptr<const std::vector<PresenceMember>> members;
    /// Of a channel that keeps its last event: that, or nothing. Later ones come by Deliver; one with this stamp, or an
    /// older one, may come again.
    std::optional<RetainedEvent> last = {};
};

/// A channel of this shard that keeps its last event has this one now, which its subscribers did not get: it was
/// accepted while its node could not be reached. For later subscribers; ignore it before the Subscribed of the channel.
struct RetainedFound {
    std::string channel;
    RetainedEvent event;
};

/// A user has joined or left a presence channel of this shard, wherever in the mesh: each change once, in order. Ignore
/// it before the Subscribed of the channel.
struct MemberChanged {
    std::string channel;
    PresenceMember member;
    bool joined = false;
};

enum class JoinOutcome : std::uint8_t {
    kJoined,    ///< in the list, which the shard has by then
    kFull,      ///< max_members
    kNotReady,  ///< the node is leaving, or the channel is not subscribed here
    kTooLarge,
};

struct MemberJoined {
    std::uint64_t id = 0;
    JoinOutcome outcome = JoinOutcome::kJoined;
};

enum class PublishOutcome : std::uint8_t {
    kAccepted,   ///< numbered, and due to every interested member
    kNotReady,   ///< the node has not joined yet, or is leaving
    kTooLarge,   ///< over a limit of record.hpp; the edge should have refused it
    kNotSpoken,  ///< a member speaks an older version of the protocol, which can't say this: data that are not JSON
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
    std::vector<std::pair<std::string, RetainedEvent>> retained =
        {};  ///< of the channels asked for, those that have one
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

/// The session with a member, while it stands.
struct SessionStatus {
    std::uint64_t tag = 0;  ///< the number of our attempt at it; the member knows it as its peer_tag
    std::uint64_t peer_tag = 0;
    std::uint32_t protocol = 0;          ///< version of the mesh protocol that is spoken in it
    bool interest_known = false;         ///< the member's interest was taken over once
    std::uint64_t interest_version = 0;  ///< held of the member's interest, with its digest
    std::uint64_t interest_digest = 0;
    std::uint64_t acked_version = 0;   ///< of our interest, acknowledged by the member
    std::uint64_t data_silent_ms = 0;  ///< since anything came by the data path
    std::string heard_via;             ///< the witness through which we hear it; empty: directly
    std::string hears_via;             ///< the one through which it hears us; empty: directly
    std::int64_t clock_offset_us = 0;  ///< its monotonic clock less ours …
    std::uint64_t clock_error_us = 0;  ///< … give or take; 0: not measured yet
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
    std::uint64_t rtt_us = 0;    ///< smoothed; 0 before the first measurement
    std::uint64_t gaps = 0;      ///< holes found in what this member sent us
    std::uint64_t repaired = 0;  ///< of those, filled
    std::uint64_t sessions = 0;  ///< that have stood with this incarnation of it
    bool name_conflict = false;
    std::optional<SessionStatus> session;
};

/// A node that was refused, by us or refusing us.
struct RefusalStatus {
    bool by_us = false;
    std::string name;  ///< of the other; its oid where that is not known
    std::string endpoint;
    std::string reason;  ///< cluster, protocol, name, or full
    std::string text;
    std::uint64_t count = 0;
    std::uint64_t ago_ms = 0;  ///< the last time
};

struct NodeStatus {
    MemberStatus self;
    std::uint64_t configured = 0;         ///< peers that the configuration names, but for this node itself …
    std::uint64_t met = 0;                ///< … and those of them where a session has stood
    bool refused = false;                 ///< all of them that have answered refuse this node: it does not serve
    bool deaf = false;                    ///< this node's own control path does not work: it does not serve
    std::vector<RefusalStatus> refusals;  ///< the latest, each once
    std::uint64_t interest_version = 0;   ///< of this node's own interest, with its digest
    std::uint64_t interest_digest = 0;
    std::int64_t monotonic_us = 0;  ///< the hub's clock and the wall clock at one moment; put in by the shell
    std::int64_t wall_us = 0;
    std::vector<MemberStatus> members;  ///< the others, by name
    bool ready = false;
    std::vector<std::pair<std::string, std::uint64_t>> counters;  ///< name in snake_case, value; all only grow
    std::vector<std::pair<std::string, std::uint64_t>> gauges;
};

struct StatusReply {
    std::uint64_t id = 0;
    NodeStatus status;
};

/// What has become of a marked message at one node.
enum class TraceFate : std::uint8_t {
    kOrigin,  ///< it was sent from here
    kGot,
    kNoSubscriber,     ///< not sent there: no client of that node is subscribed
    kInterestUnknown,  ///< due to it perhaps: the session is so new that its interest is not known
    kNoSession,        ///< due to it perhaps, once there is a session
    kNoReport,         ///< due to it, but it has not said that it has it
};

struct TraceLine {
    std::string name;
    OriginId oid;
    std::string state;  ///< as in MemberStatus
    TraceFate fate = TraceFate::kNoReport;
    TracePath path = TracePath::kDirect;
    std::string via;               ///< name; empty for none
    std::uint32_t shards = 0;      ///< with subscribers, there
    std::int64_t reported_us = 0;  ///< from the sending until the report was here
    /// From the sending until it was there, by the receiver's clock, give or take `clock_error_us`; nothing when the
    /// difference of the clocks has not been measured.
    std::optional<std::int64_t> received_us;
    std::uint64_t clock_error_us = 0;
};

enum class TraceOutcome : std::uint8_t {
    kSent,
    kNotReady,    ///< as of a Publish
    kBadChannel,  ///< empty or over kMaxChannelBytes
    kTooMany,     ///< Limits::traces are under way
};

struct TraceResult {
    std::uint64_t id = 0;
    TraceOutcome outcome = TraceOutcome::kSent;
    RecordNo n;                    ///< the marked message, when sent
    std::vector<TraceLine> lines;  ///< this node first, the others by name
};

/// To the shard that does this node's duties, when this node is the one for `key`: the sum over the mesh is now
/// `count`, and `told` is what was dealt with last. Comes again under the same token whenever `count` changes before
/// the DutyDone (which it may cross: ignore a token that has been answered; each new one is greater), and anew after it
/// as long as the two differ. Another node may begin anew with what was told when this one dies.
struct DutyChanged {
    std::uint64_t token = 0;
    std::string key;
    std::string item;
    SharedBytes info;
    std::uint64_t told = 0;
    std::uint64_t count = 0;
    /// Null: `told` is sure. Else whoever this names (as a DutyDone of another shard did; empty: everybody) may have
    /// heard something else last, and has to be told the whole truth.
    SharedBytes behind = {};
};

/// To the same: another node does this duty from now on. Drop what has not gone out, repeat nothing, and answer
/// DutyDone as soon as nothing more of it can reach the world outside: the other node waits for that a while. A token
/// that has been answered is ignored.
struct DutyRevoked {
    std::uint64_t token = 0;
};

/// To the same: do this, then answer DutyDone.
struct DutyPerform {
    std::uint64_t token = 0;
    std::string key;
    SharedBytes body;
};

/// To the same: this node is leaving, and no other stays that could do its duties. What is told now is the last word:
/// tell it without delay, and again and again until the node has left.
struct DutyLast {};

/// What all the others in the mesh use, other nodes and other shards of this one: sums by name over what each has said
/// last (ShareUsage). Sent when it has changed, at most once a second.
struct ClusterUsage {
    std::uint64_t sources = 1;  ///< shards of the whole mesh that share, this one included
    std::vector<std::pair<std::string, std::uint64_t>> others;
};

using ToShard = std::variant<Deliver, Subscribed, RetainedFound, MemberChanged, MemberJoined, Published, LocalQuery,
                             QueryResult, Gap, Readiness, StatusReply, TraceResult, DutyChanged, DutyRevoked,
                             DutyPerform, DutyLast, ClusterUsage>;

// ---- limits
// ----------------------------------------------------------------------------------------------------------

inline constexpr std::size_t kMaxChannelBytes = 320;  ///< mark + app id (64) + '/' + channel name (200), with room
inline constexpr std::size_t kMaxUserBytes = 256;
inline constexpr std::size_t kMaxUserInfoBytes = 16u << 10;
inline constexpr std::size_t kMaxRecordChannels = 100;
/// of an event: name, data and sender together; of a task likewise
inline constexpr std::size_t kMaxBodyBytes = 1u << 20;
inline constexpr std::size_t kMaxQueryBytes = 4096;
inline constexpr std::size_t kMaxQueryPartBytes = 192u << 10;
inline constexpr std::size_t kMaxQueryRetained = 16;
inline constexpr Duration kMaxKeepFor = 24h;
inline constexpr std::size_t kMaxDutyItemBytes = 320;
/// 16 endpoints of an app at 8 bytes, and as many of its former ones
inline constexpr std::size_t kMaxDutyBehindBytes = 256;
inline constexpr std::size_t kMaxUsageEntries = 256;

using HubMailbox = Mailbox<FromShard>;
using ShardMailbox = Mailbox<ToShard>;

}  // namespace tulle::mesh
