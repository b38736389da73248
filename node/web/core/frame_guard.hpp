#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mesh/base/time.hpp"
#include "node/core/code_counts.hpp"

namespace tulle::node {

/// Bounds the data that a client may send without end although each piece is correct: the fragments of a message, the
/// control frames, and the compressed bytes of a message. The WebSocket stream bounds only the bytes that come out of
/// the decompression.
///
/// The guard reads frame headers alone (RFC 6455, 5.2), and the code of a Close frame. The WebSocket stream judges
/// whether the headers are correct.
///
/// Thread: the thread of the connection.
/// Time: `now` must not go backwards.
/// Limits: kMaxFragments for a message, kMaxControlFrames in a second, limit_deflated for a compressed message. Past a
/// limit on_bytes returns the verdict, and the caller closes the connection.
/// Errors: none. Bytes that are no correct frames give some verdict, and the WebSocket stream refuses them.
class FrameGuard {
public:
    enum class Verdict : std::uint8_t { kFine, kTooManyFragments, kTooManyControlFrames, kTooLarge };

    /// Sets the number of bytes that the frames of a compressed message may announce together. Without a call of
    /// limit_deflated the bytes of compressed messages are not bounded.
    void limit_deflated(std::uint64_t bytes) { most_deflated_ = bytes; }

    /// Counts `bytes`, which have come from the client at `now`. Call on_bytes with everything that comes, in order, in
    /// pieces of any size. At the first verdict other than kFine the rest of `bytes` is not looked at.
    [[nodiscard]] Verdict on_bytes(Instant now, std::string_view bytes);
    /// True when a Close frame of the client has come, with a code.
    [[nodiscard]] bool is_closed() const { return close_code_ != 0; }
    /// The code of the client's Close frame; kNoCloseCode for a Close frame without a code; 0 before the Close frame.
    [[nodiscard]] std::uint16_t close_code() const {
        return close_code_ == 0 && has_empty_close_ ? kNoCloseCode : static_cast<std::uint16_t>(close_code_);
    }
    /// True when the client has sent a Close frame with the code 1014, bad gateway. 1014 is the only code that a client
    /// may send by IANA's registry of close codes and that the WebSocket stream does not know.
    [[nodiscard]] bool closed_by_gateway() const { return close_code_ == kBadGateway; }

private:
    static constexpr unsigned kBadGateway = 1014;

    /// Reads the code at the start of a Close frame's payload. Any other payload is passed over.
    void take_payload(std::string_view bytes);
    /// Bytes of the header that is being collected, as far as the bytes in `header_` tell; 2 before the length is
    /// known.
    [[nodiscard]] std::size_t header_bytes() const;
    /// Reads a complete header: sets `payload_left_` and counts a control frame.
    [[nodiscard]] Verdict on_header(Instant now);
    /// Counts a frame of a message: its fragments, and its bytes when the message is compressed.
    [[nodiscard]] Verdict on_data_header();

    /// The header of the current frame. 14 bytes is the longest header: 2 bytes, 8 of length, 4 of mask.
    std::array<unsigned char, 14> header_{};
    /// Bytes of the header that have come.
    std::size_t have_ = 0;
    /// Bytes of payload that come before the next header.
    std::uint64_t payload_left_ = 0;
    std::uint64_t most_deflated_ = UINT64_MAX;
    /// Bytes that the frames of the current message have announced, when the message is compressed.
    std::uint64_t deflated_ = 0;
    bool is_deflated_ = false;
    bool is_in_message_ = false;
    std::size_t fragments_ = 0;
    std::size_t control_frames_ = 0;
    /// The code of the Close frame, as far as the code has come; 0 before.
    unsigned close_code_ = 0;
    bool has_empty_close_ = false;
    /// Bytes of the code that have come; 2 when no code is expected.
    std::size_t close_have_ = 2;
    /// When the second began in which `control_frames_` are counted.
    Instant second_{};
};

}  // namespace tulle::node
