#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

/// The fields of frames from a server that may be anything.
namespace tulle::client {

/// Nothing for what is not JSON, or nested deeper than kMaxJsonDepth.
[[nodiscard]] std::optional<boost::json::value> parse_json(std::string_view text);

/// The object that this text is the JSON of.
[[nodiscard]] std::optional<boost::json::object> parse_object(std::string_view text);

/// Empty when there is no such member, or it is not a string.
[[nodiscard]] std::string text_of(const boost::json::object& object, std::string_view key);

/// The text of a string, the JSON of a number; otherwise empty.
[[nodiscard]] std::string scalar_text(const boost::json::value& value);

/// A name or id that may come as a string or as a number.
[[nodiscard]] std::string scalar_of(const boost::json::object& object, std::string_view key);

/// The data of a frame: the text of a string, the JSON source of any other value. `source` is the text of the frame.
[[nodiscard]] std::string data_text(const boost::json::object& frame, std::string_view source);

/// For JSON that we write: what is not UTF-8 becomes U+FFFD.
[[nodiscard]] boost::json::string json_string(std::string_view text);

}  // namespace tulle::client
