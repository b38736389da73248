#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tulle {

/// Texts as JSON strings and back. A text is UTF-8, except half of a surrogate pair: JSON can name such a half and
/// UTF-8 cannot. The text stores the half as three bytes (WTF-8), so reading and writing a JSON string changes nothing.
/// Pure functions; any thread.

/// True for a text equal to its own form between the quotes of a JSON string: no character needs an escape.
[[nodiscard]] bool is_plain_json_text(std::string_view text);

/// Appends the text as a JSON string, with quotes. Control characters and halves of surrogate pairs become escapes.
void append_json_string(std::string& out, std::string_view text);

/// The text of the JSON string `json`, with the escapes resolved; nothing when `json` is not a JSON string. Bytes
/// outside ASCII are taken unchanged and unchecked.
[[nodiscard]] std::optional<std::string> json_string_text(std::string_view json);

}  // namespace tulle
