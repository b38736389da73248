#include "node/web/core/ws_frame.hpp"

#include "node/core/code_counts.hpp"

namespace tulle::node {

std::size_t frame_size(std::string_view bytes) {
    if (bytes.size() < 2) {
        return 0;
    }
    const auto byte = [bytes](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])); };
    const std::size_t length = byte(1) & 0x7f;
    if (length < 126) {
        return 2 + length;
    }
    // 126 and 127 say: the length follows in 2 or 8 bytes, the highest byte first.
    const std::size_t count = length == 126 ? 2 : 8;
    if (bytes.size() < 2 + count) {
        return 0;
    }
    std::size_t extended = 0;
    for (std::size_t i = 0; i < count; ++i) {
        extended = (extended << 8) | byte(2 + i);
    }
    return 2 + count + extended;
}

std::optional<std::uint16_t> close_code(std::string_view bytes) {
    // FIN and opcode 8.
    if (bytes.size() < 2 || bytes[0] != '\x88') {
        return std::nullopt;
    }
    if (bytes[1] == 0) {
        return kNoCloseCode;
    }
    if (bytes.size() < 4) {
        return std::nullopt;
    }
    const auto byte = [bytes](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[i])); };
    return static_cast<std::uint16_t>((byte(2) << 8) | byte(3));
}

}  // namespace tulle::node
