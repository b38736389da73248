#include "node/pusher/wire/http_history.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "node/pusher/wire/event_frame.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node::pusher {
namespace {

/// The greatest moment that a request may name, in milliseconds: far beyond every clock, and no product overflows.
constexpr std::uint64_t kMaxTimeMs = 1'000'000'000'000'000;

/// A number of decimal digits and nothing else; nothing for another text.
std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// The parameter under one of two names; null without either.
const std::string* either(const QueryParameters& parameters, std::string_view name, std::string_view alias) {
    const std::string* given = find_parameter(parameters, name);
    return given != nullptr ? given : find_parameter(parameters, alias);
}

/// Milliseconds as microseconds; nothing for another text.
std::optional<std::uint64_t> time_of(const std::string& text) {
    const std::optional<std::uint64_t> ms = number(text);
    return ms && *ms <= kMaxTimeMs ? std::optional(*ms * 1000) : std::nullopt;
}

std::string item(const HistoryEvent& event) {
    std::string text =
        "{\"id\":\"" + id_of(event.place) + "\",\"time_ms\":" + std::to_string(event.place.time_us / 1000);
    if (!event.exclude_socket.empty()) {
        text.append(",\"socket_id\":").append(quoted(event.exclude_socket));
    }
    return text.append(event_members(*event.body));
}

/// True when every event of the asked time is held by somebody who has answered.
bool is_complete(const HistoryRead& read, const HistoryFindings& found) {
    // Older events have ended with their time.
    const auto ttl_us = static_cast<std::uint64_t>(read.ttl / 1us);
    const std::uint64_t oldest_us = found.answered_us - std::min(found.answered_us, ttl_us) + 1;
    return found.whole_since_us && *found.whole_since_us <= std::max(read.from_us, oldest_us);
}

}  // namespace

Result<HistoryRead, std::string_view> parse_history_read(const QueryParameters& parameters, const HistoryRule& rule) {
    HistoryRead read{.channel = {}, .ttl = rule.ttl};
    if (const std::string* limit = find_parameter(parameters, "limit")) {
        const std::optional<std::uint64_t> wanted = number(*limit);
        if (!wanted || *wanted == 0 || *wanted > kMaxHistoryPageEvents) {
            return std::string_view("limit is a number from 1 to 1000");
        }
        read.limit = static_cast<std::size_t>(*wanted);
    }
    if (const std::string* direction = find_parameter(parameters, "direction")) {
        read.newest_first = *direction == "newest_first";
        if (!read.newest_first && *direction != "oldest_first") {
            return std::string_view("direction is newest_first or oldest_first");
        }
    }
    if (const std::string* from = either(parameters, "start_time_ms", "start")) {
        const std::optional<std::uint64_t> time_us = time_of(*from);
        if (!time_us) {
            return std::string_view("start_time_ms is a number of milliseconds since 1970");
        }
        read.from_us = *time_us;
    }
    if (const std::string* to = either(parameters, "end_time_ms", "end")) {
        const std::optional<std::uint64_t> time_us = time_of(*to);
        if (!time_us) {
            return std::string_view("end_time_ms is a number of milliseconds since 1970");
        }
        // The whole millisecond.
        read.to_us = *time_us + 999;
    }
    if (read.from_us > read.to_us) {
        return std::string_view("start_time_ms is later than end_time_ms");
    }
    if (const std::string* cursor = find_parameter(parameters, "cursor")) {
        const std::optional<HistoryPlace> place = place_of(*cursor);
        if (!place) {
            return std::string_view("cursor is the next_cursor of an answer");
        }
        read.behind = *place;
    }
    if (find_parameter(parameters, "start_serial") != nullptr || find_parameter(parameters, "end_serial") != nullptr) {
        return std::string_view("events have no serials here: use start_time_ms, end_time_ms or cursor");
    }
    return read;
}

std::string render_history(const HistoryRead& read, const HistoryFindings& found, bool is_partial) {
    std::string body = "{\"items\":[";
    for (const HistoryEvent& event : found.events) {
        body.append(&event == found.events.data() ? "" : ",").append(item(event));
    }
    // Without an event, as a node was not heard to the end, the same place is asked for again.
    const HistoryPlace next = found.events.empty() ? read.behind : found.events.back().place;
    const bool has_next = found.has_more && next.time_us != 0;
    body.append("],\"has_more\":").append(has_next ? "true" : "false").append(",\"next_cursor\":");
    body.append(has_next ? "\"" + id_of(next) + "\"" : "null");
    body.append(",\"complete\":").append(!is_partial && is_complete(read, found) ? "true" : "false");
    body.append(",\"since_ms\":");
    // Rounded up: the first whole millisecond of which all events are held.
    body.append(found.whole_since_us ? std::to_string((*found.whole_since_us + 999) / 1000) : "null");
    return body.append("}");
}

}  // namespace tulle::node::pusher
