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

std::vector<std::string_view> raw_elements(std::string_view array) {
    std::vector<std::string_view> elements;
    std::size_t depth = 0;
    std::size_t begin = 0;
    bool is_string = false;
    for (std::size_t i = 0; i < array.size(); ++i) {
        const char c = array[i];
        if (is_string) {
            i += c == '\\' ? 1u : 0u;
            is_string = c != '"';
            continue;
        }
        const bool ends_element = (c == ',' || c == ']') && depth == 1;
        if (ends_element && array.substr(begin, i - begin).find_first_not_of(" \t\r\n") != std::string_view::npos) {
            elements.push_back(array.substr(begin, i - begin));
        }
        is_string = c == '"';
        if (c == '{' || c == '[') {
            begin = ++depth == 1 ? i + 1 : begin;
        } else if (c == '}' || c == ']') {
            --depth;
        } else if (ends_element) {
            begin = i + 1;
        }
    }
    return elements;
}

bool is_utf8(std::string_view text) {
    boost::system::error_code error;
    boost::json::parse(quoted(text), error);
    return !error;
}

std::string quoted(std::string_view text) { return boost::json::serialize(boost::json::string_view(text)); }

}  // namespace tulle::node::pusher
