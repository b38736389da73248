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
#include "node/web/core/http_message.hpp"

namespace tulle::node::pusher {

/// Answer at once.
struct Respond {
    HttpResponse response;
    friend bool operator==(const Respond&, const Respond&) = default;
};

struct PublishEvent {
    std::vector<std::string> channels;  ///< keys of the mesh
    EventBody body;
    std::string exclude_socket;
    std::size_t retained = 0;  ///< the first so many of the channels keep it as their last event …
    Duration keep_for{};       ///< … for so long
    friend bool operator==(const PublishEvent&, const PublishEvent&) = default;
};

/// Publish the events, in order; when all are accepted put the queries to every node, and answer with `render`. When
/// one is not accepted, answer with `unavailable`.
struct ApiWork {
    std::vector<PublishEvent> events;
    std::vector<std::string> queries;  ///< each within the mesh's limit
    AnswerPlan plan;
    std::vector<std::string> retained = {};  ///< keys whose last event is asked for with the first of the queries
    friend bool operator==(const ApiWork&, const ApiWork&) = default;
};

using ApiAction = std::variant<Respond, ApiWork>;

/// Whether the target belongs to the API ("/apps/…").
[[nodiscard]] bool is_api_target(std::string_view path);

/// The app named in the target of an API request; null when there is none.
[[nodiscard]] const App* app_of_api_target(const AppTable& apps, std::string_view path);

/// What a request takes of its app's allowance: one point for each channel of each event, or one for a read.
[[nodiscard]] std::pair<Rationed, std::size_t> cost_of(const ApiWork& work);

/// 429: more in a second than the app allows.
[[nodiscard]] HttpResponse rate_limited(const Grant& grant, std::size_t allowance);
/// 429, instead of 401: too many wrong signatures from an address, of which this request's was one more. Ends the
/// connection.
[[nodiscard]] HttpResponse throttled(Duration wait);

/// Why a request is refused by its head alone, so that the body of a stranger's need not be read: path, method, app,
/// query, signature. Nothing when `handle` may see it with its body. `now` is the wall clock, for the age of the
/// signature alone.
[[nodiscard]] std::optional<HttpResponse> refuse_head(const HttpRequest& head, const AppTable& apps, WallSeconds now);

/// What an API request asks for, after its app, its signature and its body have been checked, in this order. `now` as
/// above.
[[nodiscard]] ApiAction handle(const HttpRequest& request, const AppTable& apps, WallSeconds now);

}  // namespace tulle::node::pusher
