#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tulle::load {

/// The beginning of a server's stream: a complete message, or another piece of the protocol.
struct Piece {
    enum class Kind : std::uint8_t {
        /// Not complete yet; `size` is 0.
        kMore,
        /// A published message. `text` holds the application's text with the protocol's wrapping.
        kMessage,
        /// Complete, but no message: for the handshake, or for the slow path of a run.
        kOther,
        /// Not of this protocol, or longer than kMaxPieceBytes. The connection is of no further use.
        kBad,
    };

    Kind kind = Kind::kMore;
    /// Of a WebSocket frame.
    std::uint8_t opcode = 0;
    /// Bytes of the whole piece.
    std::size_t size = 0;
    /// Points into the given bytes, and is valid as long as the bytes are.
    std::string_view text;
};

/// Above all that a benchmark sends (512 KiB of text at most, see runner.cpp). The bound sets the size of the read
/// buffer.
inline constexpr std::size_t kMaxPieceBytes = std::size_t{1} << 20;

/// The first WebSocket frame, unmasked and uncompressed. A complete text frame is a message. A fragment is kBad: no
/// server under test sends fragments.
[[nodiscard]] inline Piece next_frame(const char* at, std::size_t size) {
    if (size < 2) {
        return {};
    }
    const auto first = static_cast<std::uint8_t>(at[0]);
    std::size_t length = static_cast<std::uint8_t>(at[1]);
    std::size_t header = 2;
    // A longer frame has the length in two or eight further bytes.
    if (length >= 126) {
        const std::size_t wide = length == 126 ? 2 : 8;
        header += wide;
        // The mask bit is set, and a server must not mask.
        if (length > 127) {
            return {.kind = Piece::Kind::kBad};
        }
        if (size < header) {
            return {};
        }
        length = 0;
        for (std::size_t i = 0; i < wide; ++i) {
            length = length << 8U | static_cast<std::uint8_t>(at[2 + i]);
        }
    }
    // FIN must be set and the reserved bits clear: no fragments, no compression.
    if (length > kMaxPieceBytes - header || (first & 0xf0U) != 0x80U) {
        return {.kind = Piece::Kind::kBad};
    }
    if (size < header + length) {
        return {};
    }
    return {.kind = first == 0x81U ? Piece::Kind::kMessage : Piece::Kind::kOther,
            .opcode = static_cast<std::uint8_t>(first & 0xfU),
            .size = header + length,
            .text = {at + header, length}};
}

/// The first RESP2 reply of Redis. The push ["message", channel, text] is a message. Arrays may hold bulk strings and
/// integers, three elements at most.
[[nodiscard]] Piece next_reply(const char* at, std::size_t size);

/// The first line of the NATS protocol, with the payload for MSG. MSG is a message.
[[nodiscard]] Piece next_nats(const char* at, std::size_t size);

/// The first HTTP/1.1 response with Content-Length: kOther, with the status line without the line end as `text`. Other
/// responses are kBad.
[[nodiscard]] Piece next_response(const char* at, std::size_t size);

}  // namespace tulle::load
