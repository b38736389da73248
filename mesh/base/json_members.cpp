#include "mesh/base/json_members.hpp"

#include <algorithm>

namespace tulle {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Walks over the top level of one object or array, from extent to extent. The scanner does not check the grammar: a
/// parser has done so before. For texts without valid grammar the scanner guarantees only progress and reads within the
/// text, because `at_` never passes the end and every value moves `at_` forward.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::vector<JsonMember> members() {
        std::vector<JsonMember> found;
        found.reserve(kUsualMembers);
        for (enter(); has_more('}'); pass_comma()) {
            found.push_back(member());
        }
        return found;
    }

    std::string_view value_at(std::size_t place) {
        for (enter(); has_more('}'); pass_comma()) {
            const JsonMember found = member();
            if (place-- == 0) {
                return found.value;
            }
        }
        return {};
    }

    std::vector<std::string_view> elements() {
        std::vector<std::string_view> found;
        for (enter(); has_more(']'); pass_comma()) {
            found.push_back(value());
        }
        return found;
    }

private:
    /// Members of a usual frame, for the first allocation.
    static constexpr std::size_t kUsualMembers = 4;

    /// Reads a name, the colon and a value. Leaves `at_` behind the value.
    JsonMember member() {
        JsonMember found;
        found.name = value();
        skip_space();
        // The colon.
        ++at_;
        skip_space();
        found.value = value();
        return found;
    }

    /// Moves behind the opening bracket.
    void enter() {
        skip_space();
        ++at_;
        skip_space();
    }

    /// True before another member or element.
    [[nodiscard]] bool has_more(char closing) const { return at_ < text_.size() && text_[at_] != closing; }

    /// Moves to the next member or element, or to the closing bracket.
    void pass_comma() {
        skip_space();
        if (at_ < text_.size() && text_[at_] == ',') {
            ++at_;
            skip_space();
        }
    }

    void skip_space() {
        while (at_ < text_.size() && is_space(text_[at_])) {
            ++at_;
        }
        // `at_` may have been beyond the end after the colon or the bracket of a broken text.
        at_ = std::min(at_, text_.size());
    }

    /// Moves behind a string, from quote to quote, because strings are long and escapes rare. A quote ends the string
    /// unless an odd number of backslashes precedes the quote.
    void skip_string() {
        const std::size_t begin = ++at_;
        while (at_ < text_.size()) {
            const std::size_t quote = std::min(text_.find('"', at_), text_.size());
            std::size_t escape = quote;
            while (escape > begin && text_[escape - 1] == '\\') {
                --escape;
            }
            at_ = std::min(quote + 1, text_.size());
            if ((quote - escape) % 2 == 0) {
                return;
            }
        }
    }

    /// Moves behind an object or array. Brackets of both kinds count alike, because the grammar is known to be valid.
    void skip_nested() {
        std::size_t depth = 0;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '"') {
                skip_string();
                continue;
            }
            ++at_;
            if (c == '{' || c == '[') {
                ++depth;
            } else if ((c == '}' || c == ']') && --depth == 0) {
                return;
            }
        }
    }

    /// Reads one value of any kind and returns its source.
    std::string_view value() {
        const std::size_t begin = std::min(at_, text_.size());
        const char c = begin < text_.size() ? text_[begin] : ' ';
        if (c == '"') {
            skip_string();
        } else if (c == '{' || c == '[') {
            skip_nested();
        } else {
            at_ = std::min(text_.find_first_of(",}] \t\r\n", begin), text_.size());
        }
        // Every value moves forward by at least a byte, so broken texts cannot cause an endless loop.
        at_ = std::max(at_, std::min(begin + 1, text_.size()));
        return text_.substr(begin, at_ - begin);
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::vector<JsonMember> json_members(std::string_view text) {
    return Scanner(text).members();
}

std::string_view json_value(std::string_view text, std::size_t place) {
    return Scanner(text).value_at(place);
}

std::vector<std::string_view> json_elements(std::string_view text) {
    return Scanner(text).elements();
}

}  // namespace tulle
