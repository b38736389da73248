#include "mesh/base/readable_json.hpp"

#include <algorithm>
#include <cstddef>

namespace tulle {
namespace {

/// The length of an escape such as "\ud83d".
constexpr std::size_t kEscape = 6;
/// Exponents with as many digits are replaced. The JSON library holds an exponent in 32 bits.
constexpr std::size_t kLongExponent = 9;
/// Of the length kEscape, so the text keeps its length.
constexpr std::string_view kStandIn = "\\ufffd";

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_hex_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// The halves of a surrogate pair.
enum class Half { kNone, kHigh, kLow };

/// The kind of an escaped half at the beginning of the text.
Half escaped_half_at(std::string_view text) {
    const bool is_escape = text.size() >= kEscape && text[0] == '\\' && text[1] == 'u' &&
                           (text[2] == 'd' || text[2] == 'D') && is_hex_digit(text[4]) && is_hex_digit(text[5]);
    if (!is_escape) {
        return Half::kNone;
    }
    // \ud800 to \udbff are high halves, \udc00 to \udfff are low halves, all below \ud800 are characters.
    switch (text[3]) {
        case '8':
        case '9':
        case 'a':
        case 'A':
        case 'b':
        case 'B':
            return Half::kHigh;
        default:
            return is_hex_digit(text[3]) && text[3] > '9' ? Half::kLow : Half::kNone;
    }
}

/// Finds the parts of JSON unreadable to the library, and calls `take` with the place and the length of each part.
template <class Take>
class Finder {
public:
    Finder(std::string_view text, Take take) : text_(text), take_(take) {}

    void run() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '"') {
                ++at_;
                pass_string();
            } else if (c == '-' || is_digit(c)) {
                pass_number();
            } else {
                ++at_;
            }
        }
    }

private:
    /// Looks for lone halves of surrogate pairs up to the closing quote.
    void pass_string() {
        while (at_ < text_.size() && text_[at_] != '"') {
            if (text_[at_] != '\\') {
                ++at_;
                continue;
            }
            // A high half directly before a low half is a whole character and readable.
            const Half half = escaped_half_at(text_.substr(at_));
            const bool is_pair = half == Half::kHigh &&
                                 escaped_half_at(text_.substr(std::min(at_ + kEscape, text_.size()))) == Half::kLow;
            if (half != Half::kNone && !is_pair) {
                take_(at_, kEscape);
            }
            at_ += half == Half::kNone ? 2 : is_pair ? 2 * kEscape : kEscape;
        }
        ++at_;
    }

    /// Passes over a number, and takes the digits of a long exponent.
    void pass_number() {
        ++at_;
        while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.')) {
            ++at_;
        }
        if (at_ >= text_.size() || (text_[at_] != 'e' && text_[at_] != 'E')) {
            return;
        }
        ++at_;
        if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) {
            ++at_;
        }
        const std::size_t begin = at_;
        while (at_ < text_.size() && is_digit(text_[at_])) {
            ++at_;
        }
        if (at_ - begin >= kLongExponent) {
            take_(begin, at_ - begin);
        }
    }

    std::string_view text_;
    Take take_;
    std::size_t at_ = 0;
};

template <class Take>
void find_unreadable(std::string_view text, Take take) {
    Finder<Take>(text, take).run();
}

}  // namespace

std::optional<std::string> readable_json(std::string_view text) {
    std::optional<std::string> copy;
    find_unreadable(text, [&copy, text](std::size_t at, std::size_t length) {
        // Most texts are readable, so the copy is made only when needed.
        if (!copy) {
            copy.emplace(text);
        }
        // An exponent of zeros keeps the number readable. The value is irrelevant, because the source text is passed
        // on.
        if (is_digit(text[at])) {
            copy->replace(at, length, length, '0');
        } else {
            copy->replace(at, length, kStandIn);
        }
    });
    return copy;
}

bool has_half_character(std::string_view json) {
    bool found = false;
    // A taken part is either an escape, beginning with a backslash, or digits.
    find_unreadable(json, [&found, json](std::size_t at, std::size_t) { found = found || json[at] == '\\'; });
    return found;
}

}  // namespace tulle
