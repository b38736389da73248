#include "mesh/base/json_text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace tulle {
namespace {

/// The lead byte of U+D000 to U+DFFF in three-byte form. Halves of surrogate pairs lie in the range, and so do ordinary
/// letters.
constexpr unsigned char kSurrogateLead = 0xED;

/// Bytes safe to copy between the quotes of a JSON string. The lead byte above is left out although ordinary letters
/// use the byte: such texts take the slower path.
constexpr std::array<bool, 256> plain_bytes() {
    std::array<bool, 256> plain{};
    for (std::size_t byte = 0; byte < plain.size(); ++byte) {
        plain[byte] = byte >= ' ' && byte != '"' && byte != '\\' && byte != kSurrogateLead;
    }
    return plain;
}

/// The halves of a surrogate pair, as UTF-16 units.
bool is_high(std::uint32_t unit) {
    return unit >= 0xD800 && unit < 0xDC00;
}
bool is_low(std::uint32_t unit) {
    return unit >= 0xDC00 && unit < 0xE000;
}

/// The half of a surrogate pair stored as three bytes at the beginning of the text (WTF-8); 0 when the text begins
/// otherwise.
std::uint32_t half_at(std::string_view text) {
    if (text.size() < 3 || static_cast<unsigned char>(text[0]) != kSurrogateLead) {
        return 0;
    }
    const auto second = static_cast<unsigned char>(text[1]);
    const auto third = static_cast<unsigned char>(text[2]);
    if (second < 0xA0 || second > 0xBF || third < 0x80 || third > 0xBF) {
        return 0;
    }
    return 0xD000u | ((second & 0x3Fu) << 6) | (third & 0x3Fu);
}

/// Appends a UTF-16 unit as \uXXXX.
void append_escape(std::string& out, std::uint32_t unit) {
    constexpr char kDigits[] = "0123456789abcdef";
    out.append("\\u");
    for (int shift = 12; shift >= 0; shift -= 4) {
        out.push_back(kDigits[(unit >> shift) & 0xFu]);
    }
}

/// Appends a code point in UTF-8; a half of a surrogate pair becomes three bytes (WTF-8).
void append_character(std::string& out, std::uint32_t point) {
    const auto continuation = [](std::uint32_t bits) { return static_cast<char>(0x80u | (bits & 0x3Fu)); };
    if (point < 0x80) {
        out.push_back(static_cast<char>(point));
    } else if (point < 0x800) {
        out.push_back(static_cast<char>(0xC0u | (point >> 6)));
        out.push_back(continuation(point));
    } else if (point < 0x10000) {
        out.push_back(static_cast<char>(0xE0u | (point >> 12)));
        out.push_back(continuation(point >> 6));
        out.push_back(continuation(point));
    } else {
        out.push_back(static_cast<char>(0xF0u | (point >> 18)));
        out.push_back(continuation(point >> 12));
        out.push_back(continuation(point >> 6));
        out.push_back(continuation(point));
    }
}

/// The number in four hexadecimal digits at the beginning of the text; nothing without such digits.
std::optional<std::uint32_t> unit_at(std::string_view text) {
    if (text.size() < 4) {
        return std::nullopt;
    }
    std::uint32_t unit = 0;
    for (const char c : text.substr(0, 4)) {
        const bool is_digit = c >= '0' && c <= '9';
        const char lower = static_cast<char>(c | 0x20);
        if (!is_digit && (lower < 'a' || lower > 'f')) {
            return std::nullopt;
        }
        unit = unit * 16 + static_cast<std::uint32_t>(is_digit ? c - '0' : lower - 'a' + 10);
    }
    return unit;
}

/// Resolves the escape at the beginning of `rest`, given without its backslash, and appends the result to `out`.
/// Returns the length of the escape, or 0 for an unknown escape.
std::size_t take_escape(std::string_view rest, std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (rest.empty()) {
        return 0;
    }
    if (const std::size_t at = kNames.find(rest[0]); at != std::string_view::npos) {
        out.push_back(kMeant[at]);
        return 1;
    }
    const std::optional<std::uint32_t> unit = rest[0] == 'u' ? unit_at(rest.substr(1)) : std::nullopt;
    if (!unit) {
        return 0;
    }
    // A high half followed by an escaped low half is one character. Any other half stands alone.
    const std::string_view next = rest.substr(5);
    const std::optional<std::uint32_t> second =
        is_high(*unit) && next.starts_with("\\u") ? unit_at(next.substr(2)) : std::nullopt;
    if (second && is_low(*second)) {
        append_character(out, 0x10000u + ((*unit - 0xD800u) << 10) + (*second - 0xDC00u));
        return 11;
    }
    append_character(out, *unit);
    return 5;
}

}  // namespace

bool is_plain_json_text(std::string_view text) {
    static constexpr std::array<bool, 256> kIsPlain = plain_bytes();
    return std::all_of(text.begin(), text.end(), [](char c) { return kIsPlain[static_cast<unsigned char>(c)]; });
}

void append_json_string(std::string& out, std::string_view text) {
    out.reserve(out.size() + text.size() + 2);
    out.push_back('"');
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        // UTF-8 cannot express a half of a surrogate pair, so the half goes back into the escape of its origin.
        if (const std::uint32_t half = half_at(text.substr(at)); half != 0) {
            append_escape(out, half);
            at += 2;
            continue;
        }
        switch (c) {
            case '"':
                out.append("\\\"");
                break;
            case '\\':
                out.append("\\\\");
                break;
            case '\b':
                out.append("\\b");
                break;
            case '\f':
                out.append("\\f");
                break;
            case '\n':
                out.append("\\n");
                break;
            case '\r':
                out.append("\\r");
                break;
            case '\t':
                out.append("\\t");
                break;
            default:
                if (static_cast<unsigned char>(c) < ' ') {
                    append_escape(out, static_cast<unsigned char>(c));
                } else {
                    out.push_back(c);
                }
        }
    }
    out.push_back('"');
}

std::optional<std::string> json_string_text(std::string_view json) {
    if (json.size() < 2 || json.front() != '"' || json.back() != '"') {
        return std::nullopt;
    }
    const std::string_view inner = json.substr(1, json.size() - 2);
    std::string out;
    out.reserve(inner.size());
    for (std::size_t at = 0; at < inner.size(); ++at) {
        const char c = inner[at];
        // Neither an inner quote nor a raw control character may occur in a JSON string.
        if (c == '"' || static_cast<unsigned char>(c) < ' ') {
            return std::nullopt;
        }
        if (c != '\\') {
            out.push_back(c);
            continue;
        }
        const std::size_t taken = take_escape(inner.substr(at + 1), out);
        if (taken == 0) {
            return std::nullopt;
        }
        at += taken;
    }
    return out;
}

}  // namespace tulle
