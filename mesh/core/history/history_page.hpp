#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "mesh/core/node/numbers.hpp"
#include "mesh/core/records/record.hpp"

/// A question about the history of a channel, and the answer.
namespace tulle::mesh {

/// True for limits that a channel may have: an edge checks its rules by this, and the wire what peers say.
[[nodiscard]] inline bool is_sane(const HistoryLimits& limits) {
    return limits.size >= 1 && limits.size <= kMaxHistorySize && limits.bytes >= 1 &&
           limits.bytes <= kMaxHistoryBytes && limits.ttl > Duration{} && limits.ttl <= kMaxHistoryTtl;
}

/// Most entries in an answer, and the bytes of its entries by HistoryItem::cost(): beyond, the answer ends early and
/// says that there is more. An answer has an entry at least, however large.
inline constexpr std::size_t kMaxHistoryPage = 1000;
inline constexpr std::size_t kMaxHistoryPageBytes = 256u << 10;

/// Which entries of a channel's history somebody wants.
struct HistoryAsk {
    std::string channel;
    bool newest_first = true;
    /// Most entries, 1 to kMaxHistoryPage.
    std::size_t limit = 1;
    /// The entries with a stamp from `from_us` to `to_us`, both included.
    std::uint64_t from_us = 0;
    std::uint64_t to_us = std::numeric_limits<std::uint64_t>::max();
    /// The entry that the answer before ended with; time_us 0: there was no answer before.
    Stamp behind = {};
};

/// A message in an answer.
struct HistoryItem {
    RecordNo n;
    Stamp stamp;
    SharedBody body;
    std::string exclude_socket = {};

    [[nodiscard]] std::size_t cost() const { return 128 + exclude_socket.size() + (body ? body->size() : 0); }
};

/// Greater than every stamp.
inline constexpr std::uint64_t kNeverWhole = std::numeric_limits<std::uint64_t>::max();

/// A piece of a node's answer.
struct HistoryPart {
    /// In the order that was asked for.
    std::vector<HistoryItem> items;
    /// The node's answer ends with this entry although the node holds more; time_us 0: the node holds no more. Each
    /// piece of an answer says so.
    Stamp ends_with = {};
    /// Every message with a stamp from this moment on has been told to the node, or is on its way there, and the node
    /// holds all that were told; kNeverWhole: the node cannot say.
    std::uint64_t whole_since_us = 0;
    /// With a stamp up to this moment the node has given up messages that may still be on their way to others.
    std::uint64_t evicted_upto_us = 0;
    /// The hybrid clock of the node.
    std::uint64_t clock_us = 0;
    /// Every message with a stamp from this moment on has been told to the node, or is on its way there; perhaps the
    /// node has given some up since. kNeverWhole: the node cannot say.
    std::uint64_t told_since_us = kNeverWhole;
    /// For each origin the stamp of the latest entry that the node has given up; and the latest stamp of those of whose
    /// origin the node knows nothing any more. In one piece of an answer; at most kMaxHistoryFloors.
    std::vector<Stamp> floors = {};
    std::uint64_t dropped_us = 0;
};
using HistoryPartPtr = std::shared_ptr<const HistoryPart>;

/// What a client has got of a channel with history, from whichever node. All messages of the channel with a stamp up to
/// `settled_us` had come to the client's node when the node made the position; of the origins in `seen`, all up to the
/// stamp given there.
struct HistoryPosition {
    std::uint64_t settled_us = 0;
    /// A stamp for each origin, at most kMaxPositionOrigins, sorted by origin.
    std::vector<Stamp> seen = {};
    friend bool operator==(const HistoryPosition&, const HistoryPosition&) = default;
};

/// The answer of the mesh.
struct HistoryPage {
    /// Each entry once, in the order that was asked for.
    std::vector<HistoryItem> items;
    /// There are further entries behind the last one.
    bool has_more = false;
    /// Every message with a stamp from this moment on is held by a node that has answered; kNeverWhole: nobody can say,
    /// or a node has not answered.
    std::uint64_t whole_since_us = kNeverWhole;
    /// When the last node answered, by the hybrid clock.
    std::uint64_t answered_us = 0;
    /// As in HistoryPart: the best of all nodes, and the greatest of all nodes.
    std::uint64_t told_since_us = kNeverWhole;
    std::vector<Stamp> floors = {};
    std::uint64_t dropped_us = 0;
};

}  // namespace tulle::mesh
