#pragma once

#include <string_view>

#include "mesh/base/result.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/wire/http_api.hpp"

/// The bodies of POST /events and POST /batch_events. Both are input from a backend whose signature was right, and are
/// checked against the limits of the app.
namespace tulle::node::pusher {

/// Why a body is refused: an HTTP status and a message for the backend.
struct PublishRefusal {
    unsigned status = 400;
    /// Static text.
    std::string_view reason;
};

/// True for two numbers joined by a dot: the form of a socket id. Socket ids of other nodes are valid here, too.
[[nodiscard]] bool is_socket_id(std::string_view text);

/// The work for a body of POST /events: a single event for up to max_event_channels_at_once channels.
[[nodiscard]] Result<ApiWork, PublishRefusal> parse_event(const App& app, std::string_view body);
/// The work for a body of POST /batch_events. A single wrong event refuses the whole batch.
[[nodiscard]] Result<ApiWork, PublishRefusal> parse_batch(const App& app, std::string_view body);

}  // namespace tulle::node::pusher
