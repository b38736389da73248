#include "node/redis/edge/message_frames.hpp"

#include <array>
#include <charconv>
#include <cstddef>

#include "mesh/base/assert.hpp"

namespace tulle::node::redis {
namespace {

/// The line "$SIZE" before a bulk string.
class SizeLine {
public:
    explicit SizeLine(std::size_t size) {
        char* const end = std::to_chars(text_.data() + 1, text_.data() + text_.size() - 2, size).ptr;
        end[0] = '\r';
        end[1] = '\n';
        length_ = static_cast<std::size_t>(end + 2 - text_.data());
    }
    [[nodiscard]] std::string_view view() const { return {text_.data(), length_}; }

private:
    // "$", at most 20 digits, the end of the line.
    std::array<char, 24> text_{'$'};
    std::size_t length_ = 0;
};

/// The number in the line at `at`, behind its first byte; moves `at` behind the line.
std::size_t read_line(std::string_view text, std::size_t& at) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data() + at + 1, text.data() + text.size(), number);
    TULLE_ASSERT(error == std::errc{});
    at = static_cast<std::size_t>(end - text.data()) + 2;
    return number;
}

}  // namespace

SlabRange message_frame(SlabArena& arena, Kind kind, std::string_view pattern, std::string_view channel,
                        std::string_view payload) {
    const SizeLine channel_size(channel.size());
    const SizeLine payload_size(payload.size());
    if (kind == Kind::kPattern) {
        const SizeLine pattern_size(pattern.size());
        return arena.append({"*4\r\n$8\r\npmessage\r\n", pattern_size.view(), pattern, "\r\n", channel_size.view(),
                             channel, "\r\n", payload_size.view(), payload, "\r\n"});
    }
    const std::string_view head = kind == Kind::kChannel ? "*3\r\n$7\r\nmessage\r\n" : "*3\r\n$8\r\nsmessage\r\n";
    return arena.append({head, channel_size.view(), channel, "\r\n", payload_size.view(), payload, "\r\n"});
}

SlabRange MessageRecoder::recode(const SlabRange& frames, SlabArena& arena) {
    text_ = frames.view();
    for (std::size_t at = 0; at < text_.size();) {
        TULLE_ASSERT(text_[at] == '*');
        text_[at] = '>';
        for (std::size_t parts = read_line(text_, at); parts > 0; --parts) {
            const std::size_t size = read_line(text_, at);
            at += size + 2;
        }
    }
    return arena.append({text_});
}

}  // namespace tulle::node::redis
