#pragma once

#include <string_view>

namespace tulle::client {

/// The source bytes of the member `key` of a JSON object; empty for a missing member. Among duplicates the last member
/// counts, as for the parser. A key written with escapes is not found.
/// REQUIRES: a parser has accepted `text`, so only the extents of the members remain to be found.
/// Lifetime: the result is valid as long as `text`.
[[nodiscard]] std::string_view raw_member(std::string_view text, std::string_view key);

}  // namespace tulle::client
