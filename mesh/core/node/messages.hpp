#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mesh/base/ids.hpp"
#include "mesh/core/history/history_page.hpp"
#include "mesh/core/node/frame.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/records/record.hpp"

/// The messages between nodes, as values. The wire layer encodes them, within limits of its own; the simulator passes
/// them as they are. A value checks nothing: receivers must expect any content.
namespace tulle::mesh {

/// Tag of an attempt at a session. The upper half counts a sender's attempts upwards; the lower half can't be guessed.
/// A message bears the tag that its *receiver* chose, so messages of an ended session are recognised and dropped.
using SessionTag = Strong<struct SessionTagTag, std::uint64_t>;
/// The ids of a node's mesh keys, as numbers; the key in use first.
using MeshKeyIds = std::vector<std::uint32_t>;

/// The addresses of a node, "host:port" each: both mesh ports, and the port for clients.
struct Endpoints {
    std::string control;
    std::string data;
    std::string listen;
    friend bool operator==(const Endpoints&, const Endpoints&) = default;
};

/// A node, as a peer names the node to others.
struct MemberInfo {
    OriginId oid;
    std::string name;
    Endpoints endpoints;
    friend bool operator==(const MemberInfo&, const MemberInfo&) = default;
};

/// How a node introduces itself, in every message that may be the first word between two nodes. Nothing in it is
/// proved.
struct Introduction {
    std::string cluster;
    std::string name;
    std::string version;
    Endpoints endpoints;
    std::uint32_t oldest_protocol = 0;
    std::uint32_t newest_protocol = 0;
    /// The sender serves clients already: an established holder of its name.
    bool ready = false;
};

// ---- control
// ---------------------------------------------------------------------------------------------------------

/// "Who is there?" Sent to an endpoint with an unknown node, or with a node that may have changed. Answered by a Hello.
/// Makes no session.
struct Knock {
    Introduction who;
    /// The endpoint as the sender knows it, echoed in Hello::knocked.
    std::string dialled;
    /// Echoed in Refuse::echo and Hello::echo.
    std::uint64_t nonce = 0;
};

/// How far the two logs have come, told by each side of a new session to the other.
struct SessionTerms {
    /// All of the receiver's records up to this number are delivered at the sender; nothing if the two never had a
    /// session.
    std::optional<RecordNo> delivered;
    /// The sender's last record when the sender drew the tag of its first attempt that led to a session. The sender's
    /// link starts there if the other side has nothing `delivered`.
    RecordNo at;
    /// The receiver's records beyond `delivered` that others have filled in, ascending. Records between would come out
    /// of order, so they must be reported as gone.
    std::vector<RecordNo> extras;
    /// The members known to the sender, at most Limits::members_per_message.
    std::vector<MemberInfo> members;
};

/// Offers a session. Answered by a Welcome or a Refuse; repeated until the session stands.
struct Hello {
    Introduction who;
    SessionTag tag;
    SessionTerms terms;
    /// Knock::dialled and Knock::nonce, when the Hello answers a Knock. Without the nonce anybody could answer for the
    /// node there.
    std::string knocked;
    std::uint64_t echo = 0;
};

/// Accepts the session that a Hello offers.
struct Welcome {
    Introduction who;
    /// The tag of the answered Hello.
    SessionTag echo;
    SessionTag tag;
    SessionTerms terms;
};

/// Why a node does not take another node in: another cluster, no common protocol version, a taken name, a full member
/// table. kKey: the mesh keys differ; the transport finds that out, and no message says so.
enum class RefusalReason : std::uint8_t { kCluster, kProtocol, kNameTaken, kFull, kKey };

/// The name of the reason in `status` and in the log.
[[nodiscard]] constexpr const char* to_text(RefusalReason reason) {
    switch (reason) {
        case RefusalReason::kCluster:
            return "cluster";
        case RefusalReason::kProtocol:
            return "protocol";
        case RefusalReason::kNameTaken:
            return "name";
        case RefusalReason::kFull:
            return "full";
        case RefusalReason::kKey:
            return "key";
    }
    return "?";
}

/// Turns a node away, in answer to a Knock, a Hello or a Welcome.
struct Refuse {
    RefusalReason reason = RefusalReason::kCluster;
    std::string text;
    /// The nonce of the refused Knock, or the tag of the refused Hello or Welcome. Without the echo anybody could
    /// refuse.
    std::uint64_t echo = 0;
};

/// How much a node carries, for `status`.
struct Load {
    std::uint64_t uptime_s = 0;
    std::uint64_t clients = 0;
    std::uint64_t channels = 0;
};

/// Sent to each peer every Timing::heartbeat, on control. Each field belongs to a service, written and read there.
struct Heartbeat {
    FrameNo last_sent;
    /// All records up to this number were considered for the link.
    RecordNo upto;
    FrameNo received;  ///< receipt for the other direction
    /// Version and digest of the sender's interest.
    InterestVersion version;
    std::uint64_t digest = 0;
    /// The version of the receiver's interest that the sender holds.
    InterestVersion applied;
    /// The sender's monotonic clock at the sending, in microseconds.
    std::int64_t sent_at_us = 0;
    /// sent_at_us of the last heartbeat received, 0 for none, and how long ago that heartbeat came.
    std::int64_t echo_us = 0;
    std::int64_t echo_held_us = 0;
    std::uint64_t members_digest = 0;  ///< PeerTable::digest() of the sender
    Load load;
    bool ready = false;           ///< the sender serves clients
    std::uint64_t hybrid_us = 0;  ///< the sender's hybrid clock
    /// The witness that passes on the receiver's words, because the sender does not hear the receiver; 0: the sender
    /// hears the receiver directly.
    OriginId deaf_via;
    /// Digest of the members among whom the sender has handed all duties over to the receiver; 0: not yet.
    std::uint64_t duty_view = 0;
    /// How often the members of duty_view have changed for the sender. The greater number is newer: a heartbeat may be
    /// overtaken.
    std::uint64_t duty_view_no = 0;
    /// The sender has no clients any more and will go: the sender takes no duties over, unless `last` is set.
    bool leaving = false;
    /// No node stays, and the other leavers hand their duties over to the sender.
    bool last = false;
    /// The ids of the sender's mesh keys; at most kMaxKeyIds.
    MeshKeyIds key_ids;
    /// For so many milliseconds from now on the sender's ports may be closed for a moment, because the sender's keys
    /// change. 0: no. At most kMaxRebindMs.
    std::uint32_t rebind_ms = 0;
    /// While records wait for the link, as the receiver gives no receipts: the last record that the sender has
    /// accepted. 0: none waits.
    RecordNo waits_upto;
    /// The sender keeps what it accepts in histories: nodes of older builds do not.
    bool keeps_histories = true;
    /// The sender knows the receiver's interest, and sends what is due.
    bool is_open = false;
};

/// Names nodes to the receiver, at most Limits::members_per_message.
struct Members {
    std::vector<MemberInfo> members;
};

/// A channel that was added to the sender's interest, or removed.
struct InterestChange {
    bool add = false;
    std::string channel;
    friend bool operator==(const InterestChange&, const InterestChange&) = default;
};

/// Versions base+1 … base+changes.size() of the sender's interest, in order. Answered by an InterestAck.
struct InterestDelta {
    InterestVersion base;
    std::vector<InterestChange> changes;
    InterestVersion current;  ///< the sender's version at the sending
};

/// "I hold your interest up to this version."
struct InterestAck {
    InterestVersion applied;
};

/// "Send me your interest after `have`", or the next chunk of a snapshot.
struct InterestPull {
    InterestVersion have;
    /// The snapshot to go on with; 0: deltas if the log reaches back, otherwise a new snapshot.
    std::uint64_t snapshot = 0;
    /// The last channel received of the snapshot.
    std::string after;
    /// The digests differ, so deltas would not help: send a snapshot.
    bool fresh = false;
};

/// Channels of a snapshot in byte order. The interest may change while a snapshot is read; deltas after `base` make the
/// result exact.
struct InterestChunk {
    std::uint64_t snapshot = 0;
    InterestVersion base;
    std::string after;
    std::vector<std::string> channels;
    bool last = false;
    InterestVersion current;
};

/// "I have received all your frames up to this number": gives back credit.
struct Receipt {
    FrameNo received;
};

/// The frames from `first` to `last`, both included.
struct FrameRange {
    FrameNo first;
    FrameNo last;
    friend bool operator==(const FrameRange&, const FrameRange&) = default;
};

/// "Send me these frames again", at most Limits::nack_ranges.
struct Nack {
    std::vector<FrameRange> missing;
};

/// "Do you hear `target`?" `round` is echoed in the answer.
struct ProbeAsk {
    OriginId target;
    std::uint32_t round = 0;
};

/// A witness's word about a peer; kUnknown: the witness has never had a session with the peer.
enum class Hearing : std::uint8_t { kUnknown, kNo, kYes };

/// The answer of a witness.
struct ProbeAnswer {
    OriginId target;
    std::uint32_t round = 0;
    Hearing hearing = Hearing::kUnknown;
    std::uint64_t silence_us = 0;  ///< since the witness last heard the target
};

/// A question to all shards of the receiver. Answered by QueryAnswer messages with the same id.
struct QueryAsk {
    std::uint64_t id = 0;
    std::string body;
    std::uint32_t timeout_ms = 0;
    /// Channels for which the last event is asked too.
    std::vector<std::string> retained = {};
    /// A question about the history of a channel, asked too. A node of an older build does not answer this question.
    std::optional<HistoryAsk> history = {};
};

/// A part of the answer; the part with `last` ends the answer.
struct QueryAnswer {
    std::uint64_t id = 0;
    std::string body;
    bool last = false;
    /// The sender's last event of a channel asked for; may be null.
    RetainedPartPtr retained = {};
    /// The number of this part of the sender's answer, from 1: a part may be lost, or come behind the last one. 0 from
    /// nodes of an older build, whose last part ends the answer.
    std::uint32_t part = 0;
    /// A piece of the sender's answer about the history asked for; may be null.
    HistoryPartPtr history = {};
};

/// The usage of limits rationed over the mesh, summed over the sender's shards by name. Replaces the sender's former
/// Usage.
struct Usage {
    std::uint64_t sources = 0;  ///< the sender's shards that share
    std::vector<std::pair<std::string, std::uint64_t>> entries;
};

/// Goodbye: the sender's last frame is `last_frame`. Repeated until a LeaveReceipt comes.
struct Leave {
    FrameNo last_frame;
};

/// "All your frames have come; you may go."
struct LeaveReceipt {};

/// "Do you still know our session?" Asked by a node that has slept too long; answered at once by a Pong.
struct Ping {
    std::uint64_t nonce = 0;
};

/// The answer to the Ping with the same nonce.
struct Pong {
    std::uint64_t nonce = 0;
};

/// "This origin is dead for me. I have delivered its log up to `delivered`: send me all that you have beyond." Answered
/// by Fill.
struct Wake {
    OriginId origin;
    RecordNo delivered;
};

/// The answer to a Wake: records of a dead origin, in order of n. `last` ends the answer, when all parts have come.
struct Fill {
    OriginId origin;
    std::vector<RecordPtr> records;
    bool last = false;
    /// Records asked for that the origin had reported to the sender as gone. In the last part only.
    Gone gone;
    std::uint64_t answer = 0;  ///< the sender's own number of the answer
    std::uint32_t part = 0;    ///< from 1; 0: the sender numbers neither
};

/// "I have got your marked record n", by the sender's clock at `at_us`.
struct TraceReport {
    RecordNo n;
    TracePath path = TracePath::kDirect;
    OriginId via;  ///< the node that relayed or filled in; 0: none
    std::int64_t at_us = 0;
    std::uint32_t shards = 0;  ///< the sender's shards with subscribers
};

/// How much of an item the sender holds, for the node that does the duties of the key.
struct DutyReport {
    std::string key;
    std::string item;
    /// The sender's own number of the report, echoed in DutySettle.
    std::uint64_t revision = 0;
    std::uint64_t current = 0;
    /// The count that was dealt with over the whole mesh, as the sender has learnt. The greatest told_version wins.
    std::uint64_t told = 0;
    std::uint64_t told_version = 0;
    /// The sender holds nothing any more, or reports to another node from here on.
    bool away = false;
    /// The sender itself did this duty until now.
    bool was_desk = false;
    /// As `away`. The sender has told the other node its own knowledge, perhaps less than the receiver's.
    bool moved = false;
    /// Not 0: a node that did this duty before may have told the outside world something other than `told` last. Each
    /// new doubt has a greater number.
    std::uint64_t doubt = 0;
    SharedBytes info = {};
    /// The endpoints in doubt, as in DutyDone; null: all endpoints. Nodes without knowledge of the field take the doubt
    /// for one about all.
    SharedBytes behind = {};
};

/// The answer to a DutyReport with news: how much has been dealt with.
struct DutySettle {
    std::string key;
    std::string item;
    /// The revision of the report behind this answer.
    std::uint64_t revision = 0;
    std::uint64_t told = 0;
    std::uint64_t told_version = 0;
    /// Everything is dealt with as of the revision: if nothing has changed since, an empty entry may go.
    bool forget = false;
};

/// A task of the sender. The sender numbers tasks upwards for its whole life.
struct DutyOrder {
    std::uint64_t number = 0;
    std::string key;
    SharedBytes body;
};

/// All that two nodes say to each other about duties: a single mail at a time in each direction of a session, repeated
/// until acknowledged. So each mail is taken in once, and in order.
struct DutyMail {
    std::uint64_t seq = 0;      ///< 1, 2, 3…; 0: a mere acknowledgement
    std::uint64_t ack = 0;      ///< the last seq taken in
    std::uint64_t view_no = 0;  ///< as in Heartbeat::duty_view_no
    std::vector<DutyReport> reports;
    std::vector<DutyOrder> orders;
    std::vector<DutySettle> settles;
    std::vector<std::uint64_t> done;  ///< numbers of the receiver's tasks

