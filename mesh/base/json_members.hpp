#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace tulle {

/// One member of a JSON object by its very bytes in the source. Valid as long as that.
struct JsonMember {
    std::string_view name;  ///< as written, quotes and escapes included
    std::string_view value;
};

/// The members of the JSON object `text`, in order, duplicates included. REQUIRES: a parser has accepted `text` as an
/// object, so that only extents are left to find. For any other text the answer means nothing, but nothing outside of
/// it is read.
[[nodiscard]] std::vector<JsonMember> json_members(std::string_view text);

/// The value of member number `place` of the JSON object `text`, from 0, by its very bytes; empty when there are not so
/// many.
/// REQUIRES: as above.
[[nodiscard]] std::string_view json_value(std::string_view text, std::size_t place);

/// The elements of the JSON array `text` by their very bytes, in order. REQUIRES: as above, as an array.
[[nodiscard]] std::vector<std::string_view> json_elements(std::string_view text);

}  // namespace tulle
