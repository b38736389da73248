#pragma once

#include <algorithm>
#include <string_view>

/// Classes of characters and comparisons of HTTP texts. All functions work on ASCII alone and ignore the locale,
/// because the syntax of HTTP is defined on bytes (RFC 9110, 5.6). A byte beyond ASCII is neither a digit nor a letter.
namespace tulle::node::http {

[[nodiscard]] constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The small letter for a capital letter of ASCII; any other character comes back unchanged.
[[nodiscard]] constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

/// True for a space and for a tab: the optional white space of HTTP (RFC 9110, 5.6.3).
[[nodiscard]] constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/// `text` without the blanks and tabs at both ends. The result is a view into `text`. The function is a loop rather
/// than a search: most texts have at most a single blank at an end, and a search costs more there.
[[nodiscard]] constexpr std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

}  // namespace tulle::node::http
