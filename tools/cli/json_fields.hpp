#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

/// Members of what a node has answered, whatever it has answered: a missing or odd one is its default.
namespace tulle::cli {

/// Printable (terminal.hpp); empty by default.
[[nodiscard]] std::string text_field(const boost::json::object& object, std::string_view key);
/// -1 by default.
[[nodiscard]] double number_field(const boost::json::object& object, std::string_view key);
/// 0 by default, and for what is negative or broken.
[[nodiscard]] std::uint64_t count_field(const boost::json::object& object, std::string_view key);
/// 0 by default.
[[nodiscard]] std::int64_t integer_field(const boost::json::object& object, std::string_view key);
[[nodiscard]] bool flag_field(const boost::json::object& object, std::string_view key);
/// Null by default.
[[nodiscard]] const boost::json::object* object_field(const boost::json::object& object, std::string_view key);

}  // namespace tulle::cli
