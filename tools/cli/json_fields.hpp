#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

/// Reads members of a node's answer. A missing member, and a member of another type, gives the default, so that this
/// program can read the answers of older and newer nodes.
namespace tulle::cli {

/// A text, made printable (terminal.hpp). Default: empty.
[[nodiscard]] std::string text_field(const boost::json::object& object, std::string_view key);
/// A number. Default: -1, for "not known".
[[nodiscard]] double number_field(const boost::json::object& object, std::string_view key);
/// A count. Default: 0, also for a negative number and for a fraction.
[[nodiscard]] std::uint64_t count_field(const boost::json::object& object, std::string_view key);
/// A whole number, in microseconds for example. Default: 0.
[[nodiscard]] std::int64_t integer_field(const boost::json::object& object, std::string_view key);
/// A flag. Default: false.
[[nodiscard]] bool flag_field(const boost::json::object& object, std::string_view key);
/// An object, a part of `object`. Default: null.
[[nodiscard]] const boost::json::object* object_field(const boost::json::object& object, std::string_view key);
/// An array, a part of `object`. Default: null.
[[nodiscard]] const boost::json::array* array_field(const boost::json::object& object, std::string_view key);
/// The texts of an array, made printable, with "?" for what is no text. Default: empty.
[[nodiscard]] std::vector<std::string> texts_field(const boost::json::object& object, std::string_view key);

}  // namespace tulle::cli
