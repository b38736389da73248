#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/result.hpp"
#include "node/core/presence_rooms.hpp"

/// The user_data of a sign-in: the user, and the watched users.
namespace tulle::node::pusher {

/// Why a sign-in fails.
enum class UserDataErrc {
    kTooLarge,
    /// No JSON object, or nested deeper than kMaxJsonDepth, or with more than kMaxJsonMembers members.
    kNoObject,
    /// The member id, user_info or watchlist comes twice.
    kDuplicate,
    /// No id, or an id other than an integer or a non-empty string.
    kNoId,
    /// An id holds half a surrogate pair.
    kHalfCharacter,
    /// Longer than kMaxSignInIdCharacters or kMaxSignInIdBytes.
    kIdTooLong,
    /// Not an array of ids.
    kBadWatchlist,
};
/// The message for the client. Static text.
[[nodiscard]] std::string_view describe(UserDataErrc error);

/// A parsed user_data.
struct UserData {
    /// As on presence channels.
    Member member;
    /// Ids as text: the first kMaxWatchlist of the list.
    std::vector<std::string> watchlist;
    /// The list was longer than kMaxWatchlist.
    bool is_watchlist_cut = false;
    /// The source of an id that is a number; else empty. Valid as long as user_data.
    std::string_view number;
};

/// Reads a user_data whose signature was right.
[[nodiscard]] Result<UserData, UserDataErrc> parse_user_data(std::string_view user_data);

/// The user_data with the id as a string, for the answer to the client: pusher-js forgets a user whose id is not a
/// string. Unchanged if the id is a string already. REQUIRES: `user` was parsed from this very `user_data`.
[[nodiscard]] std::string with_text_id(std::string_view user_data, const UserData& user);

}  // namespace tulle::node::pusher
