#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/event_body.hpp"
#include "mesh/base/result.hpp"
#include "mesh/base/time.hpp"
#include "node/pusher/wire/history_position.hpp"

namespace tulle::node::pusher {

// ---- frames from clients ----

/// Reasons why a client's frame is refused. The connection goes on.
enum class FrameErrc {
    kNotJson,
    kNotUtf8,
    kTooDeep,
    kNotAnObject,
    /// A member comes twice (event, channel, data, auth or channel_data): parsers would disagree about the value.
    kDuplicate,
    /// No event, or an event that is not a string.
    kNoEvent,
    /// A channel that is not a string.
    kBadChannel,
    /// An event of the protocol ("pusher:…") whose data are not the object with strings demanded by the event.
    kBadData,
};
/// The message for the client. Static text.
[[nodiscard]] std::string_view describe(FrameErrc error);

/// A frame from a client, taken apart.
struct ClientFrame {
    std::string event;
    /// From the top level of the frame; of pusher:subscribe and pusher:unsubscribe from the data.
    std::string channel;
    /// Of pusher:subscribe and pusher:signin.
    std::string auth;
    /// Of pusher:subscribe, exactly as the client wrote the text.
    std::string channel_data;
    /// Of pusher:signin, exactly as the client wrote the text.
    std::string user_data;
    /// Of pusher:subscribe: what the client wants of the channel's history; nothing when it does not ask.
    std::optional<HistoryWish> history = {};
    /// Source bytes of the data; empty when absent. Valid as long as the text of the frame.
    std::string_view data;
    /// Size of the data: of the text of a string, without quotes and escapes; of the source of any other value.
    std::size_t data_bytes = 0;
    /// Source of the event's name when `event` cannot hold the name (half a surrogate pair); else empty. Valid as long
    /// as the text of the frame.
    std::string_view raw_event;
};

/// Reads a text message of a client. Never reads further than kMaxJsonDepth levels.
[[nodiscard]] Result<ClientFrame, FrameErrc> parse_client_frame(std::string_view text);

// ---- frames to clients ----

/// The body of tulle:gap: `missing` messages could not be delivered; 0 for an unknown number.
[[nodiscard]] EventBody gap_body(std::uint64_t missing);

/// The content of pusher:error. `code` is a code of the protocol; without a code the frame says `null`.
struct ErrorText {
    std::optional<std::uint16_t> code;
    std::string_view message;
};

/// The content of pusher:subscription_error. `status` is an HTTP status or a code of the protocol.
struct SubscriptionRefusal {
    std::string_view type;
    std::string_view error;
    unsigned status = 0;
};

/// The first frame of a connection. `activity_timeout` is rounded up to seconds.
[[nodiscard]] std::string connection_established(std::string_view socket_id, Duration activity_timeout);
/// The frame pusher:error, with the channel in question, if any.
[[nodiscard]] std::string error_frame(const ErrorText& error, std::string_view channel = {});
/// For a channel without presence; see presence_succeeded() for presence channels. `history`: the answer to a
/// HistoryWish, as JSON; empty for a client without a wish.
[[nodiscard]] std::string subscription_succeeded(std::string_view channel, std::string_view history = {});
/// Tells a new subscriber: the cache channel has no event.
[[nodiscard]] std::string cache_miss(std::string_view channel);
/// `user_data` goes back to the client as a JSON string.
[[nodiscard]] std::string signin_success(std::string_view user_data);
/// The frame about users on the client's watchlist; ids are text. REQUIRES: `online` or `offline` is not empty.
[[nodiscard]] std::string watchlist_events(const std::vector<std::string>& online,
                                           const std::vector<std::string>& offline);
/// The subscription to `channel` was refused.
[[nodiscard]] std::string subscription_error(std::string_view channel, const SubscriptionRefusal& refusal);
/// In frames from the server, data are a string, also when they hold nothing: typed clients accept no object there.
inline constexpr std::string_view kPingFrame = R"({"event":"pusher:ping","data":"{}"})";
inline constexpr std::string_view kPongFrame = R"({"event":"pusher:pong","data":"{}"})";

}  // namespace tulle::node::pusher
