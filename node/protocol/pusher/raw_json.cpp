#include "node/protocol/pusher/raw_json.hpp"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "node/core/limits.hpp"

namespace tulle::node::pusher {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

/// Walks the members of an object that a parser has already accepted, so that only extents are left to find.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::vector<RawMember> members() {
        std::vector<RawMember> found;
        skip_space();
        ++at_;  // the brace
        skip_space();
        while (at_ < text_.size() && text_[at_] != '}') {
            RawMember member;
            member.key = unescape(value());
            skip_space();
            ++at_;  // the colon
            skip_space();
            member.value = value();
            found.push_back(std::move(member));
            skip_space();
            if (at_ < text_.size() && text_[at_] == ',') {
                ++at_;
                skip_space();
            }
        }
        return found;
    }

private:
    void skip_space() { at_ = std::min(text_.find_first_not_of(kSpace, at_), text_.size()); }

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
        const std::size_t begin = at_;
        const char c = at_ < text_.size() ? text_[at_] : ' ';
        if (c == '"') {
            skip_string();
        } else if (c == '{' || c == '[') {
            skip_nested();
        } else {
            at_ = std::min(text_.find_first_of(",}] \t\r\n", at_), text_.size());
        }
        return text_.substr(begin, at_ - begin);
    }

    static std::string unescape(std::string_view quoted_key) {
        if (quoted_key.size() >= 2 && quoted_key.find('\\') == std::string_view::npos) {
            return std::string(quoted_key.substr(1, quoted_key.size() - 2));
        }
        boost::system::error_code error;
        const boost::json::value key = boost::json::parse(quoted_key, error);
        return key.is_string() ? std::string(key.get_string()) : std::string(quoted_key);
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

Result<RawObject, JsonErrc> RawObject::parse(std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = kMaxJsonDepth;
    boost::system::error_code error;
    boost::json::value parsed = boost::json::parse(text, error, {}, options);
    if (error) {
        return JsonErrc::kMalformed;
    }
    if (!parsed.is_object()) {
        return JsonErrc::kNotAnObject;
    }
    return RawObject(std::move(parsed.get_object()), Scanner(text).members());
}

bool RawObject::has_duplicate(std::string_view key) const {
    return std::count_if(members_.begin(), members_.end(), [key](const RawMember& m) { return m.key == key; }) > 1;
}

const boost::json::value* RawObject::find(std::string_view key) const { return object_.if_contains(key); }

const boost::json::string* RawObject::find_string(std::string_view key) const {
    const boost::json::value* value = object_.if_contains(key);
    return value == nullptr ? nullptr : value->if_string();
}

std::string_view RawObject::raw(std::string_view key) const {
    const auto found =
        std::find_if(members_.rbegin(), members_.rend(), [key](const RawMember& m) { return m.key == key; });
    return found == members_.rend() ? std::string_view{} : found->value;
}

std::string quoted(std::string_view text) { return boost::json::serialize(boost::json::string_view(text)); }

}  // namespace tulle::node::pusher
