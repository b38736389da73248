#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

/// Access to JSON from a server, with every field treated as untrusted. Pure; any thread.
namespace tulle::client {

/// The parsed value; nothing when the text is not JSON or is nested deeper than kMaxJsonDepth. Texts with half
/// surrogate pairs or huge exponents are accepted (mesh/base/readable_json.hpp).
[[nodiscard]] std::optional<boost::json::value> parse_json(std::string_view text);

/// The parsed object; nothing when the text is not the JSON of an object.
[[nodiscard]] std::optional<boost::json::object> parse_object(std::string_view text);

/// The text of a string member. Empty when the member is missing or not a string.
[[nodiscard]] std::string text_of(const boost::json::object& object, std::string_view key);

/// The text of a string, or the JSON of a number. Empty for any other value.
[[nodiscard]] std::string scalar_text(const boost::json::value& value);

/// The scalar_text() of a member, for names and ids sent as a string or as a number.
[[nodiscard]] std::string scalar_of(const boost::json::object& object, std::string_view key);

/// The data of a frame: the text of a string, or the JSON source of any other value. `source` is the frame's text.
[[nodiscard]] std::string data_text(const boost::json::object& frame, std::string_view source);

/// A text for JSON written by this client. Bytes outside UTF-8 become U+FFFD.
[[nodiscard]] boost::json::string json_string(std::string_view text);

}  // namespace tulle::client
