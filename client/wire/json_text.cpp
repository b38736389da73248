#include "client/wire/json_text.hpp"

#include <utility>

#include <boost/json.hpp>

#include "client/core/limits.hpp"
#include "client/wire/raw_member.hpp"
#include "client/wire/utf8.hpp"
#include "mesh/base/readable_json.hpp"

namespace tulle::client {

namespace json = boost::json;

std::optional<json::value> parse_json(std::string_view text) {
    json::parse_options options;
    options.max_depth = kMaxJsonDepth;
    json::error_code error;
    json::value value = json::parse({text.data(), text.size()}, error, {}, options);
    // Boost.JSON refuses some correct JSON. A second try reads a copy with stand-ins of equal length.
    if (error) {
        if (const std::optional<std::string> readable = readable_json(text)) {
            value = json::parse(*readable, error, {}, options);
        }
    }
    return error ? std::nullopt : std::optional(std::move(value));
}

std::optional<json::object> parse_object(std::string_view text) {
    std::optional<json::value> value = parse_json(text);
    if (!value || !value->is_object()) {
        return std::nullopt;
    }
    return std::move(value->get_object());
}

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains({key.data(), key.size()});
    if (value == nullptr || !value->is_string()) {
        return {};
    }
    return std::string(value->get_string().data(), value->get_string().size());
}

std::string scalar_text(const json::value& value) {
    if (value.is_number()) {
        return json::serialize(value);
    }
    return value.is_string() ? std::string(value.get_string().data(), value.get_string().size()) : std::string();
}

std::string scalar_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains({key.data(), key.size()});
    return value == nullptr ? std::string() : scalar_text(*value);
}

std::string data_text(const json::object& frame, std::string_view source) {
    const json::value* data = frame.if_contains("data");
    if (data != nullptr && data->is_string()) {
        return text_of(frame, "data");
    }
    // The source text, because serializing again could change numbers and escapes.
    return std::string(raw_member(source, "data"));
}

json::string json_string(std::string_view text) {
    const std::string valid = valid_utf8(text);
    return json::string(valid.data(), valid.size());
}

}  // namespace tulle::client
