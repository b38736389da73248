#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/event_body.hpp"
#include "mesh/base/json_members.hpp"
#include "mesh/base/json_text.hpp"

namespace tulle::node {

/// The event whose members are these in a frame: `,"event":"e","data":1,"user_id":"7"}`.
inline EventBody event_of(std::string_view members) {
    const std::string object = "{" + std::string(members.substr(1));
    std::string name;
    std::string_view data;
    std::string_view sender;
    for (const JsonMember& member : json_members(object)) {
        if (member.name == "\"event\"") {
            name = json_string_text(member.value).value();
        } else if (member.name == "\"data\"") {
            data = member.value;
        } else if (member.name == "\"user_id\"") {
            sender = member.value;
        }
    }
    return {name, data, DataKind::kJson, sender};
}

}  // namespace tulle::node
