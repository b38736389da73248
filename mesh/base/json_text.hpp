#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tulle {

/// Texts as JSON strings and back. A text is UTF-8, but half of a surrogate pair, which JSON can name and UTF-8 cannot,
/// is its three bytes (WTF-8): so no JSON string is changed by being read and written again.

/// Whether the text stands between the quotes of a JSON string as it is.
[[nodiscard]] bool is_plain_json_text(std::string_view text);

/// Appends the text as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

/// What the JSON string says. Nothing when `json` is no JSON string; bytes that are not ASCII are taken as they are.
[[nodiscard]] std::optional<std::string> json_string_text(std::string_view json);

}  // namespace tulle
