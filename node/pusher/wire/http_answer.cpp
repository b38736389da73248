#include "node/pusher/wire/http_answer.hpp"

#include <algorithm>
#include <iterator>

#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/wire/channel_query.hpp"
#include "node/pusher/wire/event_frame.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node::pusher {
namespace {

/// The facts about a channel without subscribers.
const ChannelFacts kNobody;
/// HTTP status.
constexpr unsigned kUnauthorised = 401;

/// The allowed headers for a preflight that does not ask for any: the headers of usual client libraries.
constexpr std::string_view kUsualHeaders =
    "Accept, Authorization, Content-Type, Origin, X-Auth-Token, X-CSRF-TOKEN, X-Pusher-Library, X-Requested-With, "
    "X-Socket-Id, XSRF-TOKEN";

/// True when `text` is a list of field names. Only such a list is repeated in an answer, so that a stranger cannot
/// write headers of the answer.
bool is_list_of_names(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~, ").find(c) != std::string_view::npos;
    });
}

/// The facts about a channel; kNobody when no node has named the channel.
const ChannelFacts& facts_of(const ChannelFindings& findings, std::string_view channel) {
    const auto found = findings.find(channel);
    return found == findings.end() ? kNobody : found->second;
}

/// True for a presence channel.
bool is_presence(std::string_view channel) {
    return classify(channel).type == ChannelType::kPresence;
}

/// Lists the nodes without an answer in Tulle-Partial, sorted and each once. Characters that a header cannot hold
/// become '?'.
void name_missing(std::vector<std::string> missing, HttpResponse& response) {
    if (missing.empty()) {
        return;
    }
    std::sort(missing.begin(), missing.end());
    missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
    std::string names;
    for (const std::string& name : missing) {
        names.append(names.empty() ? "" : ", ");
        std::transform(name.begin(), name.end(), std::back_inserter(names),
                       [](char c) { return c > ' ' && c < '\x7f' ? c : '?'; });
    }
    response.headers.emplace_back("Tulle-Partial", std::move(names));
}

/// The attribute `cache`: data and remaining seconds, rounded up; null without an event.
std::string cache_of(const CachedEvent* cached) {
    if (cached == nullptr || cached->body == nullptr || cached->left <= Duration{}) {
        return "null";
    }
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(cached->left).count();
    return "{\"data\":" + event_data(*cached->body) + ",\"ttl\":" + std::to_string(seconds) + "}";
}

/// The description of a channel: occupied, subscription_count, and user_count of a presence channel.
std::string occupancy(std::string_view channel, const ChannelFacts& facts, std::string_view cache = {}) {
    std::string text = std::string("{\"occupied\":") + (facts.subscribers > 0 ? "true" : "false") +
                       ",\"subscription_count\":" + std::to_string(facts.subscribers);
    if (is_presence(channel)) {
        text.append(",\"user_count\":").append(std::to_string(facts.users.size()));
    }
    if (!cache.empty()) {
        text.append(",\"cache\":").append(cache);
    }
    return text.append("}");
}

/// The attributes of a channel that a publish has asked for.
std::string attributes(std::string_view channel, const InfoWanted& wanted, const ChannelFindings& findings) {
    const ChannelFacts& facts = facts_of(findings, channel);
    std::string text = "{";
    if (wanted.user_count && is_presence(channel)) {
        text.append("\"user_count\":").append(std::to_string(facts.users.size()));
    }
    if (wanted.subscription_count) {
        text.append(text.size() > 1 ? "," : "")
            .append("\"subscription_count\":")
            .append(std::to_string(facts.subscribers));
    }
    return text.append("}");
}

/// The body for a single event with info.
std::string event_info(const EventInfo& event, const ChannelFindings& findings) {
    std::string text;
    for (const std::string& channel : event.channels) {
        text.append(text.empty() ? "" : ",").append(quoted(channel)).append(":");
        text.append(attributes(channel, event.wanted, findings));
    }
    return "{\"channels\":{" + text + "}}";
}

/// The body for a batch with info: an element for each event, in order.
std::string batch_info(const std::vector<EventInfo>& events, const ChannelFindings& findings) {
    std::string text;
    for (const EventInfo& event : events) {
        text.append(text.empty() ? "" : ",");
        text.append(event.channels.empty() ? "{}" : attributes(event.channels.front(), event.wanted, findings));
    }
    return "{\"batch\":[" + text + "]}";
}

