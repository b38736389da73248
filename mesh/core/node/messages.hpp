#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mesh/base/ids.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/records/record.hpp"

/// What nodes say to each other, as values. The wire layer encodes them; the simulator passes them as they are.
namespace tulle::mesh {

/// Numbers one sender's attempts at a session, upwards, in its upper half; the lower half can't be guessed. A message
/// bears the tag that its *receiver* chose, so that what belongs to an ended session is recognised and dropped.
using SessionTag = Strong<struct SessionTagTag, std::uint64_t>;
/// Position of a frame in one link session: 1, 2, 3…
using FrameNo = Strong<struct FrameNoTag, std::uint64_t>;
/// Number of changes that an interest set has seen.
using InterestVersion = Strong<struct InterestVersionTag, std::uint64_t>;

/// Where a node can be reached: "host:port" each.
struct Endpoints {
    std::string control;
    std::string data;
    std::string listen;
    friend bool operator==(const Endpoints&, const Endpoints&) = default;
};

struct MemberInfo {
    OriginId oid;
    std::string name;
    Endpoints endpoints;
    friend bool operator==(const MemberInfo&, const MemberInfo&) = default;
};

/// Who speaks: in everything that may be the first word between two nodes.
struct Introduction {
    std::string cluster;
    std::string name;
    std::string version;
    Endpoints endpoints;
    std::uint32_t oldest_protocol = 0;
    std::uint32_t newest_protocol = 0;
    bool ready = false;  ///< serves clients already: an established holder of its name
};

// ---- control
// ---------------------------------------------------------------------------------------------------------

/// "Who is there?" To an endpoint whose node is not known, or may have changed. Answered by a Hello. Makes no session.
struct Knock {
    Introduction who;
    std::string dialled;      ///< the endpoint as the sender knows it, echoed in Hello::knocked
    std::uint64_t nonce = 0;  ///< echoed in Refuse::echo and Hello::echo
};

/// What each side of a new session tells the other.
struct SessionTerms {
    /// Of the receiver's records all up to here are delivered at the sender; nothing if it never had a session with it.
    std::optional<RecordNo> delivered;
    /// The sender's last record when it chose its tag, or when it did so for the first session that it had with the
    /// receiver: where its link starts if the other side has `delivered` nothing.
    RecordNo at;
    /// Beyond `delivered`, others have filled in these (ascending): what lies between would come out of order now, so
    /// it is to be reported as gone.
    std::vector<RecordNo> extras;
    std::vector<MemberInfo> members;
};

struct Hello {
    Introduction who;
    SessionTag tag;
    SessionTerms terms;
    std::string knocked;     ///< Knock::dialled, when this answers a Knock,
    std::uint64_t echo = 0;  ///< and its nonce: without it anybody could answer for the node there
};

struct Welcome {
    Introduction who;
    SessionTag echo;  ///< the tag of the Hello that this answers
    SessionTag tag;
    SessionTerms terms;
};

enum class RefusalReason : std::uint8_t { kCluster, kProtocol, kNameTaken, kFull };

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
    }
    return "?";
}

struct Refuse {
    RefusalReason reason = RefusalReason::kCluster;
    std::string text;
    /// of what is refused: the nonce of a Knock, the tag of a Hello. Without it anybody could refuse
    std::uint64_t echo = 0;
};

struct Load {
    std::uint64_t uptime_s = 0;
    std::uint64_t clients = 0;
    std::uint64_t channels = 0;
};

struct Heartbeat {
    FrameNo last_sent;
    RecordNo upto;            ///< all records up to here were considered for the link
    FrameNo received;         ///< receipt for the other direction
    InterestVersion version;  ///< of the sender's interest, with its digest
    std::uint64_t digest = 0;
    InterestVersion applied;  ///< of the receiver's interest
    std::int64_t sent_at_us = 0;
    std::int64_t echo_us = 0;  ///< sent_at_us of the last heartbeat received, 0 for none
    std::int64_t echo_held_us = 0;
    std::uint64_t members_digest = 0;
    Load load;
    bool ready = false;
    std::uint64_t hybrid_us = 0;  ///< the sender's hybrid clock
    OriginId deaf_via;            ///< the sender does not hear the receiver; this witness passes on. 0: it hears
    /// Digest of the members among whom the sender has handed all duties over to the receiver; 0: not yet.
    std::uint64_t duty_view = 0;
    /// how often those members have changed for the sender: a heartbeat may be overtaken
    std::uint64_t duty_view_no = 0;
    bool leaving = false;  ///< the sender has no clients any more, and goes: it takes no duties over …
    /// … but for this: nobody stays, and it is the one to whom those that leave too hand over
    bool last = false;
};

