#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "mesh/base/result.hpp"
#include "node/core/presence_rooms.hpp"
#include "node/pusher/wire/codec.hpp"
#include "node/pusher/wire/raw_json.hpp"

/// Users of presence channels, as clients write and read them. The card of a user holds the id and the info, each in
/// the very JSON of the user's connection: clients are told the id with its own type. Backends are told strings.
namespace tulle::node::pusher {

/// Why a user is not accepted.
enum class MemberErrc {
    /// channel_data is no JSON object …
    kNoObject,
    /// … or is JSON with too many levels …
    kTooDeep,
    /// … or is an object of more than kMaxJsonMembers members.
    kTooManyMembers,
    /// user_id or user_info comes twice.
    kDuplicate,
    /// No user_id, or a user_id other than an integer or a non-empty string.
    kNoId,
    /// The id holds half a surrogate pair. Ids are compared by text, and half a pair has no text.
    kHalfCharacter,
    /// The id is longer than kMaxUserIdBytes.
    kIdTooLong,
    /// The user_info is larger than the app allows.
    kTooLarge,
};

/// The user named by `channel_data`. Users are the same when the texts of their ids are: 10 and "10". `max_info_bytes`
/// limits the source of user_info.
[[nodiscard]] Result<Member, MemberErrc> parse_member(std::string_view channel_data, std::size_t max_info_bytes);
/// The error for a channel_data that could not be parsed.
[[nodiscard]] MemberErrc member_error(JsonErrc error);
/// The user in an object without duplicates of the members concerned (checked by the caller). `id_key` names the id;
/// user_info names the info. The size of the info is not checked.
[[nodiscard]] Result<Member, MemberErrc> read_member(const RawObject& object, std::string_view id_key);
/// The same user, or kTooLarge if the info has more than `max_info_bytes`.
[[nodiscard]] Result<Member, MemberErrc> with_info_within(Member member, std::size_t max_info_bytes);
/// The subscription error for the client. Static text.
[[nodiscard]] SubscriptionRefusal refusal_of(MemberErrc error);
/// The subscription error for a client whose user the mesh has not taken in. Static text.
[[nodiscard]] SubscriptionRefusal refusal_of(JoinRefusal reason);

/// The id in a card, as JSON. Valid as long as `card`.
[[nodiscard]] std::string_view id_of_card(std::string_view card);

/// The whole frame of subscription_succeeded with the list of `users`.
[[nodiscard]] std::string presence_succeeded(std::string_view channel, const PresenceRooms::Users& users,
                                             std::string_view history = {});
/// The event for the other clients of the channel; the data hold id and info.
[[nodiscard]] EventBody member_added_body(std::string_view card);
/// The event for the other clients of the channel; the data hold the id alone.
[[nodiscard]] EventBody member_removed_body(std::string_view card);

}  // namespace tulle::node::pusher
