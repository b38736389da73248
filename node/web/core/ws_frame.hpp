#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tulle::node {

/// Whether the payload of a frame is compressed. permessage-deflate marks a compressed message by the bit RSV1 (RFC
/// 7692, 6).
enum class Payload : bool { kPlain, kDeflated };

/// The header of an unmasked, unfragmented WebSocket text frame, in the form in which a server sends frames (RFC 6455,
/// 5.2). The header has 2, 4 or 10 bytes, the shortest form for the length.
class TextFrameHeader {
public:
    /// `payload_bytes`: the size of the payload that follows, after compression.
    explicit TextFrameHeader(std::size_t payload_bytes, Payload payload = Payload::kPlain) {
        // FIN and opcode 1 (text); a compressed message also has RSV1.
        bytes_[0] = static_cast<char>(payload == Payload::kPlain ? 0x81 : 0xc1);
        if (payload_bytes < 126) {
            bytes_[1] = static_cast<char>(payload_bytes);
            size_ = 2;
        } else if (payload_bytes <= 0xffff) {
            bytes_[1] = 126;
            put_length(payload_bytes, 2);
        } else {
            bytes_[1] = 127;
            put_length(payload_bytes, 8);
        }
    }

    /// The bytes of the header, valid as long as this object lives.
    [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

private:
    /// Writes a length of `count` bytes, the highest byte first.
    void put_length(std::uint64_t length, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            bytes_[2 + i] = static_cast<char>((length >> (8 * (count - 1 - i))) & 0xff);
        }
        size_ = 2 + count;
    }

    std::array<char, 10> bytes_{};
    std::size_t size_ = 0;
};

/// Size in bytes of the header of the unmasked frame at the start of `bytes`. REQUIRES: `bytes` holds the whole header.
[[nodiscard]] inline std::size_t header_size(std::string_view bytes) {
    const unsigned length = static_cast<unsigned char>(bytes[1]) & 0x7fu;
    return length < 126 ? 2 : length == 126 ? 4 : 10;
}

/// Size in bytes of the unmasked frame at the start of `bytes`, header included. The payload need not have come whole.
/// 0 when `bytes` holds less than the header.
[[nodiscard]] std::size_t frame_size(std::string_view bytes);

/// The code of the unmasked Close frame that `bytes` begin with; 1005 for a Close frame without a code (RFC 6455,
/// 7.1.5). Nothing for any other frame, and for bytes that hold less than the code.
[[nodiscard]] std::optional<std::uint16_t> close_code(std::string_view bytes);

}  // namespace tulle::node
