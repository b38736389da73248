#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/assert.hpp"
#include "mesh/base/bytes.hpp"
#include "mesh/base/event_body.hpp"
#include "mesh/base/ids.hpp"
#include "mesh/base/strong.hpp"
#include "mesh/base/time.hpp"

namespace tulle::mesh {

/// Position of a record in the log of its origin: 1, 2, 3… The pair (origin, RecordNo) names a record everywhere. 0
/// stands for "before the first record".
using RecordNo = Strong<struct RecordNoTag, std::uint64_t>;

/// A user of a presence channel. At most kMaxUserBytes for `user` and kMaxUserInfoBytes for `info`.
struct PresenceMember {
    /// Opaque key, distinct for each user.
    std::string user;
    /// Opaque to the mesh. May be null.
    SharedBytes info;
    /// Bytes that the user counts for in a list.
    [[nodiscard]] std::size_t cost() const { return 32 + user.size() + (info ? info->size() : 0); }
};

/// A node with interest in the users of a channel has interest in the channel's presence key: this mark and the
/// channel's name. So the filter, the ring and the repair treat changes of presence like messages. No client's channel
/// begins with this byte.
inline constexpr char kPresenceMark = '\x01';
[[nodiscard]] inline bool is_presence_key(std::string_view key) {
    return !key.empty() && key[0] == kPresenceMark;
}
[[nodiscard]] inline std::string presence_key(std::string_view channel) {
    return kPresenceMark + std::string(channel);
}

/// A node with interest in the retained event of a channel has interest in the channel's retained key: this mark and
/// the channel's name. No client's channel begins with this byte.
inline constexpr char kRetainedMark = '\x02';
[[nodiscard]] inline bool is_retained_key(std::string_view key) {
    return !key.empty() && key[0] == kRetainedMark;
}
[[nodiscard]] inline std::string retained_key(std::string_view channel) {
    return kRetainedMark + std::string(channel);
}
/// True for a presence key or a retained key: a key that stands for more than the messages of a channel.
[[nodiscard]] inline bool is_marked_key(std::string_view key) {
    return is_presence_key(key) || is_retained_key(key);
}
/// The channel's name in a marked key. REQUIRES: is_marked_key(key).
[[nodiscard]] inline std::string_view marked_channel(std::string_view key) {
    TULLE_ASSERT(is_marked_key(key));
    return key.substr(1);
}

/// When an event that its channels retain or keep in their history was accepted. All nodes order two such events alike:
/// by time, then by origin.
struct Stamp {
    /// Microseconds of the hybrid clock: the wall clock, but later than every stamp that the origin had seen. 0: no
    /// stamp.
    std::uint64_t time_us = 0;
    OriginId origin;
    friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

/// The last event of a channel that retains events. A value; the body is shared.
struct RetainedEvent {
    Stamp stamp;
    SharedBody body;
    /// When the event ends, by this machine's monotonic clock.
    Instant until{};

    /// Bytes that the event counts for in the table.
    [[nodiscard]] std::size_t cost() const { return 96 + (body ? body->size() : 0); }
};

/// How much the history of a channel holds.
struct HistoryLimits {
    /// Entries, 1 to kMaxHistorySize.
    std::size_t size = 0;
    /// Bytes of the entries by cost(), 1 to kMaxHistoryBytes. The newest entry stays, however large.
    std::size_t bytes = 0;
    /// How long an entry is held: more than 0, at most kMaxHistoryTtl.
    Duration ttl{};
    friend bool operator==(const HistoryLimits&, const HistoryLimits&) = default;
};

/// The channels of a record that keep the record in their history, and what their histories hold.
struct RecordHistory {
    /// At most kMaxRecordChannels.
    std::vector<HistoryLimits> limits;
    /// For each channel of the record, in order: 0 for a channel without history; otherwise the place of the channel's
    /// limits in `limits`, counted from 1.
    std::vector<std::uint8_t> places;
    friend bool operator==(const RecordHistory&, const RecordHistory&) = default;

    [[nodiscard]] std::size_t cost() const { return 64 + limits.size() * sizeof(HistoryLimits) + places.size(); }

