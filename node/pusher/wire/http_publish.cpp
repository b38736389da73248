#include "node/pusher/wire/http_publish.hpp"

#include <algorithm>
#include <optional>

#include "mesh/base/readable_json.hpp"
#include "mesh/base/utf8.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/channel_query.hpp"
#include "node/pusher/wire/event_frame.hpp"
#include "node/pusher/wire/raw_json.hpp"
#include "node/web/core/limits.hpp"

namespace tulle::node::pusher {
static_assert(kMaxEventBytes <= kMaxEventTailBytes);
static_assert(kMaxEventBytes < kMaxHttpBodyBytes, "a body has room for the largest event");

namespace {

template <class T>
using Checked = Result<T, PublishRefusal>;

/// Names of channels in a single query. With quotes, 16 names of 200 bytes stay within the mesh's limit for a query.
constexpr std::size_t kNamesInQuery = 16;

/// An event of a body, checked.
struct ParsedEvent {
    PublishEvent event;
    EventInfo info;
    /// The body has a non-empty `info`.
    bool wants_info = false;
};

/// A body without a byte order mark; some libraries begin UTF-8 with a mark, which JSON readers refuse.
std::string_view without_mark(std::string_view body) {
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    body.remove_prefix(body.starts_with(kMark) ? kMark.size() : 0);
    return body;
}

/// The message for a body that is not read.
std::string_view why_not_read(JsonErrc error) {
    switch (error) {
        case JsonErrc::kMalformed:
            return "the body is not JSON";
        case JsonErrc::kNotUtf8:
            return "the body is not UTF-8";
        case JsonErrc::kTooDeep:
            return "the body is JSON that is nested deeper than 512";
        case JsonErrc::kNotAnObject:
            return "the body is not a JSON object";
        case JsonErrc::kTooManyMembers:
            break;
    }
    return "the body has a JSON object of more than 64 members";
}

/// A member with a value other than null; null when absent. SDKs write null for a member that is not set.
const boost::json::value* given(const RawObject& body, std::string_view key) {
    const boost::json::value* value = body.find(key);
    return value == nullptr || value->is_null() ? nullptr : value;
}

/// The names in `channels` or `channel`, each once and in order.
Checked<std::vector<std::string>> channels_of(const App& app, const RawObject& body) {
    std::vector<std::string> names;
    const auto take = [&names, &app](const boost::json::value& value) {
        const boost::json::string* text = value.if_string();
        const std::string name = text == nullptr ? std::string() : std::string(text->data(), text->size());
        // A name given twice is published to once. The search is linear, as the names are few.
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            names.push_back(name);
        }
        return (is_valid_channel_name(name) && name.size() <= app.max_channel_name_length) || user_of_channel(name);
    };
    constexpr PublishRefusal kBadName{
        400,
        "a channel name has 1 to 200 of the characters A-Z a-z 0-9 _ - = @ , . ; : or fewer,"
        " where the app says so"};
    const boost::json::value* list = given(body, "channels");
    const boost::json::value* one = given(body, "channel");
    if (list != nullptr && list->is_array()) {
        if (list->get_array().size() > app.max_event_channels_at_once) {
            return PublishRefusal{400, "the event is for more channels than this app allows (100 at most)"};
        }
        if (!std::all_of(list->get_array().begin(), list->get_array().end(), take)) {
            return kBadName;
        }
    } else if (list == nullptr && one != nullptr && one->is_string() && !take(*one)) {
        return kBadName;
    }
    if (names.empty()) {
        return PublishRefusal{400, "channels must be an array of names, or channel a name"};
    }
    return names;
}

/// A member that may be absent or null, and else must be a string. Sets `is_wrong` for a value of another type; never
/// clears `is_wrong`.
std::optional<std::string> optional_text(const RawObject& body, std::string_view key, bool& is_wrong) {
    const boost::json::value* value = given(body, key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_string()) {
        is_wrong = true;
        return std::nullopt;
    }
    return std::string(value->get_string().data(), value->get_string().size());
}

/// True when a known member comes twice. Repeated unknown members do no harm.
bool has_duplicates(const RawObject& body) {
    constexpr std::string_view kKnown[] = {"name", "data", "channel", "channels", "socket_id", "info"};
    return std::any_of(std::begin(kKnown), std::end(kKnown), [&](std::string_view k) { return body.has_duplicate(k); });
}

/// Checks the members that every event needs: name and data.
std::optional<PublishRefusal> check_content(const App& app, const RawObject& body) {
    if (has_duplicates(body)) {
        return PublishRefusal{400, "a member of the body comes twice"};
    }
    const boost::json::string* name = body.find_string("name");
    if (name == nullptr || name->empty() || characters_in(*name) > app.max_event_name_length) {
        return PublishRefusal{400, "name must be a string of 1 to 200 characters, or fewer, where the app says so"};
    }
    const boost::json::string* data = body.find_string("data");
    if (data == nullptr) {
        return PublishRefusal{400, "data must be a string"};
    }
    if (data->size() > app.max_event_bytes) {
        return PublishRefusal{413, "The data content of this event exceeds the allowed maximum of the app"};
    }
    return std::nullopt;
}

/// What the mesh does with an event for a channel beside the delivery.
struct ChannelDuties {
    bool is_kept = false;
    std::uint8_t copies = 1;
    HistoryBounds history = {};
    /// The place of the channel in the order that the mesh wants: channels that keep the event come first, and channels
    /// with copies follow each other.
    [[nodiscard]] int place() const { return is_kept ? (copies > 1 ? 1 : 0) : (copies > 1 ? 2 : 3); }
};

ChannelDuties duties_of(const App& app, const std::string& name) {
    const HistoryRule* rule = rule_for(app.history, name);
    ChannelDuties duties{app.cache_ttl > Duration{} && classify(name).cache};
    if (rule != nullptr) {
        duties.copies = rule->ack;
        // Nobody can ask for the history of a user's own channel.
        duties.history = rule->size > 0 && !user_of_channel(name) ? HistoryBounds{rule->size, rule->bytes, rule->ttl}
                                                                  : HistoryBounds{};
    }
    return duties;
}

/// Has the mesh keep the event for the cache channels, and hold copies and histories where a rule says so. Brings the
/// channels into the order that the mesh wants; the order within a kind of channel stays.
void set_duties(const App& app, std::vector<std::string>& names, PublishEvent& event) {
    const auto is_cache = [](const std::string& name) { return classify(name).cache; };
    if (app.history.empty() && std::none_of(names.begin(), names.end(), is_cache)) {
        // The usual case. The list of duties would cost an allocation.
        return;
    }
    std::vector<ChannelDuties> duties;
    bool has_history = false;
    for (const std::string& name : names) {
        duties.push_back(duties_of(app, name));
        event.retained += duties.back().is_kept ? 1u : 0u;
        event.copied += duties.back().copies > 1 ? 1u : 0u;
        event.copies = std::max(event.copies, duties.back().copies);
        has_history = has_history || duties.back().history.size > 0;
    }
    if (event.retained == 0 && event.copied == 0 && !has_history) {
        return;
    }
    event.keep_for = event.retained > 0 ? app.cache_ttl : Duration{};
    std::vector<std::string> ordered;
    for (int place = 0; place < 4; ++place) {
        event.copied_from = place == 1 && event.copied > 0 ? ordered.size() : event.copied_from;
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (duties[i].place() == place) {
                ordered.push_back(std::move(names[i]));
                if (has_history) {
                    event.histories.push_back(duties[i].history);
                }
            }
        }
    }
    names = std::move(ordered);
}

