#include "mesh/wire/protocol_2.hpp"

#include <utility>
#include <vector>

#include "mesh/base/json_members.hpp"
#include "mesh/base/json_text.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::mesh::wire::protocol_2 {
namespace {

// The members of the end of a Pusher frame, in the fixed order of protocol 2.
constexpr std::string_view kEvent = ",\"event\":";
constexpr std::string_view kData = ",\"data\":";
constexpr std::string_view kUser = ",\"user_id\":";

}  // namespace

std::optional<std::string> tail_of(const EventBody& body) {
    if (body.kind() != DataKind::kJson) {
        return std::nullopt;
    }
    std::string tail;
    // 40 bytes cover the names of the members and the quotes.
    tail.reserve(body.size() + 40);
    tail.append(kEvent);
    append_json_string(tail, body.name());
    if (!body.data().empty()) {
        tail.append(kData).append(body.data());
    }
    if (!body.sender().empty()) {
        tail.append(kUser).append(body.sender());
    }
    tail.append("}");
    // Escapes may have made the name longer than the body's own limit allows.
    return tail.size() <= kMaxBodyBytes ? std::optional(std::move(tail)) : std::nullopt;
}

EventBody body_of(std::string_view tail) {
    if (!tail.starts_with(kEvent) || !tail.ends_with('}')) {
        return {};
    }
    // The end of the frame begins with a comma in place of the brace, so an opening brace makes the end an object.
    const std::string object = "{" + std::string(tail.substr(1));
    std::optional<std::string> name;
    std::string_view data;
    std::string_view sender;
    for (const JsonMember& member : json_members(object)) {
        if (member.name == "\"event\"") {
            name = json_string_text(member.value);
        } else if (member.name == "\"data\"") {
            data = member.value;
        } else if (member.name == "\"user_id\"") {
            sender = member.value;
        }
    }
    return name ? EventBody(*name, data, DataKind::kJson, sender) : EventBody();
}

}  // namespace tulle::mesh::wire::protocol_2