    [[nodiscard]] bool empty() const { return reports.empty() && orders.empty() && settles.empty() && done.empty(); }
};

struct Control;
struct Data;

/// A message for `to`, which can't hear us directly. A witness passes the message on, one hop. Exactly one of the two
/// pointers is set; the message is no Relay itself.
struct Relay {
    OriginId to;
    std::shared_ptr<const Control> control;
    std::shared_ptr<const Data> data;
};

/// The kinds of control messages.
using ControlBody =
    std::variant<Knock, Hello, Welcome, Refuse, Heartbeat, Members, InterestDelta, InterestAck, InterestPull,
                 InterestChunk, Receipt, Nack, ProbeAsk, ProbeAnswer, QueryAsk, QueryAnswer, Leave, LeaveReceipt, Ping,
                 Pong, Relay, Wake, Fill, TraceReport, Usage, DutyMail>;

/// A message on the control path.
struct Control {
    OriginId src;
    OriginId dst;  ///< 0: whichever node is there (Knock only)
    /// The tag that the receiver chose; 0 in Knock, Hello, Welcome and Refuse.
    SessionTag tag;
    ControlBody body;
    /// Protocol version in which the message, and a relayed message inside, is written. Does not travel: fields that
    /// differ by version name their version themselves.
    std::uint32_t protocol = kProtocolVersion;
};

// ---- data
// ------------------------------------------------------------------------------------------------------------

/// A message on the data path.
struct Data {
    OriginId src;
    OriginId dst;
    SessionTag tag;
    std::variant<FramePtr, Tail> body;
    /// Protocol version in which the message is to be written, or was read.
    std::uint32_t protocol = kProtocolVersion;
};

}  // namespace tulle::mesh
