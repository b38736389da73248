#include "tools/load/pieces.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace tulle::load {
namespace {

using Kind = Piece::Kind;

/// The result for bytes of another protocol.
constexpr Piece kBadPiece{.kind = Kind::kBad};

/// The position of the '\r' of the first line end; `size` without a complete line end.
std::size_t line_end(const char* at, std::size_t size) {
    const void* const found = std::memchr(at, '\n', size);
    if (found == nullptr) {
        return size;
    }
    const auto position = static_cast<std::size_t>(static_cast<const char*>(found) - at);
    return position > 0 && at[position - 1] == '\r' ? position - 1 : size;
}

/// The result of number_line().
struct Number {
    enum class State : std::uint8_t { kMore, kBad, kFine };
    State state = State::kMore;
    std::size_t value = 0;
    /// The position behind "\r\n".
    std::size_t after = 0;
};

/// Reads the decimal number at `from` up to the end of the line. A number above kMaxPieceBytes is bad.
Number number_line(const char* at, std::size_t size, std::size_t from) {
    Number out;
    for (std::size_t i = from; i < size; ++i) {
        const auto digit = static_cast<unsigned char>(at[i] - '0');
        if (digit < 10) {
            out.value = out.value * 10 + digit;
            if (out.value > kMaxPieceBytes) {
                return {.state = Number::State::kBad};
            }
        } else if (at[i] == '\r' && i > from) {
            out.after = i + 2;
            out.state = out.after <= size ? Number::State::kFine : Number::State::kMore;
            return out;
        } else {
            return {.state = Number::State::kBad};
        }
    }
    return out;
}

/// The piece for a number that is bad or not complete.
Piece not_a_number(Number::State state) {
    return {.kind = state == Number::State::kBad ? Kind::kBad : Kind::kMore};
}

/// A piece of a single line. A line without end beyond kMaxPieceBytes is bad.
Piece simple_line(const char* at, std::size_t size) {
    const std::size_t end = line_end(at, size);
    if (end == size) {
        return {.kind = size > kMaxPieceBytes ? Kind::kBad : Kind::kMore};
    }
    return {.kind = Kind::kOther, .size = end + 2, .text = {at, end}};
}

/// The answers to subscribing and publishing have three elements at most.
constexpr std::size_t kMostElements = 3;

}  // namespace

Piece next_reply(const char* at, std::size_t size) {
    if (size == 0) {
        return {};
    }
    // Outside arrays only simple strings, errors and integers answer the commands of a run.
    if (at[0] != '*') {
        return at[0] == '+' || at[0] == '-' || at[0] == ':' ? simple_line(at, size) : kBadPiece;
    }
    const Number count = number_line(at, size, 1);
    if (count.state != Number::State::kFine || count.value > kMostElements) {
        return count.state == Number::State::kMore ? Piece{} : kBadPiece;
    }
    // An integer leaves the element empty: only texts matter.
    std::array<std::string_view, kMostElements> elements;
    std::size_t position = count.after;
    for (std::size_t i = 0; i < count.value; ++i) {
        if (position >= size) {
            return {};
        }
        const bool bulk = at[position] == '$';
        if (!bulk && at[position] != ':') {
            return kBadPiece;
        }
        const Number number = number_line(at, size, position + 1);
        if (number.state != Number::State::kFine) {
            return not_a_number(number.state);
        }
        position = number.after;
        if (bulk) {
            // The text and the line end behind the text are not complete.
            if (size - position < number.value + 2) {
                return {};
            }
            elements[i] = {at + position, number.value};
            position += number.value + 2;
        }
    }
    const bool message = count.value == kMostElements && elements[0] == "message";
    return {
        .kind = message ? Kind::kMessage : Kind::kOther, .size = position, .text = message ? elements[2] : elements[0]};
}

Piece next_nats(const char* at, std::size_t size) {
    static constexpr std::string_view kMessage = "MSG ";
    if (size == 0) {
        return {};
    }
    if (size < kMessage.size() || std::memcmp(at, kMessage.data(), kMessage.size()) != 0) {
        return simple_line(at, size);
    }
    const std::size_t end = line_end(at, size);
    if (end == size) {
        return {.kind = size > kMaxPieceBytes ? Kind::kBad : Kind::kMore};
    }
    // MSG <subject> <sid> [reply-to] <bytes>: the length is the last word. "MSG " at the beginning stops the search.
    std::size_t digits = end;
    while (at[digits - 1] != ' ') {
        --digits;
    }
    const Number bytes = number_line(at, size, digits);
    if (bytes.state != Number::State::kFine) {
        return not_a_number(bytes.state);
    }
    if (size - bytes.after < bytes.value + 2) {
        return {};
    }
    return {.kind = Kind::kMessage, .size = bytes.after + bytes.value + 2, .text = {at + bytes.after, bytes.value}};
}

Piece next_response(const char* at, std::size_t size) {
    static constexpr std::string_view kEnd = "\r\n\r\n";
    static constexpr std::string_view kLength = "\r\ncontent-length:";
    const std::string_view all(at, size);
    const std::size_t head = all.find(kEnd);
    if (head == std::string_view::npos) {
        return {.kind = size > kMaxPieceBytes ? Kind::kBad : Kind::kMore};
    }
    // Header names may come in any case. The needle is lower case.
    const auto same = [](char a, char b) { return b == (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a); };
    const char* const found = std::search(at, at + head, kLength.begin(), kLength.end(), same);
    // A response without a length ends with the connection, and would end the run.
    if (found == at + head || !all.starts_with("HTTP/1.1 ")) {
        return kBadPiece;
    }
    auto digits = static_cast<std::size_t>(found - at) + kLength.size();
    while (at[digits] == ' ') {
        ++digits;
    }
    const Number length = number_line(at, size, digits);
    if (length.state != Number::State::kFine) {
        return kBadPiece;
    }
    const std::size_t total = head + kEnd.size() + length.value;
    if (size < total) {
        return {};
    }
    return {.kind = Kind::kOther, .size = total, .text = all.substr(0, all.find("\r\n"))};
}

}  // namespace tulle::load