/// Checks an event of a body. The cheap checks come first.
Checked<ParsedEvent> parse_one(const App& app, const RawObject& body) {
    if (const std::optional<PublishRefusal> refusal = check_content(app, body)) {
        return *refusal;
    }
    ParsedEvent parsed;
    bool is_wrong = false;
    if (const std::optional<std::string> socket = optional_text(body, "socket_id", is_wrong)) {
        is_wrong = !is_socket_id(*socket);
        parsed.event.exclude_socket = *socket;
    }
    if (is_wrong) {
        return PublishRefusal{400, "socket_id must be two numbers joined by a dot"};
    }
    const std::optional<std::string> info = optional_text(body, "info", is_wrong);
    const std::optional<InfoWanted> wanted = parse_info(info.value_or(""));
    if (is_wrong || !wanted || wanted->cache) {
        return PublishRefusal{400,
                              "info should be a comma separated list of attributes: user_count, subscription_count"};
    }
    Checked<std::vector<std::string>> channels = channels_of(app, body);
    if (!channels) {
        return channels.error();
    }
    parsed.wants_info = info && !info->empty();
    // A backend publishes to users without being told whether the users are online.
    if (parsed.wants_info && std::any_of(channels->begin(), channels->end(), user_of_channel)) {
        return PublishRefusal{400, "info is not told of the channels of users"};
    }
    set_duties(app, *channels, parsed.event);
    for (const std::string& name : *channels) {
        parsed.event.channels.push_back(channel_key(app.id, name));
    }
    const boost::json::string* name = body.find_string("name");
    // A name with half a surrogate pair is handed on in another form, as no text can hold the name.
    const std::string_view raw_name = body.raw("name");
    const std::string_view text(name->data(), name->size());
    parsed.event.body = has_half_character(raw_name) ? EventBody(event_name(text, raw_name), body.raw("data"))
                                                     : EventBody(text, body.raw("data"));
    // The limit of the app is about the text of the data; escapes in the source can make the body still too large for
    // the mesh.
    if (parsed.event.body.size() > kMaxEventBytes) {
        return PublishRefusal{413,
                              "The event with the escapes in its JSON exceeds 1000 KiB, which is what nodes carry"};
    }
    if (parsed.wants_info) {
        parsed.info = {std::move(*channels), *wanted};
    }
    return parsed;
}