/// The body for a list of channels, in the order of their names.
std::string channel_list(const ChannelFindings& findings) {
    std::string text;
    for (const auto& [name, facts] : findings) {
        text.append(text.empty() ? "" : ",").append(quoted(name)).append(":").append(occupancy(name, facts));
    }
    return "{\"channels\":{" + text + "}}";
}

/// The body for a list of users. Ids are strings, also ids written as numbers by clients.
std::string user_list(const ChannelFacts& facts) {
    std::string text;
    for (const std::string& user : facts.users) {
        text.append(text.empty() ? "" : ",").append("{\"id\":").append(quoted(user)).append("}");
    }
    return "{\"users\":[" + text + "]}";
}

/// The body of the answer, by the shape of the plan.
std::string body_of(const AnswerPlan& plan, const ChannelFindings& findings, const CachedEvent* cached) {
    switch (plan.shape) {
        case AnswerPlan::Shape::kEmpty:
        case AnswerPlan::Shape::kHistory:
            break;
        case AnswerPlan::Shape::kEvent:
            return event_info(plan.events.front(), findings);
        case AnswerPlan::Shape::kBatch:
            return batch_info(plan.events, findings);
        case AnswerPlan::Shape::kList:
            return channel_list(findings);
        case AnswerPlan::Shape::kChannel:
            return occupancy(plan.name, facts_of(findings, plan.name),
                             plan.wants_cache ? cache_of(cached) : std::string());
        case AnswerPlan::Shape::kUsers:
            return user_list(facts_of(findings, plan.name));
    }
    return "{}";
}

}  // namespace

std::optional<InfoWanted> parse_info(std::string_view list) {
    InfoWanted wanted;
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        std::string_view name = list.substr(0, comma);
        name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
        list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
        if (name == "user_count") {
            wanted.user_count = true;
        } else if (name == "subscription_count") {
            wanted.subscription_count = true;
        } else if (name == "cache") {
            wanted.cache = true;
        } else {
            return std::nullopt;
        }
    }
    return wanted;
}

HttpResponse render(const AnswerPlan& plan, const std::vector<std::string>& parts,
                    const std::vector<std::string>& missing, const CachedEvent* cached) {
    return answer_with(body_of(plan, sum_answers(parts), cached), missing);
}

HttpResponse answer_with(std::string body, const std::vector<std::string>& missing) {
    HttpResponse response;
    response.body = std::move(body);
    name_missing(missing, response);
    return response;
}

HttpResponse api_error(unsigned status, std::string_view message) {
    HttpResponse response;
    response.status = status;
    response.body = "{\"error\":" + quoted(message) + ",\"code\":" + std::to_string(status) + "}";
    if (status == kUnauthorised) {
        // Demanded by RFC 9110, 15.5.2; without the header the JDK's client throws an exception in place of giving the
        // answer.
        response.headers.emplace_back("WWW-Authenticate", "Pusher");
    }
    return response;
}

HttpResponse unavailable(std::string_view reason) {
    HttpResponse response = api_error(503, reason);
    response.headers.emplace_back("Retry-After", "1");
    return response;
}

HttpResponse few_copies(std::size_t copies, std::size_t wanted, bool is_published) {
    const std::string held = std::to_string(copies) + " of " + std::to_string(wanted) + " nodes";
    HttpResponse response =
        is_published ? api_error(503, "few_copies: delivered at least in part, but only " + held + " hold an event")
                     : unavailable("few_copies: not published, as only " + held + " could hold an event");
    response.headers.emplace_back("Tulle-Copies", std::to_string(copies) + "/" + std::to_string(wanted));
    return response;
}

HttpResponse preflight(const HttpRequest& request) {
    HttpResponse response;
    response.status = 204;
    response.headers.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS");
    response.headers.emplace_back("Access-Control-Allow-Headers", is_list_of_names(request.wanted_headers)
                                                                      ? request.wanted_headers
                                                                      : std::string(kUsualHeaders));
    if (request.wants_private_network) {
        response.headers.emplace_back("Access-Control-Allow-Private-Network", "true");
    }
    response.headers.emplace_back("Access-Control-Max-Age", "86400");
    response.headers.emplace_back("Vary", "Access-Control-Request-Headers, Access-Control-Request-Private-Network");
    return response;
}

void allow_any_origin(HttpResponse& response) {
    response.headers.reserve(response.headers.size() + 2);
    response.headers.emplace_back("Access-Control-Allow-Origin", "*");
    response.headers.emplace_back("Access-Control-Expose-Headers",
                                  "Retry-After, Tulle-Copies, Tulle-Partial, X-RateLimit-Limit, X-RateLimit-Remaining");
}

}  // namespace tulle::node::pusher
