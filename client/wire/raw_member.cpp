#include "client/wire/raw_member.hpp"

#include "mesh/base/json_members.hpp"

namespace tulle::client {

std::string_view raw_member(std::string_view text, std::string_view key) {
    std::string_view found;
    // A name includes its quotes, hence the two extra bytes.
    for (const JsonMember& member : json_members(text)) {
        if (member.name.size() == key.size() + 2 && member.name.substr(1, key.size()) == key) {
            found = member.value;
        }
    }
    return found;
}

}  // namespace tulle::client
