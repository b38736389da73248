#include "client/wire/event_detail.hpp"

#include <cstdint>
#include <map>
#include <utility>

#include <boost/json.hpp>

#include "client/core/channel_name.hpp"
#include "client/wire/json_text.hpp"
#include "client/wire/raw_member.hpp"
#include "mesh/base/json_members.hpp"

namespace tulle::client {
namespace {

namespace json = boost::json;

/// The object in a member; null when the member is missing or not an object.
const json::object* object_in(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains({key.data(), key.size()});
    return value == nullptr ? nullptr : value->if_object();
}

/// The count in a member; nothing unless the member is a whole number of zero or more.
std::optional<std::uint64_t> number_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains({key.data(), key.size()});
    if (value == nullptr || !value->is_int64() || value->get_int64() < 0) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(value->get_int64());
}

/// A user's info from the source text. null counts as no info.
std::string info_of(std::string_view source) {
    return source == "null" ? std::string() : std::string(source);
}

/// Maps the text of each listed id to the JSON of the id. The keys of `hash` are always strings; only `ids` shows
/// numeric ids.
std::map<std::string, std::string> ids_of(const json::object& presence) {
    std::map<std::string, std::string> ids;
    const json::value* list = presence.if_contains("ids");
    if (list != nullptr && list->is_array()) {
        for (const json::value& id : list->get_array()) {
            ids.emplace(scalar_text(id), json::serialize(id));
        }
    }
    return ids;
}

/// One entry of a watchlist message; nothing for an unknown name or a missing list.
std::optional<WatchlistChange> watchlist_change(const json::object& event) {
    const std::string name = text_of(event, "name");
    const json::value* ids = event.if_contains("user_ids");
    if ((name != "online" && name != "offline") || ids == nullptr || !ids->is_array()) {
        return std::nullopt;
    }
    WatchlistChange change{name == "online", {}};
    for (const json::value& id : ids->get_array()) {
        change.user_ids.push_back(scalar_text(id));
    }
    return change;
}

}  // namespace

std::optional<std::vector<Member>> decode_members(std::string_view data) {
    const std::optional<json::object> object = parse_object(data);
    const json::object* presence = object ? object_in(*object, "presence") : nullptr;
    if (presence == nullptr || object_in(*presence, "hash") == nullptr) {
        return std::nullopt;
    }
    // The info is taken from the source text, so that the application receives the JSON byte for byte.
    const std::map<std::string, std::string> ids = ids_of(*presence);
    std::vector<Member> members;
    for (const JsonMember& entry : json_members(raw_member(raw_member(data, "presence"), "hash"))) {
        const std::string id = scalar_text(parse_json(entry.name).value_or(json::value()));
        const auto listed = ids.find(id);
        members.push_back({id, listed == ids.end() ? std::string(entry.name) : listed->second, info_of(entry.value)});
    }
    return members;
}

std::optional<Member> decode_member(std::string_view data) {
    const std::optional<json::object> object = parse_object(data);
    if (!object) {
        return std::nullopt;
    }
    std::string id = scalar_of(*object, "user_id");
    if (id.empty()) {
        return std::nullopt;
    }
    return Member{std::move(id), json::serialize(object->at("user_id")), info_of(raw_member(data, "user_info"))};
}

Fault decode_subscription_error(std::string_view data) {
    Fault fault{FaultKind::kRefused, std::nullopt, {}, std::string(data)};
    if (const std::optional<json::object> object = parse_object(data)) {
        fault.type = text_of(*object, "type");
        fault.message = text_of(*object, "error");
        const std::optional<std::uint64_t> status = number_of(*object, "status");
        // A number outside this range is neither an HTTP status nor a code.
        if (status && *status <= 65'535) {
            fault.code = static_cast<int>(*status);
        }
    }
    return fault;
}

std::optional<SignInSuccess> decode_sign_in(std::string_view data) {
    const std::optional<json::object> object = parse_object(data);
    std::string user_data = object ? text_of(*object, "user_data") : std::string();
    const std::optional<json::object> user = parse_object(user_data);
    std::string id = user ? scalar_of(*user, "id") : std::string();
    if (id.empty()) {
        return std::nullopt;
    }
    return SignInSuccess{std::move(id), std::move(user_data)};
}

std::optional<WatchlistEvents> decode_watchlist(std::string_view data) {
    const std::optional<json::object> object = parse_object(data);
    const json::value* events = object ? object->if_contains("events") : nullptr;
    if (events == nullptr || !events->is_array()) {
        return std::nullopt;
    }
    WatchlistEvents decoded;
    for (const json::value& event : events->get_array()) {
        if (!event.is_object()) {
            return std::nullopt;
        }
        // An entry with an unknown name may come from a newer server, and must not hide the others.
        if (std::optional<WatchlistChange> change = watchlist_change(event.get_object())) {
            decoded.changes.push_back(std::move(*change));
        }
    }
    return decoded;
}

std::optional<Detail> decode_detail(std::string_view channel, std::string_view event, std::string_view data) {
    if (!is_server_event(event)) {
        return Detail();
    }
    if (event == "pusher:cache_miss") {
        return Detail(CacheMiss{});
    }
    // A gap without a number is still a gap.
    if (event == "tulle:gap") {
        const std::optional<json::object> object = parse_object(data);
        return Detail(Gap{object ? number_of(*object, "missing").value_or(0) : 0});
    }
    if (event == "pusher:subscription_count") {
        const std::optional<json::object> object = parse_object(data);
        const std::optional<std::uint64_t> count = object ? number_of(*object, "subscription_count") : std::nullopt;
        return count ? std::optional<Detail>(SubscriptionCount{*count}) : std::nullopt;
    }
    // A member event on any other channel has no meaning and stays an event of the protocol.
    if (is_presence(channel) && (event == "pusher:member_added" || event == "pusher:member_removed")) {
        std::optional<Member> member = decode_member(data);
        if (!member) {
            return std::nullopt;
        }
        return event == "pusher:member_added" ? Detail(MemberAdded{std::move(*member), 0})
                                              : Detail(MemberRemoved{std::move(*member), 0});
    }
    return Detail();
}

}  // namespace tulle::client
