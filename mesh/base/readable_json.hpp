#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Correct JSON refused by our JSON library. JavaScript, Python and others write and read such JSON. A node passes data
/// on byte for byte, so the node needs no understanding of the refused parts.
namespace tulle {

/// A copy of the text with a stand-in of equal length for each part unreadable to the JSON library, so every value
/// keeps its place. U+FFFD stands in for an escaped half of a surrogate pair ("\ud83d"), and zeros for an exponent
/// beyond any double (1e99999999999). Nothing when the text has no such part. Cost: linear.
[[nodiscard]] std::optional<std::string> readable_json(std::string_view text);

/// True when the JSON holds an escaped half of a surrogate pair. UTF-8 cannot express such a half.
[[nodiscard]] bool has_half_character(std::string_view json);

}  // namespace tulle
