#include "node/pusher/wire/raw_json.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "mesh/base/assert.hpp"
#include "mesh/base/readable_json.hpp"

namespace tulle::node::pusher {
namespace {

/// The key that stands in the source as `quoted_key`, without quotes and escapes. A key without escapes is a view of
/// the source. A key with escapes is looked up in the parsed object, and the result is a view of the object's own key,
/// which lives as long as the object.
std::string_view key_of(std::string_view quoted_key, const boost::json::object& object) {
    const std::string_view plain = quoted_key.substr(1, quoted_key.size() - 2);
    if (plain.find('\\') == std::string_view::npos) {
        return plain;
    }
    boost::system::error_code error;
    const std::optional<std::string> readable = readable_json(quoted_key);
    const boost::json::value key = boost::json::parse(readable ? *readable : quoted_key, error);
    const auto kept = key.is_string() ? object.find(key.get_string()) : object.end();
    TULLE_ASSERT(kept != object.end());
    return {kept->key().data(), kept->key().size()};
}

/// True when the text can stand in a JSON string as it is.
bool is_plain(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '"' || c == '\\'; });
}

}  // namespace

Result<RawObject, JsonErrc> RawObject::parse(std::string_view text, boost::json::storage_ptr storage) {
    Result<boost::json::value, JsonErrc> parsed = build_json(text, std::move(storage));
    if (!parsed) {
        return parsed.error();
    }
    return RawObject(std::move(parsed->get_object()), text);
}

RawObject::RawObject(boost::json::object object, std::string_view source)
    : object_(std::move(object)), members_(json_members(source)) {
    for (JsonMember& member : members_) {
        member.name = key_of(member.name, object_);
    }
}

bool RawObject::comes_twice(std::string_view key) const {
    return std::count_if(members_.begin(), members_.end(), [key](const JsonMember& m) { return m.name == key; }) > 1;
}

const boost::json::value* RawObject::find(std::string_view key) const {
    return object_.if_contains(key);
}

const boost::json::string* RawObject::find_string(std::string_view key) const {
    const boost::json::value* value = object_.if_contains(key);
    return value == nullptr ? nullptr : value->if_string();
}

std::string_view RawObject::raw(std::string_view key) const {
    const auto found =
        std::find_if(members_.rbegin(), members_.rend(), [key](const JsonMember& m) { return m.name == key; });
    return found == members_.rend() ? std::string_view{} : found->value;
}

std::vector<Result<RawObject, JsonErrc>> RawObject::take_objects(std::string_view key) {
    const auto found = object_.find(key);
    TULLE_ASSERT(found != object_.end() && found->value().is_array());
    boost::json::array& array = found->value().get_array();
    std::vector<Result<RawObject, JsonErrc>> objects;
    objects.reserve(array.size());
    const std::vector<std::string_view> sources = json_elements(raw(key));
    // Both come from the same text, so the elements match by index.
    TULLE_ASSERT(sources.size() == array.size());
    for (const std::string_view source : sources) {
        boost::json::value& element = array[objects.size()];
        if (element.is_object()) {
            objects.push_back(RawObject(std::move(element.get_object()), source));
        } else {
            objects.push_back(JsonErrc::kNotAnObject);
        }
    }
    return objects;
}

std::string quoted(std::string_view text) {
    std::string out;
    append_quoted(out, text);
    return out;
}

void append_quoted(std::string& out, std::string_view text) {
    if (is_plain(text)) {
        out.reserve(out.size() + text.size() + 2);
        out.append(1, '"').append(text).append(1, '"');
    } else {
        out.append(boost::json::serialize(boost::json::string_view(text)));
    }
}

}  // namespace tulle::node::pusher
