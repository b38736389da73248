#include "mesh/base/utf8.hpp"

#include <algorithm>

namespace tulle {
namespace {

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u;
}

/// The length of a character beginning with the byte, or 0 for a byte unable to begin a character.
std::size_t length_of(unsigned char first) {
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first < 0xE0) {
        return 2;
    }
    if (first >= 0xE0 && first < 0xF0) {
        return 3;
    }
    return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

/// Rejects the second bytes of overlong forms, of surrogates, and of code points beyond U+10FFFF. Together with the
/// lead byte, the second byte reveals all three.
bool is_second(unsigned char first, unsigned char second) {
    switch (first) {
        case 0xE0:
            return second >= 0xA0;
        case 0xED:
            return second < 0xA0;
        case 0xF0:
            return second >= 0x90;
        case 0xF4:
            return second < 0x90;
        default:
            return true;
    }
}

}  // namespace

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto first = static_cast<unsigned char>(text[i]);
        const std::size_t length = length_of(first);
        // A truncated character at the end is ill-formed too.
        if (length == 0 || length > text.size() - i) {
            return false;
        }
        const std::string_view rest = text.substr(i + 1, length - 1);
        if (!std::all_of(rest.begin(), rest.end(), is_continuation) ||
            (!rest.empty() && !is_second(first, static_cast<unsigned char>(rest[0])))) {
            return false;
        }
        i += length;
    }
    return true;
}

void make_utf8(std::string& text) {
    if (!is_utf8(text)) {
        std::replace_if(
            text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
    }
}

std::size_t characters_in(std::string_view text) {
    return text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_continuation));
}

}  // namespace tulle
