#include "mesh/base/json_members.hpp"

#include <algorithm>

namespace tulle {
namespace {

class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::vector<JsonMember> members() {
        std::vector<JsonMember> found;
        skip_space();
        ++at_;  // the brace
        skip_space();
        while (at_ < text_.size() && text_[at_] != '}') {
            JsonMember member;
            member.name = value();
            skip_space();
            ++at_;  // the colon
            skip_space();
            member.value = value();
            found.push_back(member);
            skip_space();
            if (at_ < text_.size() && text_[at_] == ',') {
                ++at_;
                skip_space();
            }
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
        at_ = std::max(at_, std::min(begin + 1, text_.size()));  // never stands still
        return text_.substr(begin, at_ - begin);
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::vector<JsonMember> json_members(std::string_view text) {
    return Scanner(text).members();
}

}  // namespace tulle
