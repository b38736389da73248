#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/bytes.hpp"
#include "mesh/base/event_body.hpp"
#include "mesh/base/strong.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/records/record.hpp"

/// What a link carries from one node to another: frames, and the pieces in them. Values, as all messages between nodes.
namespace tulle::mesh {

/// Position of a frame in a link: 1, 2, 3…; 0: before the first.
using FrameNo = Strong<struct FrameNoTag, std::uint64_t>;
/// Number of changes that an interest set has seen.
using InterestVersion = Strong<struct InterestVersionTag, std::uint64_t>;

/// Records that the ring no longer had when the link came to them.
struct Gone {
    /// How many records were lost on each channel of the receiver's interest.
    std::vector<std::pair<std::string, std::uint64_t>> channels;
    /// Further lost records, without any knowledge of their channels.
    std::uint64_t unknown = 0;
    /// The receiver was to keep lost records in histories.
    bool history = false;
    [[nodiscard]] bool empty() const { return channels.empty() && unknown == 0 && !history; }
    friend bool operator==(const Gone&, const Gone&) = default;
};

/// A piece of the list of the sender's own users of a presence channel. The pieces of a list follow each other without
/// anything between; the last piece makes the list replace the former list of the sender.
struct PresencePart {
    std::string channel;
    /// The version of the receiver's interest that is answered. A list for an older interest is not believed.
    InterestVersion version;
    /// The list holds all changes up to this record, though the records may come later.
    RecordNo at;
    bool first = false;
    bool last = false;
    std::vector<PresenceMember> members;
};
using PresencePartPtr = std::shared_ptr<const PresencePart>;

/// The event that the sender holds as the last of a channel: the answer to the receiver's interest, or handed on
/// because the receiver is to keep the event.
struct RetainedPart {
    std::string channel;
    /// The version of the receiver's interest that is answered.
    InterestVersion version;
    /// Records up to this number do not follow any more.
    RecordNo at;
    Stamp stamp = {};  ///< time_us 0: the sender has no event
    SharedBody body = {};
    Duration left{};  ///< time until the event is too old

    /// The size in a frame, in bytes; 96 bytes stand for the fixed fields.
    [[nodiscard]] std::size_t cost() const { return 96 + channel.size() + (body ? body->size() : 0); }
};
using RetainedPartPtr = std::shared_ptr<const RetainedPart>;

/// A piece of a link: first the records that are gone, then lists of presence members and last events, then records in
/// order of n. Immutable once numbered, and repeated unchanged.
struct Frame {
    FrameNo no;
    /// All records up to this number are in the link's frames so far, were not due, or are gone.
    RecordNo upto;
    Gone gone;
    std::vector<RecordPtr> records;
    /// Size of all parts by cost(), counted against the credit.
    std::size_t bytes = 0;
    std::vector<PresencePartPtr> presence = {};
    std::vector<RetainedPartPtr> retained = {};
    /// Somebody waits for copies of a record in the frame: the receiver sends a Receipt at the end of the turn in which
    /// the frame is delivered. A receiver of an older build sends the Receipt with its next heartbeat.
    bool receipt_now = false;
    /// Somebody waits for copies of a record in the frame. Does not travel.
    bool has_copies = false;
};
using FramePtr = std::shared_ptr<const Frame>;

/// "My link has come so far." Sent after a burst and when idle, behind the frames on the data path.
struct Tail {
    FrameNo last_sent;
    RecordNo upto;
};

}  // namespace tulle::mesh
