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
#include "mesh/core/history/history_page.hpp"
#include "mesh/core/node/node_status.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/records/record.hpp"

/// The port between the hub and the shards: two kinds of mailbox and the values that cross them. The edge knows nothing
/// else of the mesh, nor the mesh of the edge. Values own their contents; a body is shared, never copied.
namespace tulle::mesh {

/// Index of a shard, 0-based, below kMaxShards. The admin listener counts as a shard that never subscribes.
using ShardIndex = Strong<struct ShardIndexTag, std::uint16_t>;
/// A set of shards is a mask of 64 bits (DeliverLocal::shards).
inline constexpr std::size_t kMaxShards = 64;

// ---- shard to hub
// ----------------------------------------------------------------------------------------------------

/// Some of the channels of a publish: `count` channels, the first of them at index `first`.
struct ChannelRange {
    std::size_t first = 0;
    std::size_t count = 0;
};

/// Number the message and deliver it to all subscribers of the channels. Answered by Published with the same id, after
/// the Deliver to this shard if the shard has subscribers.
struct Publish {
    enum class Answers : std::uint8_t { kAlways, kRefusal };

    /// The shard's own id; 0: no answer wanted.
    std::uint64_t id = 0;
    std::vector<std::string> channels;
    SharedBody body;
    std::string exclude_socket;
    /// The first `retained` of `channels` keep the message as their last event, for `keep_for` (at most kMaxKeepFor).
    std::size_t retained = 0;
    Duration keep_for = {};
    /// kRefusal: an accepted message is not answered.
    Answers answers = Answers::kAlways;
    /// See Record::context.
    SharedBytes context = {};
    /// Nodes that must hold the message before the publish is accepted, this node included: 1 to kMaxCopies.
    std::uint8_t copies = 1;
    /// The channels that want the copies: the message also goes to the keepers of these channels, which need no
    /// subscriber. REQUIRES: not empty when `copies` is more than 1.
    ChannelRange copied = {};
    /// The channels that keep the message in their history: the message also goes to the keepers of these channels.
    /// Null: none.
    RecordHistoryPtr history = {};
};

/// The shard has got its first subscriber of `channel`. Answered by Subscribed with the same generation once every
/// member of the mesh holds the interest. The shard counts `generation` up, so an answer to an older request is
/// recognised.
struct Subscribe {
    std::string channel;
    std::uint64_t generation = 0;
    /// The channel has members: the answer also waits for the list of every member of the mesh.
    bool presence = false;
    /// The channel keeps its last event: the answer brings the event, as known by every member of the mesh.
    bool retained = false;
};

/// A user's first connection on this shard to a presence channel that is Subscribed here. Answered by MemberJoined.
struct MemberJoin {
    std::uint64_t id = 0;
    std::string channel;
    PresenceMember member;
    /// Most users of the channel in the whole mesh; a further user is refused.
    std::size_t max_members = 0;
};

/// The user's last connection on this shard is gone. Sent before any Unsubscribe of the channel. Not answered.
struct MemberLeave {
    std::string channel;
    std::string user;
};

/// The shard has lost its last subscriber of `channel` (confirmed or pending). Not answered.
struct Unsubscribe {
    std::string channel;
};

/// Ask every shard of every member; `body` is opaque to the mesh, and at most kMaxQueryBytes long. Answered by
/// QueryResult within `timeout`.
struct Query {
    std::uint64_t id = 0;
    std::string body;
    Duration timeout{};
    /// Channels for which the last event is asked too; at most kMaxQueryRetained.
    std::vector<std::string> retained = {};
    /// The only nodes to ask; empty for all nodes, this one included. A node without a session counts as missing. The
    /// body of a question to some nodes may have kMaxDirectedQueryBytes.
    std::vector<OriginId> to = {};
    /// A question about the history of a channel, asked too.
    std::optional<HistoryAsk> history = {};
};

/// A part of this shard's answer to a LocalQuery, at most kMaxQueryPartBytes. Parts arrive in order; the part with
/// `last` ends the answer. A shard with nothing to say sends a single empty last part. A shard that never answers makes
/// every query wait for its whole timeout.
struct LocalAnswer {
    std::uint64_t token = 0;
    std::string body;
    bool last = true;
};

/// The load of this shard, for `status`. Sent after a change, at most four times a second.
struct ShardLoad {
    std::uint64_t clients = 0;
};

/// Asks for the hub's knowledge: members, links, counters. Answered by StatusReply.
struct StatusRequest {
    std::uint64_t id = 0;
};

/// Answered by Echoed with the same id, after everything that the hub has done for any port by then: a port learns so
/// that it has been delivered every message that was published on this node before the Echo.
struct Echo {
    std::uint64_t id = 0;
};

/// Send a marked message to `channel` the way of every other message, and report which nodes got the message, when and
/// by which path. No client sees the message. Answered by TraceResult when all nodes concerned have reported, or after
/// `timeout`.
struct Trace {
    std::uint64_t id = 0;
    std::string channel;
    Duration timeout{};
};

/// How much of `item` under `key` this shard holds now. The node that rendezvous hashing names for the key learns the
/// sum over the mesh (DutyChanged), exactly once for each change that stays. 0 means "none any more".
struct DutyCount {
    std::string key;   ///< as long as a channel's key
    std::string item;  ///< at most kMaxDutyItemBytes; "" is an item like others
    std::uint64_t count = 0;
    /// Opaque, at most kMaxUserInfoBytes; may be null. Of many holders' infos any may be used.
    SharedBytes info;
};

/// Work to be done once, by the node that rendezvous hashing names for `key` (DutyPerform); at least once if that node
/// dies.
struct DutyTask {
    std::string key;
    SharedBytes body;  ///< opaque; at most kMaxBodyBytes
};

/// The end of a DutyChanged.
enum class DutyOutcome : std::uint8_t {
    kTold,  ///< dealt with
    /// Revoked, and nobody outside has heard of the change.
    kDropped,
    /// Revoked, and nobody knows who has heard of the change: a request may have arrived without an answer.
    kUnknown,
    /// Revoked. `told` has been dealt with, except for the endpoints in `behind`: nobody knows the last word that those
    /// have heard.
    kPartly,
};

/// The answer to a DutyChanged or DutyPerform, by the shard that does this node's duties. Nothing of the duty reaches
/// the outside world afterwards.
struct DutyDone {
    std::uint64_t token = 0;
    /// For a DutyChanged: the count that has been dealt with.
    std::uint64_t told = 0;
    DutyOutcome outcome = DutyOutcome::kTold;
    /// For kPartly: the endpoints in doubt, opaque to the mesh, for the next shard with this duty. More than
    /// kMaxDutyBehindBytes stand for all endpoints.
    SharedBytes behind = {};
};

/// The shard's present usage of limits rationed over the whole mesh. Replaces the shard's former usage. Sent at most
/// once a second.
struct ShareUsage {
    /// By name; at most kMaxUsageEntries.
    std::vector<std::pair<std::string, std::uint64_t>> entries;
};

/// Which messages of a channel with history a new subscriber of a shard is to get first. The channel must be Subscribed
/// here. Answered by Resumed with the same id: the subscriber is to get the messages that come behind the answer.
struct Resume {
    std::uint64_t id = 0;
    std::string channel;
    /// The limits of the channel's history.
    HistoryLimits limits;
    /// The messages behind this position.
    std::optional<HistoryPosition> since = {};
    /// Without a position: the last so many messages, or the messages of the last so long a time. 0: none.
    std::size_t rewind = 0;
    Duration rewind_for{};
    /// Messages with this exclude_socket are left out.
    std::string socket = {};
    /// Most messages, and most bytes of them by HistoryItem::cost().
    std::size_t most = 0;
    std::size_t most_bytes = 0;
};

/// All that a shard may say to the hub.
using ToHub = std::variant<Publish, Subscribe, Unsubscribe, MemberJoin, MemberLeave, Query, LocalAnswer, ShardLoad,
                           StatusRequest, Trace, DutyCount, DutyTask, DutyDone, ShareUsage, Echo, Resume>;
using FromShard = std::pair<ShardIndex, ToHub>;

// ---- hub to shard
// ----------------------------------------------------------------------------------------------------

/// Deliver to this shard's confirmed subscribers of each of record->channels, but not to record->exclude_socket.
struct Deliver {
    RecordPtr record;
    Numbered numbered = {};
};

/// Every member holds the interest in `channel`: confirm the pending subscribers.
struct Subscribed {
    std::string channel;
    std::uint64_t generation = 0;
    /// For a presence channel: its present users, by user. MemberChanged keeps the list true from here on. Null
    /// otherwise.
    std::shared_ptr<const std::vector<PresenceMember>> members;
    /// For a channel that keeps its last event: the event, if any. Later events come by Deliver; an event with the same
    /// stamp or an older stamp may come again.
    std::optional<RetainedEvent> last = {};
};

/// A newer last event of a channel has been found. The channel's subscribers did not get the event, because the
/// accepting node could not be reached. For later subscribers; the shard ignores a RetainedFound before the channel's
/// Subscribed.
struct RetainedFound {
    std::string channel;
    RetainedEvent event;
};

/// A user has joined or left a presence channel of this shard, wherever in the mesh: each change once, in order. The
/// shard ignores a MemberChanged before the channel's Subscribed.
struct MemberChanged {
    std::string channel;
    PresenceMember member;
    bool joined = false;
};

/// The result of a MemberJoin.
enum class JoinOutcome : std::uint8_t {
    kJoined,    ///< in the list of users, which the shard has by then
    kFull,      ///< the channel has max_members users
    kNotReady,  ///< the node is leaving, or the channel is not subscribed here
    kTooLarge,  ///< the user or the info is over its limit
};

/// The answer to the MemberJoin with the same id.
struct MemberJoined {
    std::uint64_t id = 0;
    JoinOutcome outcome = JoinOutcome::kJoined;
};

/// The result of a Publish.
enum class PublishOutcome : std::uint8_t {
    kAccepted,  ///< numbered, and due to every interested member
    kNotReady,  ///< the node has not joined yet, or is leaving
    kTooLarge,  ///< over a limit of this header; the edge should have refused the message
    /// The data are not JSON, and a member speaks an older protocol version without such data.
    kNotSpoken,
    /// Fewer nodes than wanted hold the message, or could hold the message. With a number, the message was delivered.
    kFewCopies,
    kBusy,  ///< Limits::awaited_copies publishes wait for copies
};

/// The answer to the Publish with the same id.
struct Published {
    std::uint64_t id = 0;
    PublishOutcome outcome = PublishOutcome::kAccepted;
    /// The record's number; 0: not numbered, so nobody gets the message.
    RecordNo n;
    /// For a publish that wants copies: the nodes that hold the message, as far as this node knows, this node included;
    /// of a message that was not numbered, the nodes that could have held the message. 0 for other publishes.
    std::uint32_t copies = 0;
    /// The copies that the publish wants; 0 for a publish that wants none.
    std::uint32_t wanted = 0;
};

/// A question to this shard, to be answered by LocalAnswer parts with the same token.
struct LocalQuery {
    std::uint64_t token = 0;
    std::string body;
};

/// All parts that arrived before the deadline, in no promised order; `missing` names the members that did not finish.
struct QueryResult {
    std::uint64_t id = 0;
    std::vector<std::string> parts;
    std::vector<std::string> missing;
    /// The last events of the channels asked for, as far as known.
    std::vector<std::pair<std::string, RetainedEvent>> retained = {};
    /// Nothing when no history was asked for.
    std::optional<HistoryPage> history = {};
};

/// Messages that could not be delivered, for the subscribers of `channel` on this shard. An empty channel means every
/// channel of this shard, as the channels are no longer known. `missing` 0: an unknown number.
struct Gap {
    std::string channel;
    std::uint64_t missing = 0;
};

/// Tells whether the node serves clients: false while joining and from the beginning of a drain.
struct Readiness {
    bool ready = false;
    /// This process, as the other nodes name it.
    OriginId self = {};
};

/// The answer to the Echo with the same id.
struct Echoed {
    std::uint64_t id = 0;
};

/// A session with another node stands from here on; or, when `is_gone`, it has ended: the node is dead, has left, or
/// begins a session anew, which is told next.
struct PeerChange {
    OriginId oid;
    bool is_gone = false;
};

/// The answer to the StatusRequest with the same id.
struct StatusReply {
    std::uint64_t id = 0;
    NodeStatus status;
};

/// The fate of a marked message at a node.
enum class TraceFate : std::uint8_t {
    kOrigin,  ///< the message was sent from here
    kGot,
    /// Not sent there: no client of the node is subscribed.
    kNoSubscriber,
    /// Perhaps due: the session is so new that the node's interest is not known.
    kInterestUnknown,
    /// Perhaps due, once a session stands.
    kNoSession,
    /// Due, but the node has not reported the message.
    kNoReport,
};

/// The fate of a marked message at the node `name`.
struct TraceLine {
    std::string name;
    OriginId oid;
    std::string state;  ///< as in MemberStatus
    TraceFate fate = TraceFate::kNoReport;
    TracePath path = TracePath::kDirect;
    /// Name of the relaying or filling node; empty for none.
    std::string via;
    /// Shards of the node with subscribers.
    std::uint32_t shards = 0;
    /// Time from the sending until the report came here.
    std::int64_t reported_us = 0;
    /// Time from the sending until the message came there, by the receiver's clock, within `clock_error_us`; nothing
    /// when the difference of the clocks has not been measured.
    std::optional<std::int64_t> received_us;
    std::uint64_t clock_error_us = 0;
};

/// The result of a Trace.
enum class TraceOutcome : std::uint8_t {
    kSent,
    kNotReady,    ///< as for a Publish
    kBadChannel,  ///< empty or over kMaxChannelBytes
    kTooMany,     ///< Limits::traces are under way
};

/// The answer to the Trace with the same id.
struct TraceResult {
    std::uint64_t id = 0;
    TraceOutcome outcome = TraceOutcome::kSent;
    RecordNo n;  ///< the marked message, when sent
    /// The asked node first, the others by name.
    std::vector<TraceLine> lines;
};

/// To the shard that does this node's duties, when this node is named for `key`: the sum over the mesh is now `count`,
/// and `told` is the sum dealt with last. Comes again under the same token whenever `count` changes before the
/// DutyDone, and under a new, greater token after the DutyDone as long as the two differ. The shard ignores a token
/// that it has answered, as the two messages may cross. After the death of this node another node may begin again with
/// `told`.
struct DutyChanged {
    std::uint64_t token = 0;
    std::string key;
    std::string item;
    SharedBytes info;
    std::uint64_t told = 0;
    std::uint64_t count = 0;
    /// Null: `told` is sure. Otherwise the endpoints in `behind` (as in a DutyDone of another shard; empty: all
    /// endpoints) may have heard something else last, and must be told the whole truth.
    SharedBytes behind = {};
};

/// To the same shard: another node does this duty from here on. Drop everything that has not gone out, repeat nothing,
/// and answer DutyDone as soon as nothing more of the duty can reach the outside world: the other node waits a while
/// for the answer. A token that has been answered is ignored.
struct DutyRevoked {
    std::uint64_t token = 0;
};

/// To the same shard: do the task, then answer DutyDone.
struct DutyPerform {
    std::uint64_t token = 0;
    std::string key;
    SharedBytes body;
};

/// To the same shard: this node is leaving, and no other node stays for its duties. Reports are now the last word: tell
/// them without delay, and repeatedly until the node has left.
struct DutyLast {};

/// The usage of all others in the mesh, other nodes and other shards of this node: sums by name over the last
/// ShareUsage of each. Sent after a change, at most once a second.
struct ClusterUsage {
    /// Shards of the whole mesh that share, this shard included.
    std::uint64_t sources = 1;
    std::vector<std::pair<std::string, std::uint64_t>> others;
};

/// The result of a Resume.
enum class ResumeOutcome : std::uint8_t {
    kBegun,      ///< no position was given
    kRecovered,  ///< the messages are all that the client has missed
    kTooMany,    ///< more messages than wanted
    kEvicted,    ///< a message that was missed is held no more
    /// Perhaps a message was missed that no node knows of: its holders are gone, or have not been told of all.
    kLost,
};

/// The answer to the Resume with the same id.
struct Resumed {
    std::uint64_t id = 0;
    ResumeOutcome outcome = ResumeOutcome::kBegun;
    /// Oldest first. Empty for kTooMany, kEvicted and kLost.
    std::vector<HistoryItem> items = {};
    /// The position before the messages: each message that the client gets moves the position on.
    HistoryPosition at = {};
    /// For kRecovered, and for a newcomer: messages with history of these origins, up to the stamp given, may still
    /// come by Deliver although the client has them, from another node or by this answer. Within Limits::ring_age.
    std::vector<Stamp> ahead = {};
};

/// All that the hub may say to a shard.
using ToShard = std::variant<Deliver, Subscribed, RetainedFound, MemberChanged, MemberJoined, Published, LocalQuery,
                             QueryResult, Gap, Readiness, StatusReply, TraceResult, DutyChanged, DutyRevoked,
                             DutyPerform, DutyLast, ClusterUsage, PeerChange, Echoed, Resumed>;

// ---- limits
// ----------------------------------------------------------------------------------------------------------

/// Mark + app id (64) + '/' + channel name (200), with room.
inline constexpr std::size_t kMaxChannelBytes = 320;
inline constexpr std::size_t kMaxUserBytes = 256;
inline constexpr std::size_t kMaxUserInfoBytes = 16u << 10;
inline constexpr std::size_t kMaxRecordChannels = 100;
/// Most copies that a publish may want.
inline constexpr std::size_t kMaxCopies = kKeepers;
/// The context of a traced message: an id of 16 bytes, one of 8, and room for what tracing systems add.
inline constexpr std::size_t kMaxContextBytes = 64;
/// Name, data and sender of an event together; a task's body likewise.
inline constexpr std::size_t kMaxBodyBytes = 1u << 20;
inline constexpr std::size_t kMaxQueryBytes = 4096;
inline constexpr std::size_t kMaxQueryPartBytes = 192u << 10;
/// A node of an older version takes kMaxQueryBytes, so a longer question goes only to nodes that are known to take it.
inline constexpr std::size_t kMaxDirectedQueryBytes = 192u << 10;
inline constexpr std::size_t kMaxQueryRetained = 16;
inline constexpr Duration kMaxKeepFor = 24h;
inline constexpr std::size_t kMaxDutyItemBytes = 320;
/// 16 endpoints of an app at 8 bytes, and as many former endpoints.
inline constexpr std::size_t kMaxDutyBehindBytes = 256;
inline constexpr std::size_t kMaxUsageEntries = 256;

using HubMailbox = Mailbox<FromShard>;
using ShardMailbox = Mailbox<ToShard>;

}  // namespace tulle::mesh
