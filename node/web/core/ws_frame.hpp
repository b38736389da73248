#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tulle::node {

/// Whether the payload of a frame is compressed, as permessage-deflate has it (RFC 7692, 6: RSV1).
enum class Payload : bool { kPlain, kDeflated };

/// The header of an unmasked, unfragmented WebSocket text frame, as a server sends it (RFC 6455, 5.2).
class TextFrameHeader {
public:
    explicit TextFrameHeader(std::size_t payload_bytes, Payload payload = Payload::kPlain) {
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

    [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

private:
    void put_length(std::uint64_t length, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            bytes_[2 + i] = static_cast<char>((length >> (8 * (count - 1 - i))) & 0xff);
        }
        size_ = 2 + count;
    }

    std::array<char, 10> bytes_{};
    std::size_t size_ = 0;
};

/// Of the unmasked frame that begins at `bytes`, which hold it whole.
[[nodiscard]] inline std::size_t header_size(std::string_view bytes) {
    const unsigned length = static_cast<unsigned char>(bytes[1]) & 0x7fu;
    return length < 126 ? 2 : length == 126 ? 4 : 10;
}

/// Size of the unmasked frame that begins at `bytes`, header included; 0 when not even the header is there.
[[nodiscard]] std::size_t frame_size(std::string_view bytes);

}  // namespace tulle::node
