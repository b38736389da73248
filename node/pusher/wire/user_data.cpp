#include "node/pusher/wire/user_data.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <boost/json/array.hpp>

#include "mesh/base/assert.hpp"
#include "mesh/base/readable_json.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/presence.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node::pusher {
namespace {

/// An id as text; empty for a value that is no id.
std::string text_of_id(const boost::json::value& id) {
    if (const boost::json::string* text = id.if_string()) {
        return {text->data(), text->size()};
    }
    if (const std::int64_t* number = id.if_int64()) {
        return std::to_string(*number);
    }
    const std::uint64_t* number = id.if_uint64();
    return number == nullptr ? std::string() : std::to_string(*number);
}

/// Reads the watchlist. False when the value is no array of ids; absent and null are an empty list.
bool take_watchlist(const boost::json::value* value, UserData& user) {
    if (value == nullptr || value->is_null()) {
        return true;
    }
    const boost::json::array* ids = value->if_array();
    if (ids == nullptr) {
        return false;
    }
    // A long list is cut, not refused. Only the kept ids are checked.
    user.is_watchlist_cut = ids->size() > kMaxWatchlist;
    const auto end = std::next(ids->begin(), static_cast<std::ptrdiff_t>(std::min(ids->size(), kMaxWatchlist)));
    for (auto id = ids->begin(); id != end; ++id) {
        user.watchlist.push_back(text_of_id(*id));
        if (!is_valid_user_id(user.watchlist.back())) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::string_view describe(UserDataErrc error) {
    switch (error) {
        case UserDataErrc::kTooLarge:
            return "The user_data is larger than 32 KiB";
        case UserDataErrc::kNoObject:
            return "user_data must be a JSON object of at most 64 members, nested no deeper than 512";
        case UserDataErrc::kDuplicate:
            return "The members of user_data must come once";
        case UserDataErrc::kNoId:
            return "user_data needs an id: a string that is not empty, or an integer";
        case UserDataErrc::kHalfCharacter:
            return "An id of a user holds half of a surrogate pair, which is no character";
        case UserDataErrc::kIdTooLong:
            return "The id of the user is longer than 128 characters, or than 236 bytes";
        case UserDataErrc::kBadWatchlist:
            break;
    }
    return "The watchlist must be an array of ids of users, of 1 to 128 characters each";
}

Result<UserData, UserDataErrc> parse_user_data(std::string_view user_data) {
    if (user_data.size() > kMaxUserDataBytes) {
        return UserDataErrc::kTooLarge;
    }
    const Result<RawObject, JsonErrc> object = RawObject::parse(user_data);
    if (!object) {
        return UserDataErrc::kNoObject;
    }
    if (object->has_duplicate("id") || object->has_duplicate("user_info") || object->has_duplicate("watchlist")) {
        return UserDataErrc::kDuplicate;
    }
    // Ids are compared by text, and half a surrogate pair has no text.
    if (has_half_character(object->raw("id")) || has_half_character(object->raw("watchlist"))) {
        return UserDataErrc::kHalfCharacter;
    }
    Result<Member, MemberErrc> member = read_member(*object, "id");
    if (!member) {
        return member.error() == MemberErrc::kNoId ? UserDataErrc::kNoId : UserDataErrc::kIdTooLong;
    }
    // A signed-in user has narrower limits than a user of a presence channel, as the id is part of a channel's name.
    if (!is_valid_user_id(member->user)) {
        return UserDataErrc::kIdTooLong;
    }
    UserData user{
        std::move(*member), {}, false, object->find("id")->is_string() ? std::string_view{} : object->raw("id")};
    if (!take_watchlist(object->find("watchlist"), user)) {
        return UserDataErrc::kBadWatchlist;
    }
    return user;
}

std::string with_text_id(std::string_view user_data, const UserData& user) {
    std::string text(user_data);
    if (!user.number.empty()) {
        TULLE_ASSERT(user.number.data() >= user_data.data() &&
                     user.number.data() + user.number.size() <= user_data.data() + user_data.size());
        const auto at = static_cast<std::size_t>(user.number.data() - user_data.data());
        text.replace(at, user.number.size(), quoted(user.member.user));
    }
    return text;
}

}  // namespace tulle::node::pusher
