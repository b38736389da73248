#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tulle::load {

/// What a stream of a server begins with: one whole message, or something else.
struct Piece {
    enum class Kind : std::uint8_t {
        kMore,     ///< not whole yet; `size` is 0
        kMessage,  ///< something published; `text` holds it, with whatever the protocol wraps around the application's
                   ///< text
        kOther,    ///< whole, but no message: for the handshake, or for the slow path of a run
        kBad,      ///< not of this protocol, or longer than kMaxPieceBytes
    };

    Kind kind = Kind::kMore;
    std::uint8_t opcode = 0;  ///< of a WebSocket frame
    std::size_t size = 0;     ///< bytes of the whole piece
    std::string_view text;    ///< points into what was given
};

inline constexpr std::size_t kMaxPieceBytes = std::size_t{1} << 20;

/// An unmasked, uncompressed WebSocket frame; a text frame that is whole is a message. Fragments are kBad: no server
/// that is measured here sends any.
[[nodiscard]] inline Piece next_frame(const char* at, std::size_t size) {
    if (size < 2) {
        return {};
    }
    const auto first = static_cast<std::uint8_t>(at[0]);
    std::size_t length = static_cast<std::uint8_t>(at[1]);
    std::size_t header = 2;
    if (length >= 126) {
        const std::size_t wide = length == 126 ? 2 : 8;
        header += wide;
        if (length > 127) {  // masked, which a server must not
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

/// A RESP2 reply of Redis; the push ["message", channel, text] is a message. Arrays may hold bulk strings and integers.
[[nodiscard]] Piece next_reply(const char* at, std::size_t size);

/// A line of the NATS protocol; MSG is a message.
[[nodiscard]] Piece next_nats(const char* at, std::size_t size);

/// An HTTP/1.1 response with Content-Length: kOther, `text` is the status line without its end. Others are kBad.
[[nodiscard]] Piece next_response(const char* at, std::size_t size);

}  // namespace tulle::load
