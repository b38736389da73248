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

/// Position in the log of one origin: 1, 2, 3… (origin, RecordNo) names a record everywhere; 0 is "before the first".
using RecordNo = Strong<struct RecordNoTag, std::uint64_t>;

/// One user of a presence channel. At most kMaxUserBytes and kMaxUserInfoBytes.
struct PresenceMember {
    std::string user;  ///< opaque key, distinct per user
    SharedBytes info;  ///< opaque to the mesh; may be null
    [[nodiscard]] std::size_t cost() const { return 32 + user.size() + (info ? info->size() : 0); }
};

/// Interest in the members of a channel is interest in this key: so the filter, the ring and the repair treat changes
/// of presence as they treat messages. No channel of a client begins with this byte.
inline constexpr char kPresenceMark = '\x01';
[[nodiscard]] inline bool is_presence_key(std::string_view key) {
    return !key.empty() && key[0] == kPresenceMark;
}
[[nodiscard]] inline std::string presence_key(std::string_view channel) {
    return kPresenceMark + std::string(channel);
}

/// Interest in the last event of a channel that keeps one is interest in this key, likewise.
inline constexpr char kRetainedMark = '\x02';
[[nodiscard]] inline bool is_retained_key(std::string_view key) {
    return !key.empty() && key[0] == kRetainedMark;
}
[[nodiscard]] inline std::string retained_key(std::string_view channel) {
    return kRetainedMark + std::string(channel);
}
/// A key by which a node asks for something beside the messages of a channel.
[[nodiscard]] inline bool is_marked_key(std::string_view key) {
    return is_presence_key(key) || is_retained_key(key);
}
/// REQUIRES: is_marked_key(key).
[[nodiscard]] inline std::string_view marked_channel(std::string_view key) {
    TULLE_ASSERT(is_marked_key(key));
    return key.substr(1);
}

/// When an event that its channels keep was accepted: the same order of two such events for every node.
struct Stamp {
    std::uint64_t time_us = 0;  ///< hybrid: the wall clock, but later than every stamp the origin had seen; 0: none
    OriginId origin;
    friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

/// The last event of a channel that keeps one. A value; the body is shared.
struct RetainedEvent {
    Stamp stamp;
    SharedBody body;
    Instant until{};  ///< kept so long, by this machine's monotonic clock

    [[nodiscard]] std::size_t cost() const { return 96 + (body ? body->size() : 0); }
};

/// What one publish, or one change of presence, became. Immutable once numbered; shared by the ring, the links and the
/// shards.
struct Record {
    RecordNo n;
    /// Opaque keys ("<app id>/<channel name>"), 1 to kMaxRecordChannels of them, each at most kMaxChannelBytes.
    std::vector<std::string> channels;
    /// What a message says, of at most kMaxBodyBytes; opaque to the mesh, but for its kind. Null in a change of
    /// presence, and in what is left of an evicted record.
    SharedBody body;
    /// The connection that must not get it; empty for none.
    std::string exclude_socket;
    /// A change of presence: who joined or left. Empty for a message. Then the one key in `channels` is a presence key.
    std::string user = {};
    bool left = false;
    SharedBytes info = {};  ///< of who joined; may be null
    /// A marked message: its receivers report it to its origin, and nobody delivers it.
    bool trace = false;
    /// The first so many of `channels` keep it as their last event, for `keep_for`, under `stamp`.
    std::size_t retained = 0;
    Stamp stamp = {};
    Duration keep_for = {};
    /// The keepers of the retaining channels, as named by the origin. Does not travel: only the origin knows the list.
    std::vector<OriginId> keepers = {};  ///< of those channels, as the origin saw it; known to the origin alone

    [[nodiscard]] bool is_presence() const { return !user.empty(); }

    /// What it costs in a ring or a frame, headers included.
    [[nodiscard]] std::size_t cost() const {
        std::size_t bytes =
            64 + exclude_socket.size() + user.size() + (body ? body->size() : 0) + (info ? info->size() : 0);
        for (const std::string& channel : channels) {
            bytes += 16 + channel.size();
        }
        return bytes;
    }
};

using RecordPtr = std::shared_ptr<const Record>;

/// How a marked message came to its receiver.
enum class TracePath : std::uint8_t {
    kDirect,
    kRelayed,   ///< by a witness, round a one-way link
    kRepaired,  ///< lost at first, and repeated on demand
    kFilledIn,  ///< by a survivor, while the origin was taken for dead
};

}  // namespace tulle::mesh
