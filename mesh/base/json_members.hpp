#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace tulle {

/// One member of a JSON object, as views into the source text. Valid as long as the source text.
struct JsonMember {
    /// As written, with quotes and escapes.
    std::string_view name;
    /// The source of the value, without surrounding blanks.
    std::string_view value;
};

/// The members of the JSON object `text`, in order and with duplicates. Cost: linear.
/// REQUIRES: a parser has accepted `text` as an object, so only the extents of the members remain to be found. For any
///           other text the answer is meaningless, but no byte outside `text` is read.
[[nodiscard]] std::vector<JsonMember> json_members(std::string_view text);

/// The source of the value of the member number `place` (from 0) of the JSON object `text`; empty when the object has
/// fewer members.
/// REQUIRES: a parser has accepted `text` as an object.
[[nodiscard]] std::string_view json_value(std::string_view text, std::size_t place);

/// The source of each element of the JSON array `text`, in order.
/// REQUIRES: a parser has accepted `text` as an array.
[[nodiscard]] std::vector<std::string_view> json_elements(std::string_view text);

}  // namespace tulle
