#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/event_body.hpp"
#include "mesh/base/time.hpp"
#include "node/web/core/http_message.hpp"

/// What the HTTP API answers.
namespace tulle::node::pusher {

/// What `info` asks for, beside what every answer holds.
struct InfoWanted {
    bool user_count = false;
    bool subscription_count = false;
    bool cache = false;  ///< of one channel alone
    friend bool operator==(const InfoWanted&, const InfoWanted&) = default;
};
/// The attributes of a comma-separated list; nothing when one is unknown.
[[nodiscard]] std::optional<InfoWanted> parse_info(std::string_view list);

/// The channels of one published event and what is to be told of them.
struct EventInfo {
    std::vector<std::string> channels;
    InfoWanted wanted;
    friend bool operator==(const EventInfo&, const EventInfo&) = default;
};

/// How the answers of the nodes become one.
struct AnswerPlan {
    enum class Shape {
        kEmpty,    ///< {}
        kEvent,    ///< the channels of the one event in `events`
        kBatch,    ///< the channel of each event in `events`; of one without info {}
        kList,     ///< every channel found
        kChannel,  ///< the channel `name`
        kUsers,    ///< the users of the channel `name`
    };
    Shape shape = Shape::kEmpty;
    std::string name = {};
    std::vector<EventInfo> events = {};
    bool wants_cache = false;  ///< kChannel: with its last event
    friend bool operator==(const AnswerPlan&, const AnswerPlan&) = default;
};

/// The last event of a cache channel, as it was published.
struct CachedEvent {
    SharedBody body;
    Duration left{};  ///< for which it is still kept
};

/// `parts` are what the nodes answered, `missing` those that did not in time: named in the header Tulle-Partial.
[[nodiscard]] HttpResponse render(const AnswerPlan& plan, const std::vector<std::string>& parts,
                                  const std::vector<std::string>& missing, const CachedEvent* cached = nullptr);

[[nodiscard]] HttpResponse api_error(unsigned status, std::string_view message);
/// 503: nothing was numbered, so that the publish may be sent again.
[[nodiscard]] HttpResponse unavailable(std::string_view reason);
/// The answer to a browser that asks whether a page of another origin may call the API: requests are signed, so it may,
/// with whatever headers the page wants to send.
[[nodiscard]] HttpResponse preflight(const HttpRequest& request);
/// Lets pages of other origins read an answer.
void allow_any_origin(HttpResponse& response);

}  // namespace tulle::node::pusher
