#include "node/pusher/wire/presence.hpp"

#include <optional>

#include "mesh/base/readable_json.hpp"
#include "node/pusher/core/limits.hpp"

namespace tulle::node::pusher {
namespace {

/// Between id and info in a card. The JSON of an id never holds a bare line feed: quoted() escapes the character.
constexpr char kCardSeparator = '\n';

/// The info in a card, as JSON; empty when the user has none.
std::string_view info_of_card(std::string_view card) {
    const std::size_t end = card.find(kCardSeparator);
    return end == std::string_view::npos ? std::string_view{} : card.substr(end + 1);
}

/// The digits of an integer; nothing for another value.
std::optional<std::string> text_of_integer(const boost::json::value& id) {
    if (const std::int64_t* number = id.if_int64()) {
        return std::to_string(*number);
    }
    if (const std::uint64_t* number = id.if_uint64()) {
        return std::to_string(*number);
    }
    return std::nullopt;
}

}  // namespace

Result<Member, MemberErrc> parse_member(std::string_view channel_data, std::size_t max_info_bytes) {
    const Result<RawObject, JsonErrc> object = RawObject::parse(channel_data);
    if (!object) {
        return member_error(object.error());
    }
    if (object->has_duplicate("user_id") || object->has_duplicate("user_info")) {
        return MemberErrc::kDuplicate;
    }
    Result<Member, MemberErrc> member = read_member(*object, "user_id");
    return member ? with_info_within(std::move(*member), max_info_bytes) : member;
}

MemberErrc member_error(JsonErrc error) {
    switch (error) {
        case JsonErrc::kTooDeep:
            return MemberErrc::kTooDeep;
        case JsonErrc::kTooManyMembers:
            return MemberErrc::kTooManyMembers;
        case JsonErrc::kMalformed:
        case JsonErrc::kNotUtf8:
        case JsonErrc::kNotAnObject:
            break;
    }
    return MemberErrc::kNoObject;
}

Result<Member, MemberErrc> read_member(const RawObject& object, std::string_view id_key) {
    const boost::json::value* id = object.find(id_key);
    if (id == nullptr) {
        return MemberErrc::kNoId;
    }
    Member member;
    if (const boost::json::string* text = id->if_string()) {
        member.user.assign(text->data(), text->size());
        // Written afresh in place of the source: a string has many spellings in JSON, and a card has a single spelling.
        member.card = quoted(member.user);
    } else if (std::optional<std::string> number = text_of_integer(*id)) {
        member.user = *number;
        member.card = std::move(*number);
    }
    if (member.user.empty()) {
        return MemberErrc::kNoId;
    }
    if (has_half_character(object.raw(id_key))) {
        return MemberErrc::kHalfCharacter;
    }
    if (member.user.size() > kMaxUserIdBytes) {
        return MemberErrc::kIdTooLong;
    }
    // The info is handed on byte for byte.
    member.card.append(1, kCardSeparator).append(object.raw("user_info"));
    return member;
}

Result<Member, MemberErrc> with_info_within(Member member, std::size_t max_info_bytes) {
    if (info_of_card(member.card).size() > max_info_bytes) {
        return MemberErrc::kTooLarge;
    }
    return member;
}

SubscriptionRefusal refusal_of(MemberErrc error) {
    switch (error) {
        case MemberErrc::kNoObject:
            return {"InvalidMember", "channel_data must be a JSON object", 400};
        case MemberErrc::kTooDeep:
            return {"InvalidMember", "The channel_data is nested deeper than 512", 400};
        case MemberErrc::kTooManyMembers:
            return {"InvalidMember", "The channel_data has more than 64 members; user_info may have any number", 400};
        case MemberErrc::kDuplicate:
            return {"InvalidMember", "The members of channel_data must come once", 400};
        case MemberErrc::kHalfCharacter:
            return {"InvalidMember", "The user_id holds half of a surrogate pair, which is no character", 400};
        case MemberErrc::kNoId:
            return {"InvalidMember", "channel_data needs a user_id: a string that is not empty, or an integer", 400};
        case MemberErrc::kIdTooLong:
            return {"LimitReached", "The user_id is longer than 256 bytes", 4301};
        case MemberErrc::kTooLarge:
            break;
    }
    return {"LimitReached", "The user_info is larger than this app allows", 4301};
}

SubscriptionRefusal refusal_of(JoinRefusal reason) {
    switch (reason) {
        case JoinRefusal::kFull:
            return {"LimitReached", "The channel has as many members as this app allows", 4100};
        case JoinRefusal::kTooLarge:
            return {"LimitReached", "The member is too large", 4301};
        case JoinRefusal::kNotReady:
            break;
    }
    return {"Unavailable", "The node is going away", 503};
}

std::string_view id_of_card(std::string_view card) {
    return card.substr(0, card.find(kCardSeparator));
}

std::string presence_succeeded(std::string_view channel, const PresenceRooms::Users& users, std::string_view history) {
    std::string ids;
    std::string hash;
    for (const auto& [user, card] : users) {
        const std::string_view info = info_of_card(*card);
        ids.append(ids.empty() ? "" : ",").append(id_of_card(*card));
        // Keys of a JSON object are strings, so ids that are numbers appear as strings in `hash`, and as numbers in
        // `ids`.
        hash.append(hash.empty() ? "" : ",").append(quoted(user)).append(":").append(info.empty() ? "null" : info);
    }
    std::string data =
        "{\"presence\":{\"count\":" + std::to_string(users.size()) + ",\"ids\":[" + ids + "],\"hash\":{" + hash + "}}";
    if (!history.empty()) {
        data.append(",\"tulle\":").append(history);
    }
    data.append("}");
    return R"({"event":"pusher_internal:subscription_succeeded","channel":)" + quoted(channel) +
           ",\"data\":" + quoted(data) + "}";
}

EventBody member_added_body(std::string_view card) {
    const std::string_view info = info_of_card(card);
    std::string data = "{\"user_id\":" + std::string(id_of_card(card));
    if (!info.empty()) {
        data.append(",\"user_info\":").append(info);
    }
    return {"pusher_internal:member_added", quoted(data.append("}"))};
}

EventBody member_removed_body(std::string_view card) {
    return {"pusher_internal:member_removed", quoted("{\"user_id\":" + std::string(id_of_card(card)) + "}")};
}

}  // namespace tulle::node::pusher
