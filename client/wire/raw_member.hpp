#pragma once

#include <string_view>

namespace tulle::client {

/// The source bytes of the member `key` of a JSON object; of duplicates the last, empty when absent. `text` has been
/// accepted by a parser before, so that only extents are left to find. A key written with escapes is not found. Valid
/// as long as `text`.
[[nodiscard]] std::string_view raw_member(std::string_view text, std::string_view key);

}  // namespace tulle::client
