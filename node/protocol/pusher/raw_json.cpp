#include "node/protocol/pusher/raw_json.hpp"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "mesh/base/json_members.hpp"
#include "node/core/limits.hpp"

namespace tulle::node::pusher {
namespace {

std::string unescape(std::string_view quoted_key) {
    if (quoted_key.size() >= 2 && quoted_key.find('\\') == std::string_view::npos) {
        return std::string(quoted_key.substr(1, quoted_key.size() - 2));
    }
    boost::system::error_code error;
    const boost::json::value key = boost::json::parse(quoted_key, error);
    return key.is_string() ? std::string(key.get_string()) : std::string(quoted_key);
}

}  // namespace

Result<RawObject, JsonErrc> RawObject::parse(std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = kMaxJsonDepth;
    boost::system::error_code error;
    boost::json::value parsed = boost::json::parse(text, error, {}, options);
    if (error) {
        return JsonErrc::kMalformed;
    }
    if (!parsed.is_object()) {
        return JsonErrc::kNotAnObject;
    }
    std::vector<RawMember> members;
    for (const JsonMember& member : json_members(text)) {
        members.push_back({unescape(member.name), member.value});
    }
    return RawObject(std::move(parsed.get_object()), std::move(members));
}

bool RawObject::has_duplicate(std::string_view key) const {
    return std::count_if(members_.begin(), members_.end(), [key](const RawMember& m) { return m.key == key; }) > 1;
}

const boost::json::value* RawObject::find(std::string_view key) const { return object_.if_contains(key); }

const boost::json::string* RawObject::find_string(std::string_view key) const {
    const boost::json::value* value = object_.if_contains(key);
    return value == nullptr ? nullptr : value->if_string();
}

std::string_view RawObject::raw(std::string_view key) const {
    const auto found =
        std::find_if(members_.rbegin(), members_.rend(), [key](const RawMember& m) { return m.key == key; });
    return found == members_.rend() ? std::string_view{} : found->value;
}

std::string quoted(std::string_view text) { return boost::json::serialize(boost::json::string_view(text)); }

}  // namespace tulle::node::pusher
