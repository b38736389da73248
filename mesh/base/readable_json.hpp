#pragma once

#include <optional>
#include <string>
#include <string_view>

/// JSON that is correct and that a parser refuses all the same: JavaScript, Python and others write and read it, and
/// what is only handed on byte for byte need not be understood.
namespace tulle {

/// The text with a stand-in of the same length for what the JSON library cannot read, so that every value stands where
/// it did: U+FFFD for an escape that is half a surrogate pair ("\ud83d"), zeros for an exponent beyond any double
/// (1e99999999999). Nothing when there is neither. Cost: linear.
[[nodiscard]] std::optional<std::string> readable_json(std::string_view text);

/// Whether JSON holds an escape that is half a surrogate pair: no text of ours can hold what it means.
[[nodiscard]] bool has_half_character(std::string_view json);

}  // namespace tulle
