#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mesh/base/event_body.hpp"
#include "mesh/base/time.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/core/ration.hpp"
#include "node/pusher/wire/http_answer.hpp"
#include "node/pusher/wire/http_history.hpp"
#include "node/web/core/http_message.hpp"

namespace tulle::node::pusher {

/// Action: answer at once.
struct Respond {
    HttpResponse response;
    friend bool operator==(const Respond&, const Respond&) = default;
};

/// How much the history of a channel holds; size 0: the channel has no history.
struct HistoryBounds {
    std::size_t size = 0;
    std::size_t bytes = 0;
    Duration ttl{};
    friend bool operator==(const HistoryBounds&, const HistoryBounds&) = default;
};

/// An event to publish.
struct PublishEvent {
    /// Keys of the mesh: cache channels come first, and channels with copies follow each other.
    std::vector<std::string> channels;
    EventBody body;
    /// The socket id of a connection that does not get the event; empty: none.
    std::string exclude_socket;
    /// The first `retained` of the channels keep the event as their last event …
    std::size_t retained = 0;
    /// … for this long.
    Duration keep_for{};
    /// Nodes that must hold the event before the publish is answered with 200, the asked node included: 1 to kMaxAck.
    std::uint8_t copies = 1;
    /// The channels whose rules ask for copies: `copied` channels from index `copied_from`.
    std::size_t copied_from = 0;
    std::size_t copied = 0;
    /// For each channel, in order. Empty: no channel has history.
    std::vector<HistoryBounds> histories = {};
    friend bool operator==(const PublishEvent&, const PublishEvent&) = default;
};

/// Action: publish the events in order. When all events are accepted, put the queries to every node, and answer with
/// render(). When an event is not accepted, answer with unavailable().
struct ApiWork {
    std::vector<PublishEvent> events;
    /// Each within the mesh's limit for a query.
    std::vector<std::string> queries;
    AnswerPlan plan;
    /// Keys of channels; the first query also asks for their last events.
    std::vector<std::string> retained = {};
    /// The only query also asks for the history of a channel.
    std::optional<HistoryRead> history = {};
    friend bool operator==(const ApiWork&, const ApiWork&) = default;
};

using ApiAction = std::variant<Respond, ApiWork>;

/// True when the path belongs to the API ("/apps/…").
[[nodiscard]] bool is_api_target(std::string_view path);

/// The app named in the path of an API request; null when there is none.
[[nodiscard]] const App* app_of_api_target(const AppTable& apps, std::string_view path);

/// The points that a request takes of the app's allowance: a point for each channel of each event, or a single point
/// for a read.
[[nodiscard]] std::pair<Rationed, std::size_t> cost_of(const ApiWork& work);

/// 429: more in a second than the app allows. `allowance` is in points a second, over the whole mesh.
[[nodiscard]] HttpResponse rate_limited(const Grant& grant, std::size_t allowance);
/// 429 in place of 401: the address has sent too many wrong signatures, this request's included. Ends the connection.
/// `wait` becomes the Retry-After.
[[nodiscard]] HttpResponse throttled(Duration wait);

/// Checks a request by the head alone: path, method, app, query, signature. So the body of a stranger's request need
/// not be read. Returns the refusal, or nothing when handle() may see the request with its body. `now` is the wall
/// clock, used for the age of the signature alone.
[[nodiscard]] std::optional<HttpResponse> refuse_head(const HttpRequest& head, const AppTable& apps, WallSeconds now);

/// The action for an API request, after checks of head, body digest and body, in this order. `now` as in refuse_head().
/// Errors of any kind become a Respond.
[[nodiscard]] ApiAction handle(const HttpRequest& request, const AppTable& apps, WallSeconds now);

}  // namespace tulle::node::pusher
