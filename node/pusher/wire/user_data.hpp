#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/result.hpp"
#include "node/core/presence_rooms.hpp"

/// What a client signs in with.
namespace tulle::node::pusher {

enum class UserDataErrc {
    kTooLarge,
    kNoObject,       ///< no JSON object, or nested too deep, or of too many members
    kDuplicate,      ///< one of its members comes twice
    kNoId,           ///< no id, or neither a string that is not empty nor an integer
    kHalfCharacter,  ///< in an id
    kIdTooLong,
    kBadWatchlist,  ///< not an array of ids
};
[[nodiscard]] std::string_view describe(UserDataErrc error);

struct UserData {
    Member member;                       ///< as on presence channels
    std::vector<std::string> watchlist;  ///< ids as text; the first kMaxWatchlist
    bool is_watchlist_cut = false;
    std::string_view number;  ///< the id in user_data when it is a number: as long as that
};

[[nodiscard]] Result<UserData, UserDataErrc> parse_user_data(std::string_view user_data);

/// The very user_data, but with the id as a string if it is a number: pusher-js forgets a user whose id is none.
/// REQUIRES: `user` has been read from it.
[[nodiscard]] std::string with_text_id(std::string_view user_data, const UserData& user);

}  // namespace tulle::node::pusher
