#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/event_body.hpp"
#include "mesh/base/time.hpp"
#include "node/web/core/http_message.hpp"

/// The answers of the HTTP API.
namespace tulle::node::pusher {

/// The attributes asked for by `info`, beside the attributes of every answer.
struct InfoWanted {
    bool user_count = false;
    bool subscription_count = false;
    /// Only for a question about a single channel.
    bool cache = false;
    friend bool operator==(const InfoWanted&, const InfoWanted&) = default;
};
/// The attributes of a comma-separated list; nothing when an attribute is unknown.
[[nodiscard]] std::optional<InfoWanted> parse_info(std::string_view list);

/// The channels of a published event, and the attributes to answer for each of them.
struct EventInfo {
    std::vector<std::string> channels;
    InfoWanted wanted;
    friend bool operator==(const EventInfo&, const EventInfo&) = default;
};

/// How the answers of all nodes become the answer to the backend.
struct AnswerPlan {
    enum class Shape {
        /// The body {}.
        kEmpty,
        /// The channels of the single event in `events`.
        kEvent,
        /// The channel of each event in `events`; {} for an event without info.
        kBatch,
        /// Every channel found.
        kList,
        /// The channel `name`.
        kChannel,
        /// The users of the channel `name`.
        kUsers,
        /// The history of a channel: render_history() makes the body.
        kHistory,
    };
    Shape shape = Shape::kEmpty;
    std::string name = {};
    std::vector<EventInfo> events = {};
    /// Of kChannel: the answer includes the channel's last event.
    bool wants_cache = false;
    friend bool operator==(const AnswerPlan&, const AnswerPlan&) = default;
};

/// The last event of a cache channel, as published.
struct CachedEvent {
    SharedBody body;
    /// How long the mesh still keeps the event.
    Duration left{};
};

/// The answer to a backend. `parts` are the answers of the nodes. `missing` names the nodes without an answer in time;
/// the header Tulle-Partial repeats the names. `cached` is used only if the plan wants the cache; null: no event.
[[nodiscard]] HttpResponse render(const AnswerPlan& plan, const std::vector<std::string>& parts,
                                  const std::vector<std::string>& missing, const CachedEvent* cached = nullptr);
/// An answer with the body; `missing` as for render().
[[nodiscard]] HttpResponse answer_with(std::string body, const std::vector<std::string>& missing);

/// An answer with a status and a message in JSON. A 401 also bears WWW-Authenticate.
[[nodiscard]] HttpResponse api_error(unsigned status, std::string_view message);
/// 503 with Retry-After: nothing was numbered, so the backend may send the publish again.
[[nodiscard]] HttpResponse unavailable(std::string_view reason);
/// 503: an event is held by fewer nodes than its channel wants, `copies` of `wanted`, as Tulle-Copies says.
/// `is_published`: the event was delivered, so the answer does not ask the backend to publish again.
[[nodiscard]] HttpResponse few_copies(std::size_t copies, std::size_t wanted, bool is_published);
/// The answer to a browser's question: may a page of another origin call the API? Requests are signed, so every page
/// may, with whatever headers the page wants to send.
[[nodiscard]] HttpResponse preflight(const HttpRequest& request);
/// Adds the headers that let pages of other origins read the answer.
void allow_any_origin(HttpResponse& response);

}  // namespace tulle::node::pusher
