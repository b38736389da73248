#include "tests/bench/floor/wire.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace tulle::bench::floor {
namespace {

constexpr std::size_t kMaskBytes = 4;

std::uint8_t byte_at(std::span<const char> bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}

struct Length {
    std::size_t header = 2;  ///< bytes of the header, without the mask
    std::uint64_t payload = 0;
};

/// nullopt: more bytes are needed.
std::optional<Length> read_length(std::span<const char> bytes) {
    if (bytes.size() < 2) {
        return std::nullopt;
    }
    const std::uint8_t small = byte_at(bytes, 1) & 0x7F;
    if (small < 126) {
        return Length{2, small};
    }
    const std::size_t extra = small == 126 ? 2 : 8;
    if (bytes.size() < 2 + extra) {
        return std::nullopt;
    }
    Length length{2 + extra, 0};
    for (std::size_t i = 0; i < extra; ++i) {
        length.payload = length.payload << 8 | byte_at(bytes, 2 + i);
    }
    return length;
}

bool is_known(std::uint8_t opcode) {
    return opcode == 1 || (opcode >= 8 && opcode <= 10);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
    });
}

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    const std::size_t end = text.find_last_not_of(" \t");
    return begin == std::string_view::npos ? std::string_view() : text.substr(begin, end - begin + 1);
}

std::string_view header_value(std::string_view head, std::string_view name) {
    for (std::size_t line = head.find("\r\n"); line != std::string_view::npos; line = head.find("\r\n", line)) {
        line += 2;
        const std::string_view text = head.substr(line, head.find("\r\n", line) - line);
        const std::size_t colon = text.find(':');
        if (colon != std::string_view::npos && equal_ignoring_case(text.substr(0, colon), name)) {
            return trimmed(text.substr(colon + 1));
        }
    }
    return {};
}

std::string accept_value(std::string_view key) {
    const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    std::array<unsigned char, 4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1> encoded{};
    const int size = EVP_EncodeBlock(encoded.data(), digest.data(), SHA_DIGEST_LENGTH);
    return {encoded.begin(), encoded.begin() + size};
}

}  // namespace

Progress read_frame(std::span<char> bytes, Frame& frame) {
    const std::optional<Length> length = read_length(bytes);
    if (!length) {
        return Progress::kMore;
    }
    constexpr std::uint8_t kFinal = 0x80;
    constexpr std::uint8_t kMasked = 0x80;
    const std::uint8_t first = byte_at(bytes, 0);
    const std::uint8_t opcode = first & 0x0F;
    if ((first & 0xF0) != kFinal || !is_known(opcode) || (byte_at(bytes, 1) & kMasked) == 0 ||
        length->payload > kMaxFrameBytes) {
        return Progress::kBroken;
    }
    const std::size_t start = length->header + kMaskBytes;
    const auto size = static_cast<std::size_t>(length->payload);
    if (bytes.size() < start + size) {
        return Progress::kMore;
    }
    const std::span<char> payload = bytes.subspan(start, size);
    const std::span<const char> mask = bytes.subspan(length->header, kMaskBytes);
    for (std::size_t i = 0; i < size; ++i) {
        payload[i] = static_cast<char>(payload[i] ^ mask[i % kMaskBytes]);
    }
    frame = {static_cast<Opcode>(opcode), {payload.data(), size}, start + size};
    return Progress::kFrame;
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload) {
    out.push_back(static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode)));
    const std::size_t size = payload.size();
    const int extra = size < 126 ? 0 : size <= 0xFFFF ? 2 : 8;
    out.push_back(static_cast<char>(extra == 0 ? size : extra == 2 ? 126 : 127));
    for (int i = extra - 1; i >= 0; --i) {
        out.push_back(static_cast<char>(size >> (8 * i) & 0xFF));
    }
    out.append(payload);
}

std::optional<Upgrade> upgrade(std::string_view head) {
    const std::string_view key = header_value(head, "Sec-WebSocket-Key");
    if (!head.starts_with("GET ") || key.empty()) {
        return std::nullopt;
    }
    const std::string_view target = head.substr(4, head.find(' ', 4) - 4);
    return Upgrade{std::string(target.substr(0, target.find('?'))),
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: " +
                       accept_value(key) + "\r\n\r\n"};
}

}  // namespace tulle::bench::floor