/// The queries for the info of all events, each channel asked for once.
std::vector<std::string> queries_for(const App& app, const std::vector<EventInfo>& events) {
    std::vector<std::string> names;
    for (const EventInfo& event : events) {
        names.insert(names.end(), event.channels.begin(), event.channels.end());
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    std::vector<std::string> queries;
    for (auto from = names.begin(); from != names.end();) {
        const auto to = from + std::min<std::ptrdiff_t>(kNamesInQuery, names.end() - from);
        queries.push_back(encode(ChannelQuery{app.id, false, {from, to}}));
        from = to;
    }
    return queries;
}

}  // namespace

bool is_socket_id(std::string_view text) {
    constexpr std::size_t kMaxDigits = 20;
    const std::size_t dot = text.find('.');
    const auto is_number = [](std::string_view part) {
        return !part.empty() && part.size() <= kMaxDigits &&
               std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    return dot != std::string_view::npos && is_number(text.substr(0, dot)) && is_number(text.substr(dot + 1));
}

Checked<ApiWork> parse_event(const App& app, std::string_view body) {
    JsonScratch scratch;
    const Result<RawObject, JsonErrc> object = RawObject::parse(without_mark(body), scratch.storage());
    if (!object) {
        return PublishRefusal{400, why_not_read(object.error())};
    }
    Checked<ParsedEvent> parsed = parse_one(app, *object);
    if (!parsed) {
        return parsed.error();
    }
    ApiWork work;
    work.events.push_back(std::move(parsed->event));
    if (parsed->wants_info) {
        work.plan = {AnswerPlan::Shape::kEvent, {}, {std::move(parsed->info)}};
        work.queries = queries_for(app, work.plan.events);
    }
    return work;
}

Checked<ApiWork> parse_batch(const App& app, std::string_view body) {
    JsonScratch scratch;
    Result<RawObject, JsonErrc> object = RawObject::parse(without_mark(body), scratch.storage());
    if (!object) {
        return PublishRefusal{400, why_not_read(object.error())};
    }
    // Checked on the parsed object before the events are taken out of the object.
    const boost::json::value* batch = object->find("batch");
    if (batch == nullptr || !batch->is_array() || object->has_duplicate("batch")) {
        return PublishRefusal{400, "the body must be a JSON object with an array batch, which comes once"};
    }
    if (batch->get_array().empty() || batch->get_array().size() > app.max_event_batch_size) {
        return PublishRefusal{400, "Batch too large, or empty: it has 1 to 10 events, unless the app says otherwise"};
    }
    ApiWork work;
    work.events.reserve(batch->get_array().size());
    for (const Result<RawObject, JsonErrc>& event : object->take_objects("batch")) {
        // Pusher allows a single channel for an event of a batch.
        if (!event || given(*event, "channels") != nullptr) {
            return PublishRefusal{400, "each event of a batch is a JSON object with one channel"};
        }
        Checked<ParsedEvent> parsed = parse_one(app, *event);
        if (!parsed) {
            return parsed.error();
        }
        work.events.push_back(std::move(parsed->event));
        work.plan.events.push_back(std::move(parsed->info));
    }
    work.queries = queries_for(app, work.plan.events);
    // No event wants info: the answer is {}.
    if (work.queries.empty()) {
        work.plan = {};
    } else {
        work.plan.shape = AnswerPlan::Shape::kBatch;
    }
    return work;
}

}  // namespace tulle::node::pusher
