#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/core/message.hpp"

/// What is inside the data of the protocol's own events. `data` is the JSON of an object, as a server writes it;
/// nothing is the answer to any other.
namespace tulle::client {

/// The list in the success of a presence subscription, in the order of the server.
[[nodiscard]] std::optional<std::vector<Member>> decode_members(std::string_view data);

/// {user_id, user_info?}: also the channel_data of a subscription.
[[nodiscard]] std::optional<Member> decode_member(std::string_view data);

/// {type, error, status}: a field that is missing or wrong is left empty.
[[nodiscard]] Fault decode_subscription_error(std::string_view data);

/// {user_data: JSON in a string, with an id}.
[[nodiscard]] std::optional<SignInSuccess> decode_sign_in(std::string_view data);

/// {events: [{name: "online" or "offline", user_ids}]}. Events of another name are left out.
[[nodiscard]] std::optional<WatchlistEvents> decode_watchlist(std::string_view data);

/// The meaning of an event under its public name; monostate for one that others publish.
[[nodiscard]] std::optional<Detail> decode_detail(std::string_view channel, std::string_view event,
                                                  std::string_view data);

}  // namespace tulle::client
