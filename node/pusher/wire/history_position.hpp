#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/ids.hpp"
#include "mesh/base/time.hpp"

/// What a client has got of a channel with history, as text, and what a subscription asks for.
namespace tulle::node::pusher {

/// The place of an event in a history. All nodes order the events of a channel by this.
struct HistoryPlace {
    /// Microseconds of the mesh's clock; 0: no place.
    std::uint64_t time_us = 0;
    /// The node that has accepted the event.
    OriginId origin;
    friend bool operator==(const HistoryPlace&, const HistoryPlace&) = default;
};

/// The id of an event: the time and the node, 16 hexadecimal digits each. Of two ids of a node, the later event has the
/// greater one.
inline constexpr std::size_t kEventIdBytes = 32;
[[nodiscard]] std::string id_of(const HistoryPlace& place);
/// Nothing for another text.
[[nodiscard]] std::optional<HistoryPlace> place_of(std::string_view id);

/// What a client has got of a channel. `settled_us` as in mesh::HistoryPosition.
struct HistoryPosition {
    std::uint64_t settled_us = 0;
    /// A place for each origin, sorted by origin; at most kMaxPositionPlaces.
    std::vector<HistoryPlace> seen = {};
    friend bool operator==(const HistoryPosition&, const HistoryPosition&) = default;
};
inline constexpr std::size_t kMaxPositionPlaces = 256;

/// Ids joined by "~". The first stands for `settled_us` and names the node 0.
[[nodiscard]] std::string text_of(const HistoryPosition& position);
/// A client may have put the ids into any order, and may name a node twice: the latest id counts. Nothing for another
/// text, and for more than kMaxPositionPlaces nodes.
[[nodiscard]] std::optional<HistoryPosition> position_of(std::string_view text);

/// What a subscription asks of the channel's history: the member "tulle" of its data.
struct HistoryWish {
    /// The events behind a position; nothing when none was given.
    std::optional<HistoryPosition> since = {};
    /// The position that was given is none.
    bool is_bad_position = false;
    /// Without a position: the last so many events, at most kMaxReplayEvents, or those of the last so long a time.
    std::size_t rewind = 0;
    Duration rewind_for{};
    /// The socket id of the client's connection before: events that excluded the connection are left out.
    std::string socket = {};
    friend bool operator==(const HistoryWish&, const HistoryWish&) = default;
};
/// Most events that a subscription is sent first.
inline constexpr std::size_t kMaxReplayEvents = 500;

/// Reads the member "tulle", a JSON object with the optional members since, rewind (a number, or a text such as "30s",
/// "2m", "1h") and socket. Nothing for another value, and for a wish that has both a position and a rewind.
[[nodiscard]] std::optional<HistoryWish> parse_history_wish(std::string_view json);

/// The answer to a HistoryWish.
struct HistoryAnswer {
    /// Empty: the events are all that the client has missed. Otherwise why this cannot be said, in a word.
    std::string_view reason = {};
    /// A position was given.
    bool is_resumed = false;
    std::size_t replayed = 0;
    /// Nothing for a channel without history.
    std::optional<HistoryPosition> at = {};
};
/// The member "tulle" of the data of subscription_succeeded, without its name.
[[nodiscard]] std::string render_history_answer(const HistoryAnswer& answer);

}  // namespace tulle::node::pusher
