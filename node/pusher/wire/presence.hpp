#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "mesh/base/result.hpp"
#include "node/core/presence_rooms.hpp"
#include "node/pusher/wire/codec.hpp"
#include "node/pusher/wire/raw_json.hpp"

/// Users of presence channels as clients write and read them. A user's card is its id and its info, each in the very
/// JSON that its connection brought: the id's own type is what clients are told. Backends are told strings.
namespace tulle::node::pusher {

enum class MemberErrc {
    kNoObject,        ///< channel_data is no JSON object
    kTooDeep,         ///< … but JSON that is nested too deep
    kTooManyMembers,  ///< … but an object of more than kMaxJsonMembers
    kDuplicate,       ///< one of its members comes twice
    kNoId,            ///< no user_id, or neither a string that is not empty nor an integer
    kHalfCharacter,   ///< in the id, which is compared by its text
    kIdTooLong,
    kTooLarge,  ///< user_info
};

/// The user that `channel_data` names. Users are the same when the texts of their ids are: 10 and "10".
[[nodiscard]] Result<Member, MemberErrc> parse_member(std::string_view channel_data, std::size_t max_info_bytes);
[[nodiscard]] MemberErrc member_error(JsonErrc error);
/// The member in an object that has been looked through for duplicates: `id_key` names its id, user_info its info.
[[nodiscard]] Result<Member, MemberErrc> read_member(const RawObject& object, std::string_view id_key);
/// The same user, if its info is within the app's limit.
[[nodiscard]] Result<Member, MemberErrc> with_info_within(Member member, std::size_t max_info_bytes);
[[nodiscard]] SubscriptionRefusal refusal_of(MemberErrc error);
[[nodiscard]] SubscriptionRefusal refusal_of(JoinRefusal reason);

/// The id in a card, as JSON. Valid as long as the card.
[[nodiscard]] std::string_view id_of_card(std::string_view card);

/// The whole frame.
[[nodiscard]] std::string presence_succeeded(std::string_view channel, const PresenceRooms::Users& users);
[[nodiscard]] EventBody member_added_body(std::string_view card);
[[nodiscard]] EventBody member_removed_body(std::string_view card);

}  // namespace tulle::node::pusher
