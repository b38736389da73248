#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tulle::node::redis {

/// The letter in lower case; any other byte as it is.
[[nodiscard]] constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
/// `text` with the letters A to Z in lower case.
[[nodiscard]] std::string lower_case(std::string_view text);
/// Whether the texts are equal but for the case of the letters A to Z. `lower` is in lower case.
[[nodiscard]] bool is_word(std::string_view text, std::string_view lower);
/// The number that the whole text stands for, as Redis reads numbers: no plus, no zeros in front, no blanks, no "-0".
[[nodiscard]] std::optional<std::int64_t> number_of(std::string_view text);

}  // namespace tulle::node::redis
