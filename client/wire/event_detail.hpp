#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/core/message.hpp"

/// Decodes the data of the protocol's own events. `data` is the JSON of an object, as a server writes the data. Without
/// a usable object the answer is nothing. Pure; any thread.
namespace tulle::client {

/// The users in the answer to a presence subscription ({presence: {ids, hash}}), in the order of `hash`.
[[nodiscard]] std::optional<std::vector<Member>> decode_members(std::string_view data);

/// The user in {user_id, user_info?}. A subscription's channel_data has the same form.
[[nodiscard]] std::optional<Member> decode_member(std::string_view data);

/// The refusal in {type, error, status}. A missing or wrong field stays empty. Data other than an object become the
/// message.
[[nodiscard]] Fault decode_subscription_error(std::string_view data);

/// The user in {user_data}. `user_data` is a string of JSON with an id.
[[nodiscard]] std::optional<SignInSuccess> decode_sign_in(std::string_view data);

/// The changes in {events: [{name: "online" or "offline", user_ids}]}. Events of any other name are left out.
[[nodiscard]] std::optional<WatchlistEvents> decode_watchlist(std::string_view data);

/// The meaning of an event, given the event's public name; std::monostate for an event of another publisher. Nothing
/// when the data of a known event are wrong.
[[nodiscard]] std::optional<Detail> decode_detail(std::string_view channel, std::string_view event,
                                                  std::string_view data);

}  // namespace tulle::client
