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

namespace tulle::node::pusher {

// ---- frames from clients ----

enum class FrameErrc {
    kNotJson,
    kNotUtf8,
    kTooDeep,
    kNotAnObject,
    kDuplicate,   ///< event, channel, data, auth or channel_data twice: parsers would disagree
    kNoEvent,     ///< no event, or not a string
    kBadChannel,  ///< channel present but not a string
    kBadData,     ///< a pusher: event whose data is not the object that it must be
};
[[nodiscard]] std::string_view describe(FrameErrc error);

struct ClientFrame {
    std::string event;
    std::string channel;         ///< top level; of pusher:subscribe and pusher:unsubscribe the one in data
    std::string auth;            ///< of pusher:subscribe and pusher:signin
    std::string channel_data;    ///< of pusher:subscribe, exactly as the client wrote it
    std::string user_data;       ///< of pusher:signin, exactly as the client wrote it
    std::string_view data;       ///< source bytes of the data, valid as long as the text; empty when absent
    std::size_t data_bytes = 0;  ///< of the data: of the text of a string, of the source of any other value
    /// JSON of the event's name when `event` cannot hold it (half a surrogate pair), else empty; valid as above
    std::string_view raw_event;
};

[[nodiscard]] Result<ClientFrame, FrameErrc> parse_client_frame(std::string_view text);

// ---- frames to clients ----

/// The body of tulle:gap: `missing` messages could not be delivered, 0 for an unknown number.
[[nodiscard]] EventBody gap_body(std::uint64_t missing);

/// Codes are those of the protocol; no code stands for `null`.
struct ErrorText {
    std::optional<std::uint16_t> code;
    std::string_view message;
};

struct SubscriptionRefusal {
    std::string_view type;
    std::string_view error;
    unsigned status = 0;
};

[[nodiscard]] std::string connection_established(std::string_view socket_id, Duration activity_timeout);
[[nodiscard]] std::string error_frame(const ErrorText& error, std::string_view channel = {});
[[nodiscard]] std::string subscription_succeeded(std::string_view channel);
/// A cache channel has no event for a new subscriber.
[[nodiscard]] std::string cache_miss(std::string_view channel);
[[nodiscard]] std::string signin_success(std::string_view user_data);
/// The whole frame; ids of users as text. REQUIRES: one of them is not empty.
[[nodiscard]] std::string watchlist_events(const std::vector<std::string>& online,
                                           const std::vector<std::string>& offline);
[[nodiscard]] std::string subscription_error(std::string_view channel, const SubscriptionRefusal& refusal);
/// The data of what a server says is a string, also where it holds nothing: typed clients take no object there.
inline constexpr std::string_view kPingFrame = R"({"event":"pusher:ping","data":"{}"})";
inline constexpr std::string_view kPongFrame = R"({"event":"pusher:pong","data":"{}"})";

}  // namespace tulle::node::pusher
