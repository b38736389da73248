#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

/// Values of a tree of parse_import() as values of Tulle's file.
namespace tulle::cli {

/// A text of the file in quotes. Dollar signs are doubled where the node would read a variable.
[[nodiscard]] std::string import_quoted(std::string_view text);

/// A text, or a number as a text, as a value of the file; a variable as "${NAME}" or "${NAME:-default}". Nothing for
/// any other value and for an empty text.
[[nodiscard]] std::optional<std::string> import_text(const boost::json::value& value);
/// A number, also from a text or from the default of a variable.
[[nodiscard]] std::optional<double> import_number(const boost::json::value& value);
/// A flag, also from a text, from 0 or 1, or from the default of a variable.
[[nodiscard]] std::optional<bool> import_flag(const boost::json::value& value);

/// Takes the value at a path of names with dots between the names out of the tree. Objects that become empty are taken
/// out too. Nothing when there is none, or null.
[[nodiscard]] std::optional<boost::json::value> take_value(boost::json::object& tree, std::string_view path);

/// The paths of all values that are left in a tree, without null, empty texts, empty lists and empty objects.
[[nodiscard]] std::vector<std::string> paths_of(const boost::json::object& tree);

}  // namespace tulle::cli
