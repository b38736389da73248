#include "node/redis/core/glob.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>

#include "node/redis/core/limits.hpp"

namespace tulle::node::redis {
namespace {

/// A part of a pattern that stands for one byte of the text.
struct Element {
    bool matches = false;
    /// Bytes of the pattern.
    std::size_t size = 0;
};

/// Redis compares with `char`, which on x86 is signed: [a-\xff] is the range from -1 to 97.
bool is_in_range(char byte, char first, char second) {
    const auto value = static_cast<signed char>(byte);
    const auto one_end = static_cast<signed char>(first);
    const auto other_end = static_cast<signed char>(second);
    return value >= std::min(one_end, other_end) && value <= std::max(one_end, other_end);
}

/// Compares the byte with the brackets at the beginning of `pattern`. The bracket behind a range's dash is the end of
/// the range, not that of the brackets.
Element match_brackets(std::string_view pattern, char byte) {
    std::size_t at = 1;
    const bool is_negated = pattern.substr(at).starts_with('^');
    at += is_negated ? 1 : 0;
    bool is_listed = false;
    while (at < pattern.size()) {
        const std::string_view rest = pattern.substr(at);
        if (rest.size() >= 2 && rest[0] == '\\') {
            is_listed |= rest[1] == byte;
            at += 2;
        } else if (rest[0] == ']') {
            return {is_listed != is_negated, at + 1};
        } else if (rest.size() >= 3 && rest[1] == '-') {
            is_listed |= is_in_range(byte, rest[0], rest[2]);
            at += 3;
        } else {
            is_listed |= rest[0] == byte;
            at += 1;
        }
    }
    return {is_listed != is_negated, pattern.size()};
}

/// Compares the byte with the element at the beginning of `pattern`, which begins with no star.
Element match_element(std::string_view pattern, char byte) {
    switch (pattern[0]) {
        case '?':
            return {true, 1};
        case '[':
            return match_brackets(pattern, byte);
        case '\\':
            if (pattern.size() >= 2) {
                return {pattern[1] == byte, 2};
            }
            [[fallthrough]];
        default:
            return {pattern[0] == byte, 1};
    }
}

/// Bytes of the pattern up to what follows the stars at `at`.
std::size_t skip_stars(std::string_view pattern, std::size_t at) {
    return std::min(pattern.find_first_not_of('*', at), pattern.size());
}

}  // namespace

// The last star is enough to come back to. Every element but a star takes exactly one byte, so what stands between two
// stars takes a fixed number of bytes, and the search finds the first place where it matches. Suppose that the whole
// pattern matches with an earlier part at a later place: then the part matches at its first place as well, and the star
// behind the part takes the bytes between the two. So once the next star is reached, no other place of an earlier part
// can turn a mismatch into a match.
bool glob_matches(std::string_view pattern, std::string_view text) {
    std::size_t steps = std::numeric_limits<std::size_t>::max();
    return glob_matches(pattern, text, steps);
}

bool glob_matches(std::string_view pattern, std::string_view text, std::size_t& steps) {
    if (text.empty()) {
        return pattern.empty();
    }
    std::size_t at = 0;
    std::size_t read = 0;
    // What follows the last star, and the first byte of the text that the star does not take.
    std::optional<std::size_t> behind_star;
    std::size_t star_end = 0;
    while (read < text.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            at = skip_stars(pattern, at);
            if (at == pattern.size()) {
                return true;
            }
            behind_star = at;
            star_end = read;
        }
        const Element element = at < pattern.size() ? match_element(pattern.substr(at), text[read]) : Element{};
        const std::size_t cost = std::max<std::size_t>(element.size, 1);
        if (cost >= steps) {
            steps = 0;
            return false;
        }
        steps -= cost;
        if (element.matches) {
            at += element.size;
            ++read;
        } else if (behind_star) {
            at = *behind_star;
            read = ++star_end;
        } else {
            return false;
        }
    }
    return skip_stars(pattern, at) == pattern.size();
}

bool is_allowed_pattern(std::string_view pattern) {
    if (pattern.size() > kMaxPatternBytes) {
        return false;
    }
    std::size_t stars = 0;
    std::size_t at = 0;
    while (at < pattern.size()) {
        if (pattern[at] == '*') {
            ++stars;
            at = skip_stars(pattern, at);
        } else {
            // Only the size matters; the byte is any.
            at += match_element(pattern.substr(at), '\0').size;
        }
    }
    return stars <= kMaxPatternStars;
}

}  // namespace tulle::node::redis