struct Members {
    std::vector<MemberInfo> members;
};

struct InterestChange {
    bool add = false;
    std::string channel;
    friend bool operator==(const InterestChange&, const InterestChange&) = default;
};

/// Versions base+1 … base+changes.size(), in order.
struct InterestDelta {
    InterestVersion base;
    std::vector<InterestChange> changes;
    InterestVersion current;  ///< the sender's version when it sent this
};

struct InterestAck {
    InterestVersion applied;
};

/// "Send me your interest after `have`", or the next chunk of a snapshot.
struct InterestPull {
    InterestVersion have;
    std::uint64_t snapshot = 0;  ///< 0: deltas if the log reaches back, else a new snapshot
    std::string after;           ///< the last channel received of that snapshot
    bool fresh = false;          ///< deltas won't do: the digests differ
};

/// Channels of a snapshot in byte order. Read while the interest may go on changing: deltas after `base` make it exact.
struct InterestChunk {
    std::uint64_t snapshot = 0;
    InterestVersion base;
    std::string after;
    std::vector<std::string> channels;
    bool last = false;
    InterestVersion current;
};

struct Receipt {
    FrameNo received;
};

struct FrameRange {
    FrameNo first;
    FrameNo last;
    friend bool operator==(const FrameRange&, const FrameRange&) = default;
};

struct Nack {
    std::vector<FrameRange> missing;
};

struct ProbeAsk {
    OriginId target;
    std::uint32_t round = 0;
};

enum class Hearing : std::uint8_t { kUnknown, kNo, kYes };

struct ProbeAnswer {
    OriginId target;
    std::uint32_t round = 0;
    Hearing hearing = Hearing::kUnknown;
    std::uint64_t silence_us = 0;  ///< since the witness last heard the target
};

struct RetainedPart;
using RetainedPartPtr = std::shared_ptr<const RetainedPart>;

struct QueryAsk {
    std::uint64_t id = 0;
    std::string body;
    std::uint32_t timeout_ms = 0;
    std::vector<std::string> retained = {};  ///< channels whose last events are asked for
};

struct QueryAnswer {
    std::uint64_t id = 0;
    std::string body;
    bool last = false;
    RetainedPartPtr retained = {};  ///< what the sender holds of one channel that was asked for; may be null
};

/// What the sender's shards use of what is rationed over the mesh: sums by name. Replaces what it said before.
struct Usage {
    std::uint64_t sources = 0;  ///< its shards that share
    std::vector<std::pair<std::string, std::uint64_t>> entries;
};

struct Leave {
    FrameNo last_frame;
};

struct LeaveReceipt {};

/// "Do you still know our session?" Asked by a node that has slept too long; answered at once.
struct Ping {
    std::uint64_t nonce = 0;
};

struct Pong {
    std::uint64_t nonce = 0;
};

/// "This origin is dead for me, and I have delivered all of it up to here: send me what you have beyond."
struct Wake {
    OriginId origin;
    RecordNo delivered;
};

/// Records that the ring no longer had when the link came to them.
struct Gone {
    std::vector<std::pair<std::string, std::uint64_t>> channels;  ///< how many on each channel of interest
    std::uint64_t unknown = 0;                                    ///< records of which nothing is known any more
    [[nodiscard]] bool empty() const { return channels.empty() && unknown == 0; }
    friend bool operator==(const Gone&, const Gone&) = default;
};

/// The answer: records of a dead origin, in order of n; the one with `last` ends it.
struct Fill {
    OriginId origin;
    std::vector<RecordPtr> records;
    bool last = false;
    Gone gone;  ///< what the origin had told the sender to be gone, of what was asked for; with the last part
};

/// "I have got the marked record n of yours", by the sender's clock at `at_us`.
struct TraceReport {
    RecordNo n;
    TracePath path = TracePath::kDirect;
    OriginId via;  ///< who relayed or filled it in; 0: nobody
    std::int64_t at_us = 0;
    std::uint32_t shards = 0;  ///< with subscribers
};