    /// The limits of the record's channel `i`; null for a channel without history.
    [[nodiscard]] const HistoryLimits* of(std::size_t i) const {
        return i < places.size() && places[i] != 0 ? &limits[places[i] - 1u] : nullptr;
    }
};
using RecordHistoryPtr = std::shared_ptr<const RecordHistory>;

/// The result of a publish, or of a change of presence. Immutable once numbered; the ring, the links and the shards
/// share a record.
struct Record {
    RecordNo n;
    /// Opaque keys ("<app id>/<channel name>"), 1 to kMaxRecordChannels, each at most kMaxChannelBytes long.
    std::vector<std::string> channels;
    /// The contents of a message, at most kMaxBodyBytes; the mesh reads nothing but the kind of data. Null in a change
    /// of presence, and in the stub of an evicted record.
    SharedBody body;
    /// The connection that must not get the message. Empty for none.
    std::string exclude_socket;
    /// For a change of presence: the user who joined or left, and the only key in `channels` is a presence key. Empty
    /// for a message.
    std::string user = {};
    /// For a change of presence: true when the user left.
    bool left = false;
    /// The information of a user who joined. May be null.
    SharedBytes info = {};
    /// True for a marked message: its receivers report to the origin, and no client gets the message.
    bool trace = false;
    /// The first `retained` channels keep the record as their retained event.
    std::size_t retained = 0;
    Stamp stamp = {};
    /// How long the record is retained.
    Duration keep_for = {};
    /// The origin's monotonic clock when the origin numbered the message, in microseconds. 0: the record does not say;
    /// traced messages do, and some of the others (TimedRecords).
    std::int64_t numbered_us = 0;
    /// For tracing systems: who caused the message, for whoever delivers the message. Opaque to the mesh, at most
    /// kMaxContextBytes. Null for most messages.
    SharedBytes context = {};
    /// The keepers of the retaining channels, of the channels with copies and of those with history, as named by the
    /// origin. Does not travel: only the origin knows the list.
    std::vector<OriginId> keepers = {};
    /// The channels that keep the record in their history. Null for most messages.
    RecordHistoryPtr history = {};
    /// Nodes that must hold the record before its publish is accepted, the origin included; at most kMaxCopies. Does
    /// not travel.
    std::uint8_t copies = 1;

    [[nodiscard]] bool is_presence() const { return !user.empty(); }

    /// Bytes that the record counts for in a ring or a frame, with an allowance for headers.
    [[nodiscard]] std::size_t cost() const {
        std::size_t bytes = 64 + exclude_socket.size() + user.size() + (body ? body->size() : 0) +
                            (info ? info->size() : 0) + (context ? context->size() : 0) +
                            (history ? history->cost() : 0);
        for (const std::string& channel : channels) {
            bytes += 16 + channel.size();
        }
        return bytes;
    }
};

using RecordPtr = std::shared_ptr<const Record>;

/// How a message came to its receiver.
enum class TracePath : std::uint8_t {
    kDirect,
    /// By a witness, around a one-way link.
    kRelayed,
    /// Lost at first, then repeated on demand.
    kRepaired,
    /// By a survivor, while the origin was taken for dead.
    kFilledIn,
};

[[nodiscard]] constexpr std::string_view to_text(TracePath path) {
    switch (path) {
        case TracePath::kDirect:
            return "direct";
        case TracePath::kRelayed:
            return "relayed";
        case TracePath::kRepaired:
            return "repaired";
        case TracePath::kFilledIn:
            return "filled-in";
    }
    return "?";
}

/// When a message was numbered, by whom, and how the message came here: a measurement for whoever delivers the message.
struct Numbered {
    enum class By : std::uint8_t {
        /// The message is not measured.
        kUnknown,
        kThisNode,
        kOtherNode,
    };
    By by = By::kUnknown;
    /// By this node's monotonic clock. A moment of another node is as exact as the difference of the two clocks is
    /// known (ClockOffset), so it may lie a little in the future.
    Instant at{};
    /// For a message of another node.
    TracePath path = TracePath::kDirect;
    friend bool operator==(const Numbered&, const Numbered&) = default;
};

}  // namespace tulle::mesh
