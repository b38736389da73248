#include "tools/cli/import_php.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <boost/json.hpp>

namespace tulle::cli {
namespace {

namespace json = boost::json;

constexpr int kMaxDepth = 32;

bool is_word_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '\\';
}

/// Reads the expressions of a text from front to back. After the first error nothing more is read.
class PhpReader {
public:
    explicit PhpReader(std::string_view text) : text_(text) {}

    /// Reads the array behind the word "return".
    Result<json::object, std::string> read_return() {
        for (std::string_view next = word(); at_ < text_.size() && next != "return"; next = word()) {
            if (next.empty()) {
                skip_token();
            }
        }
        json::value value = read_value(0);
        if (!error_.empty()) {
            return error_;
        }
        if (!value.is_object()) {
            return std::string("it returns no array of names and values");
        }
        return std::move(value.get_object());
    }

private:
    /// Skips blanks and comments.
    void skip_blanks() {
        while (at_ < text_.size()) {
            const std::string_view rest = text_.substr(at_);
            if (rest.starts_with("//") || rest.starts_with("#")) {
                at_ = std::min(text_.find('\n', at_), text_.size());
            } else if (rest.starts_with("/*")) {
                const std::size_t end = text_.find("*/", at_ + 2);
                at_ = end == std::string_view::npos ? text_.size() : end + 2;
            } else if (std::string_view(" \t\r\n").find(rest.front()) != std::string_view::npos) {
                ++at_;
            } else {
                break;
            }
        }
    }

    [[nodiscard]] char peek() {
        skip_blanks();
        return at_ < text_.size() ? text_[at_] : '\0';
    }

    /// Takes `token` if the token is next.
    bool take(std::string_view token) {
        skip_blanks();
        const bool is_next = text_.substr(at_).starts_with(token);
        at_ += is_next ? token.size() : 0;
        return is_next;
    }

    /// Takes a word of letters and digits; empty if none is next.
    std::string_view word() {
        skip_blanks();
        const std::size_t begin = at_;
        while (at_ < text_.size() && is_word_letter(text_[at_])) {
            ++at_;
        }
        return text_.substr(begin, at_ - begin);
    }

    /// Skips a text in quotes, or a single other character.
    void skip_token() {
        const char next = peek();
        if (next == '\'' || next == '"') {
            static_cast<void>(quoted_text());
        } else if (at_ < text_.size()) {
            ++at_;
        }
    }

    /// Reads a text in quotes. REQUIRES: a quote is next.
    std::string quoted_text() {
        const char quote = text_[at_++];
        std::string out;
        for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
                ++at_;
            }
            out += text_[at_];
        }
        fail_at_end("a text in quotes has no end");
        at_ = std::min(at_ + 1, text_.size());
        return out;
    }

    void fail_at_end(std::string_view what) {
        if (at_ >= text_.size()) {
            fail(what);
        }
    }

    void fail(std::string_view what) {
        if (error_.empty()) {
            const auto lines =
                std::count(text_.begin(), text_.begin() + static_cast<long>(std::min(at_, text_.size())), '\n');
            error_ = "line " + std::to_string(lines + 1) + ": " + std::string(what);
        }
        at_ = text_.size();
    }

    /// Reads an expression up to the comma or the bracket behind. An expression of operators is null. `may_be_name`:
    /// the expression ends at "=>" too.
    json::value read_value(int depth, bool may_be_name = false) {
        json::value value = read_simple(depth);
        bool is_simple = true;
        while (at_ < text_.size() && !is_end(peek(), may_be_name)) {
            is_simple = false;
            skip_operand();
        }
        return is_simple ? value : json::value(nullptr);
    }

    /// True for what ends an expression.
    [[nodiscard]] bool is_end(char next, bool may_be_name) const {
        return next == ',' || next == ']' || next == ')' || next == ';' || next == '\0' ||
               (may_be_name && text_.substr(at_).starts_with("=>"));
    }

    /// Skips a part of an expression: a token, or all between two brackets.
    void skip_operand() {
        const char next = peek();
        if (next == '(' || next == '[' || next == '{') {
            int open = 0;
            do {
                const char c = peek();
                open += c == '(' || c == '[' || c == '{' ? 1 : c == ')' || c == ']' || c == '}' ? -1 : 0;
                skip_token();
            } while (open > 0 && at_ < text_.size());
        } else {
            skip_token();
        }
    }

    json::value read_simple(int depth) {
        const char next = peek();
        if (depth > kMaxDepth) {
            fail("arrays lie too deep in each other");
            return nullptr;
        }
        if (next == '\'' || next == '"') {
            return json::value(quoted_text());
        }
        if (take("[")) {
            return read_array("]", depth + 1);
        }
        // A cast such as (int) leaves the value as it is written.
        for (const std::string_view cast : {"(int)", "(bool)", "(string)", "(float)"}) {
            if (take(cast)) {
                return read_simple(depth);
            }
        }
        const bool is_negative = take("-");
        return read_word(std::string(word()), is_negative, depth);
    }

    json::value read_word(const std::string& text, bool is_negative, int depth) {
        if (text == "array" && take("(")) {
            return read_array(")", depth + 1);
        }
        if (text == "env" && take("(")) {
            return read_env(depth + 1);
        }
        if (text == "true" || text == "false") {
            return text == "true";
        }
        std::string digits;
        std::copy_if(text.begin(), text.end(), std::back_inserter(digits), [](char c) { return c != '_'; });
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (error == std::errc{} && end == digits.data() + digits.size() && !digits.empty()) {
            return is_negative ? -number : number;
        }
        return nullptr;
    }

    /// Reads the arguments of env().
    json::value read_env(int depth) {
        const json::value name = read_value(depth);
        json::object out;
        if (take(",")) {
            json::value fallback = read_value(depth);
            if (!fallback.is_null()) {
                out["default"] = std::move(fallback);
            }
        }
        static_cast<void>(take(","));
        if (!take(")") || !name.is_string()) {
            fail("env() is not called with a name and a default");
            return nullptr;
        }
        out["$env"] = name;
        return out;
    }

    /// Reads the elements of an array up to `close`. An array with names is an object.
    json::value read_array(std::string_view close, int depth) {
        json::object members;
        json::array elements;
        while (error_.empty() && !take(close)) {
            json::value value = read_value(depth, true);
            if (take("=>")) {
                const std::string name = value.is_string()
                                             ? std::string(value.get_string().data(), value.get_string().size())
                                             : json::serialize(value);
                members[name] = read_value(depth);
            } else {
                elements.push_back(std::move(value));
            }
            if (!take(",") && peek() != close.front()) {
                fail("an array has no end");
            }
        }
        return members.empty() ? json::value(std::move(elements)) : json::value(std::move(members));
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string error_;
};

}  // namespace

Result<json::object, std::string> parse_php_return(std::string_view text) {
    return PhpReader(text).read_return();
}

}  // namespace tulle::cli