/// How much of an item the sender holds, for the node that does the duties of the key.
struct DutyReport {
    std::string key;
    std::string item;
    std::uint64_t revision = 0;  ///< the sender's own; echoed in DutySettle
    std::uint64_t current = 0;
    std::uint64_t told = 0;          ///< what has been dealt with over the whole mesh, as the sender has learnt it …
    std::uint64_t told_version = 0;  ///< … the newest wins
    bool away = false;               ///< the sender holds nothing any more, or reports to another node from now on
    bool was_desk = false;           ///< the sender itself did this duty until now
    /// away, and told to the other node as the sender knows it: perhaps less than the receiver does
    bool moved = false;
    /// Not 0: the world outside may have heard something else than `told` last, from a node that did this duty before.
    /// Each new doubt has a greater number.
    std::uint64_t doubt = 0;
    SharedBytes info = {};
    /// of the doubt: who, as in DutyDone; null: everybody. Nodes that don't know it take it for everybody
    SharedBytes behind = {};
};

/// The answer, when there is something to learn: what has been dealt with.
struct DutySettle {
    std::string key;
    std::string item;
    std::uint64_t revision = 0;  ///< of the report that this is based on
    std::uint64_t told = 0;
    std::uint64_t told_version = 0;
    /// all is dealt with, as of that revision: if nothing has changed since, an empty entry may go
    bool forget = false;
};

/// A task of the sender, numbered by it upwards for its whole life.
struct DutyOrder {
    std::uint64_t number = 0;
    std::string key;
    SharedBytes body;
};

/// What two nodes say to each other about duties: one at a time in each direction of a session, repeated until
/// acknowledged, so each is taken in once and in order.
struct DutyMail {
    std::uint64_t seq = 0;      ///< 1, 2, 3…; 0: an acknowledgement alone
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

/// What `to` can't hear from us directly, for a witness to pass on, one hop. Exactly one of the two is set, and it is
/// no Relay itself.
struct Relay {
    OriginId to;
    std::shared_ptr<const Control> control;
    std::shared_ptr<const Data> data;
};

using ControlBody =
    std::variant<Knock, Hello, Welcome, Refuse, Heartbeat, Members, InterestDelta, InterestAck, InterestPull,
                 InterestChunk, Receipt, Nack, ProbeAsk, ProbeAnswer, QueryAsk, QueryAnswer, Leave, LeaveReceipt, Ping,
                 Pong, Relay, Wake, Fill, TraceReport, Usage, DutyMail>;

struct Control {
    OriginId src;
    OriginId dst;    ///< 0: whoever is there (Knock only)
    SessionTag tag;  ///< the receiver's; 0 in Knock, Hello, Welcome and Refuse
    ControlBody body;
    /// That it is to be written in, as is what it passes on. Does not travel: what differs by version says itself which
    /// it is.
    std::uint32_t protocol = kProtocolVersion;
};

// ---- data
// ------------------------------------------------------------------------------------------------------------

/// A piece of the list of the sender's own users of one presence channel. The pieces of one list follow each other with
/// nothing else between them; the last one replaces what the receiver had of the sender.
struct PresencePart {
    std::string channel;
    InterestVersion version;  ///< of the receiver's interest: one for an older interest is not believed
    RecordNo at;              ///< changes up to here are in the list, though they may come behind it
    bool first = false;
    bool last = false;
    std::vector<PresenceMember> members;
};
using PresencePartPtr = std::shared_ptr<const PresencePart>;

/// What the sender holds as the last event of a channel: the answer to the receiver's interest in it, or handed on
/// because the receiver is to keep it.
struct RetainedPart {
    std::string channel;
    InterestVersion version;  ///< of the receiver's interest
    RecordNo at;              ///< records up to here do not come behind it any more
    Stamp stamp = {};         ///< time_us 0: the sender has none
    SharedBody body = {};
    Duration left{};  ///< until it is too old

    [[nodiscard]] std::size_t cost() const { return 96 + channel.size() + (body ? body->size() : 0); }
};

/// One piece of a link: what is gone, then lists of presence members and last events, then records in order of n.
/// Immutable once numbered; repeated as it is.
struct Frame {
    FrameNo no;
    RecordNo upto;
    Gone gone;
    std::vector<RecordPtr> records;
    std::size_t bytes = 0;
    std::vector<PresencePartPtr> presence = {};
    std::vector<RetainedPartPtr> retained = {};
};
using FramePtr = std::shared_ptr<const Frame>;

/// "This is how far I have come": after a burst and when idle, in the order of the data.
struct Tail {
    FrameNo last_sent;
    RecordNo upto;
};

struct Data {
    OriginId src;
    OriginId dst;
    SessionTag tag;
    std::variant<FramePtr, Tail> body;
    std::uint32_t protocol = kProtocolVersion;  ///< that it is to be written in, or was read in
};

}  // namespace tulle::mesh
