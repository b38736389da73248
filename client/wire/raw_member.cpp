#include "client/wire/raw_member.hpp"

#include <algorithm>
#include <cstddef>

namespace tulle::client {
namespace {

class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::string_view find(std::string_view key) {
        std::string_view found;
        at_ = std::min(text_.find('{'), text_.size());
        while (at_ < text_.size() && text_[at_] != '}') {
            ++at_;  // the brace, or the comma after the member before
            skip_space();
            if (at_ < text_.size() && text_[at_] == '}') {
                break;
            }
            const std::string_view name = value();
            skip_space();
            ++at_;  // the colon
            skip_space();
            const std::string_view source = value();
            if (name.size() == key.size() + 2 && name.substr(1, key.size()) == key) {
                found = source;
            }
            skip_space();
        }
        return found;
    }

private:
    void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

    void skip_string() {
        ++at_;
        while (at_ < text_.size() && text_[at_] != '"') {
            at_ += text_[at_] == '\\' ? 2u : 1u;
        }
        at_ = std::min(at_ + 1, text_.size());
    }

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
        return text_.substr(begin, at_ - begin);
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::string_view raw_member(std::string_view text, std::string_view key) {
    return Scanner(text).find(key);
}

}  // namespace tulle::client
