#include "node/redis/wire/resp_reader.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "mesh/base/assert.hpp"
#include "node/redis/core/limits.hpp"
#include "node/redis/core/words.hpp"

namespace tulle::node::redis {
namespace {

/// The two bytes behind a line or an argument. Redis does not look at the second byte of a line's end, nor at either
/// byte behind an argument.
constexpr std::size_t kEndBytes = 2;
/// What the reader keeps for the next command: room for usual commands. A connection that has sent one large command
/// would otherwise hold the memory for good.
constexpr std::size_t kKeptArguments = 64;
constexpr std::size_t kKeptBytes = 1024;

/// What the C library calls a space, whatever the locale.
bool is_space(char byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/// A vertical tab or a form feed is a space, but does not end a word: an oddity of Redis.
bool ends_word(char byte) {
    return is_space(byte) && byte != '\v' && byte != '\f';
}

std::optional<unsigned> hex_digit(char byte) {
    const char lower = static_cast<char>(byte | 0x20);
    if (byte >= '0' && byte <= '9') {
        return static_cast<unsigned>(byte - '0');
    }
    return lower >= 'a' && lower <= 'f' ? std::optional(static_cast<unsigned>(lower - 'a') + 10) : std::nullopt;
}

char escaped(char byte) {
    switch (byte) {
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        case 'b':
            return '\b';
        case 'a':
            return '\a';
        default:
            return byte;
    }
}

/// Appends the byte that the backslash at the beginning of `text` stands for; returns the number of bytes read.
std::size_t append_escape(std::string_view text, char quote, std::string& out) {
    if (quote == '"' && text.size() >= 4 && text[1] == 'x') {
        const auto high = hex_digit(text[2]);
        const auto low = hex_digit(text[3]);
        if (high && low) {
            out += static_cast<char>(*high << 4 | *low);
            return 4;
        }
    }
    if (text.size() >= 2 && (quote == '"' || text[1] == quote)) {
        out += escaped(text[1]);
        return 2;
    }
    out += text.front();
    return 1;
}

/// Appends what stands before the closing quote; returns the number of bytes read, with that quote. Nothing: no quote
/// closes.
std::optional<std::size_t> append_quoted(std::string_view text, char quote, std::string& out) {
    std::size_t at = 0;
    while (at < text.size() && text[at] != quote) {
        if (text[at] == '\\') {
            at += append_escape(text.substr(at), quote, out);
        } else {
            out += text[at++];
        }
    }
    return at < text.size() ? std::optional(at + 1) : std::nullopt;
}

/// Appends the word at the beginning of `line`; returns the number of bytes read. A quote may open within a word, and
/// ends the word when it closes. Nothing: the quotes are wrong.
std::optional<std::size_t> append_word(std::string_view line, std::string& out) {
    std::size_t at = 0;
    while (at < line.size() && !ends_word(line[at])) {
        const char byte = line[at++];
        if (byte != '"' && byte != '\'') {
            out += byte;
            continue;
        }
        const std::optional<std::size_t> quoted = append_quoted(line.substr(at), byte, out);
        if (!quoted) {
            return std::nullopt;
        }
        at += *quoted;
        return at == line.size() || is_space(line[at]) ? std::optional(at) : std::nullopt;
    }
    return at;
}

/// A number as usual commands have them in front: one to four digits, and the end of the line behind.
struct ShortNumber {
    std::size_t value = 0;
    /// Bytes of the digits and the end of the line.
    std::size_t bytes = 0;
};

/// Nothing for a text that begins otherwise, or that has not come whole.
std::optional<ShortNumber> short_number(std::string_view text) {
    constexpr std::size_t kMostDigits = 4;
    ShortNumber number;
    std::size_t digits = 0;
    for (; digits < std::min(text.size(), kMostDigits) && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
        number.value = 10 * number.value + static_cast<std::size_t>(text[digits] - '0');
    }
    const bool is_usual = digits > 0 && (text.front() != '0' || digits == 1);
    if (!is_usual || text.size() < digits + kEndBytes || text[digits] != '\r') {
        return std::nullopt;
    }
    number.bytes = digits + kEndBytes;
    return number;
}

}  // namespace

ReadResult RespReader::read(std::string_view bytes) {
    TULLE_ASSERT(state_ == ReadResult::kIncomplete || state_ == ReadResult::kBroken);
    if (state_ == ReadResult::kBroken || bytes.empty()) {
        return state_;
    }
    TULLE_ASSERT(bytes.size() >= searched_ && bytes.size() >= position_);
    state_ = bytes.front() == '*' ? read_array(bytes) : read_inline(bytes);
    return state_;
}

std::size_t RespReader::consume() {
    TULLE_ASSERT(state_ == ReadResult::kCommand || state_ == ReadResult::kNothing);
    const std::size_t size = position_;
    state_ = ReadResult::kIncomplete;
    missing_.reset();
    position_ = 0;
    searched_ = 0;
    slices_.clear();
    arguments_.clear();
    unquoted_.clear();
    if (slices_.capacity() > kKeptArguments) {
        slices_ = {};
        arguments_ = {};
    }
    if (unquoted_.capacity() > kKeptBytes) {
        unquoted_ = {};
    }
    return size;
}

ReadResult RespReader::read_array(std::string_view bytes) {
    if (!missing_) {
        if (const std::optional<ReadResult> result = read_count(bytes)) {
            return *result;
        }
    }
    while (*missing_ > 0) {
        if (!bulk_) {
            if (const std::optional<ReadResult> result = read_size(bytes)) {
                return *result;
            }
        }
        if (bytes.size() - position_ < *bulk_ + kEndBytes) {
            return ReadResult::kIncomplete;
        }
        slices_.push_back({position_, *bulk_});
        go_to(position_ + *bulk_ + kEndBytes);
        bulk_.reset();
        --*missing_;
    }
    return finish(bytes);
}

std::optional<ReadResult> RespReader::read_count(std::string_view bytes) {
    if (const auto few = short_number(bytes.substr(1));
        few && few->value > 0 && few->value <= kMaxUnauthenticatedArguments) {
        go_to(1 + few->bytes);
        missing_ = few->value;
        return std::nullopt;
    }
    const std::optional<std::size_t> end = find_end(bytes, '\r');
    if (!end || bytes.size() - *end < kEndBytes) {
        return is_too_long(bytes, end) ? broken("too big mbulk count string") : ReadResult::kIncomplete;
    }
    const std::optional<std::int64_t> count = number_of(bytes.substr(1, *end - 1));
    if (!count) {
        return broken("invalid multibulk length");
    }
    if (*count > 0 && !is_authenticated_ && std::cmp_greater(*count, kMaxUnauthenticatedArguments)) {
        return broken("unauthenticated multibulk length");
    }
    if (*count > 0 && std::cmp_greater(*count, kMaxArguments)) {
        return broken("invalid multibulk length");
    }
    go_to(*end + kEndBytes);
    if (*count <= 0) {
        return ReadResult::kNothing;
    }
    missing_ = static_cast<std::size_t>(*count);
    return std::nullopt;
}

std::optional<ReadResult> RespReader::read_size(std::string_view bytes) {
    // Below every limit of a single argument. Arguments before may have filled the command.
    const bool has_room = position_ < kMaxCommandBytes / 2;
    if (has_room && position_ < bytes.size() && bytes[position_] == '$') {
        if (const auto size = short_number(bytes.substr(position_ + 1))) {
            go_to(position_ + 1 + size->bytes);
            bulk_ = size->value;
            return std::nullopt;
        }
    }
    const std::optional<std::size_t> end = find_end(bytes, '\r');
    if (!end || bytes.size() - *end < kEndBytes) {
        return is_too_long(bytes, end) ? broken("too big bulk count string") : ReadResult::kIncomplete;
    }
    if (bytes[position_] != '$') {
        // An end of line in the answer would end the answer.
        const char got = bytes[position_] == '\r' || bytes[position_] == '\n' ? ' ' : bytes[position_];
        return broken(std::string("expected '$', got '") + got + '\'');
    }
    const std::optional<std::int64_t> size = number_of(bytes.substr(position_ + 1, *end - position_ - 1));
    if (!size || *size < 0) {
        return broken("invalid bulk length");
    }
    if (!is_authenticated_ && std::cmp_greater(*size, kMaxUnauthenticatedBulkBytes)) {
        return broken("unauthenticated bulk length");
    }
    if (std::cmp_greater(*size, kMaxBulkBytes)) {
        return broken("invalid bulk length");
    }
    go_to(*end + kEndBytes);
    bulk_ = static_cast<std::size_t>(*size);
    // Said before the argument has come, so a connection never holds more.
    if (position_ + *bulk_ + kEndBytes > kMaxCommandBytes) {
        return broken("too big command");
    }
    return std::nullopt;
}

ReadResult RespReader::read_inline(std::string_view bytes) {
    const std::optional<std::size_t> end = find_end(bytes, '\n');
    if (!end) {
        return is_too_long(bytes, end) ? broken("too big inline request") : ReadResult::kIncomplete;
    }
    std::string_view line = bytes.substr(0, *end);
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    if (!split(line)) {
        return broken("unbalanced quotes in request");
    }
    // Redis has no limit of its own here: a line of kMaxInlineBytes may have twice kMaxArguments.
    if (slices_.size() > kMaxArguments) {
        return broken("too big inline request");
    }
    go_to(*end + 1);
    return slices_.empty() ? ReadResult::kNothing : finish(unquoted_);
}

bool RespReader::split(std::string_view line) {
    while (true) {
        while (!line.empty() && is_space(line.front())) {
            line.remove_prefix(1);
        }
        if (line.empty()) {
            return true;
        }
        const std::size_t begin = unquoted_.size();
        const std::optional<std::size_t> size = append_word(line, unquoted_);
        if (!size) {
            return false;
        }
        slices_.push_back({begin, unquoted_.size() - begin});
        line.remove_prefix(*size);
    }
}

ReadResult RespReader::finish(std::string_view text) {
    arguments_.reserve(slices_.size());
    for (const Slice& slice : slices_) {
        arguments_.push_back(text.substr(slice.begin, slice.size));
    }
    // A page in a browser can send a request of HTTP to this port, with commands in its body.
    if (is_word(arguments_.front(), "post") || is_word(arguments_.front(), "host:")) {
        return ReadResult::kBroken;
    }
    return ReadResult::kCommand;
}

std::optional<std::size_t> RespReader::find_end(std::string_view bytes, char end) {
    const std::string_view line = bytes.substr(0, position_ + kMaxInlineBytes + 1);
    const std::size_t at = line.find(end, searched_);
    // The end itself is found again, when the byte behind it has not come.
    searched_ = at == std::string_view::npos ? line.size() : at;
    return at == std::string_view::npos ? std::nullopt : std::optional(at);
}

bool RespReader::is_too_long(std::string_view bytes, std::optional<std::size_t> end) const {
    return !end && bytes.size() - position_ > kMaxInlineBytes;
}

void RespReader::go_to(std::size_t offset) {
    position_ = offset;
    searched_ = offset;
}

ReadResult RespReader::broken(std::string_view what) {
    error_.append("ERR Protocol error: ").append(what);
    return ReadResult::kBroken;
}

}  // namespace tulle::node::redis
