#include "node/pusher/wire/history_position.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <system_error>

#include <boost/json/value.hpp>

#include "node/pusher/core/history_rule.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node::pusher {
namespace {

/// The greatest time of a place: far beyond every clock, and no sum overflows.
constexpr std::uint64_t kMaxTimeUs = std::uint64_t{1} << 60;
constexpr std::size_t kHexDigits = kEventIdBytes / 2;
constexpr char kBetween = '~';
/// A socket id has two numbers of at most 20 digits.
constexpr std::size_t kMaxSocketBytes = 64;

std::optional<std::uint64_t> hex(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// The node may be 0.
std::optional<HistoryPlace> any_place_of(std::string_view id) {
    if (id.size() != kEventIdBytes) {
        return std::nullopt;
    }
    const std::optional<std::uint64_t> time_us = hex(id.substr(0, kHexDigits));
    const std::optional<std::uint64_t> origin = hex(id.substr(kHexDigits));
    const bool is_good = time_us && origin && *time_us <= kMaxTimeUs;
    return is_good ? std::optional(HistoryPlace{*time_us, OriginId{*origin}}) : std::nullopt;
}

/// A number of seconds, minutes or hours: "30s", "2m", "1h".
std::optional<Duration> duration_of(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (error != std::errc{} || number == 0) {
        return std::nullopt;
    }
    const Duration one = unit == "s"   ? Duration(1s)
                         : unit == "m" ? Duration(1min)
                         : unit == "h" ? Duration(1h)
                                       : Duration{};
    return one > Duration{} && number <= kMaxHistoryAge / one ? std::optional(one * number) : std::nullopt;
}

/// Reads the member rewind. False for another value.
bool take_rewind(const boost::json::value& value, HistoryWish& wish) {
    if (const boost::json::string* text = value.if_string()) {
        const std::optional<Duration> back = duration_of({text->data(), text->size()});
        wish.rewind_for = back.value_or(Duration{});
        return back.has_value();
    }
    boost::system::error_code error;
    const auto count = value.to_number<std::uint64_t>(error);
    if (error || count == 0 || count > kMaxReplayEvents) {
        return false;
    }
    wish.rewind = static_cast<std::size_t>(count);
    return true;
}

}  // namespace

std::string id_of(const HistoryPlace& place) {
    return to_hex(OriginId{place.time_us}) + to_hex(place.origin);
}

std::optional<HistoryPlace> place_of(std::string_view id) {
    const std::optional<HistoryPlace> place = any_place_of(id);
    return place && place->time_us != 0 && place->origin != OriginId{} ? place : std::nullopt;
}

std::string text_of(const HistoryPosition& position) {
    std::string text = id_of({position.settled_us, OriginId{}});
    for (const HistoryPlace& place : position.seen) {
        text.append(1, kBetween).append(id_of(place));
    }
    return text;
}

std::optional<HistoryPosition> position_of(std::string_view text) {
    HistoryPosition position;
    std::map<OriginId, std::uint64_t> seen;
    for (;;) {
        const std::optional<HistoryPlace> place = any_place_of(text.substr(0, text.find(kBetween)));
        if (!place) {
            return std::nullopt;
        }
        if (place->origin == OriginId{}) {
            position.settled_us = std::max(position.settled_us, place->time_us);
        } else {
            std::uint64_t& time_us = seen[place->origin];
            time_us = std::max(time_us, place->time_us);
        }
        if (seen.size() > kMaxPositionPlaces) {
            return std::nullopt;
        }
        if (text.size() == kEventIdBytes) {
            break;
        }
        text.remove_prefix(kEventIdBytes + 1);
    }
    for (const auto& [origin, time_us] : seen) {
        position.seen.push_back({time_us, origin});
    }
    return position;
}

std::optional<HistoryWish> parse_history_wish(std::string_view json) {
    JsonScratch scratch;
    const Result<RawObject, JsonErrc> object = RawObject::parse(json, scratch.storage());
    if (!object || object->has_duplicates()) {
        return std::nullopt;
    }
    HistoryWish wish;
    if (const boost::json::value* rewind = object->find("rewind"); rewind != nullptr && !rewind->is_null()) {
        if (!take_rewind(*rewind, wish)) {
            return std::nullopt;
        }
    }
    if (const boost::json::value* socket = object->find("socket"); socket != nullptr && !socket->is_null()) {
        const boost::json::string* text = socket->if_string();
        if (text == nullptr || text->size() > kMaxSocketBytes) {
            return std::nullopt;
        }
        wish.socket.assign(text->data(), text->size());
    }
    if (const boost::json::value* since = object->find("since"); since != nullptr && !since->is_null()) {
        const boost::json::string* text = since->if_string();
        if (text == nullptr || wish.rewind != 0 || wish.rewind_for > Duration{}) {
            return std::nullopt;
        }
        wish.since = position_of({text->data(), text->size()});
        wish.is_bad_position = !wish.since;
    }
    return wish;
}

std::string render_history_answer(const HistoryAnswer& answer) {
    std::string json = "{";
    if (answer.is_resumed) {
        json.append("\"recovered\":").append(answer.reason.empty() ? "true," : "false,");
    }
    if (!answer.reason.empty()) {
        json.append("\"reason\":").append(quoted(answer.reason)).append(",");
    }
    json.append("\"replayed\":").append(std::to_string(answer.replayed));
    if (answer.at) {
        json.append(",\"at\":\"").append(text_of(*answer.at)).append("\"");
    }
    return json.append("}");
}

}  // namespace tulle::node::pusher
