#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mesh/base/time.hpp"

namespace tulle::node {

/// Counts what a client may send without end although each piece is correct: fragments of one message, control frames,
/// and the bytes of a compressed message, of which the WebSocket stream bounds only those that come out. Reads frame
/// headers alone (RFC 6455, 5.2); whether they are correct is for the WebSocket stream to judge.
///
/// Thread: its connection's. Time: `now` must not go backwards.
/// Limits: kMaxFragments for a message, kMaxControlFrames in a second, limit_deflated for a compressed message.
class FrameGuard {
public:
    enum class Verdict : std::uint8_t { kFine, kTooManyFragments, kTooManyControlFrames, kTooLarge };

    /// The frames of a compressed message may announce `bytes` together. Without this they are not looked at.
    void limit_deflated(std::uint64_t bytes) { most_deflated_ = bytes; }

    /// What has come from the client, in order, in any pieces.
    [[nodiscard]] Verdict on_bytes(Instant now, std::string_view bytes);
    /// A Close frame of the peer's has come, with a code.
    [[nodiscard]] bool is_closed() const { return close_code_ != 0; }
    /// The peer has sent a Close frame with 1014, bad gateway: the one code that a peer may send (IANA's registry of
    /// close codes) and the WebSocket stream does not know.
    [[nodiscard]] bool closed_by_gateway() const { return close_code_ == kBadGateway; }

private:
    static constexpr unsigned kBadGateway = 1014;

    void take_payload(std::string_view bytes);
    [[nodiscard]] std::size_t header_bytes() const;
    [[nodiscard]] Verdict on_header(Instant now);
    [[nodiscard]] Verdict on_data_header();

    std::array<unsigned char, 14> header_{};
    std::size_t have_ = 0;            ///< of the header
    std::uint64_t payload_left_ = 0;  ///< of the frame before the next header
    std::uint64_t most_deflated_ = UINT64_MAX;
    std::uint64_t deflated_ = 0;  ///< announced by the frames of the message so far, if it is compressed
    bool is_deflated_ = false;
    bool is_in_message_ = false;
    std::size_t fragments_ = 0;
    std::size_t control_frames_ = 0;
    unsigned close_code_ = 0;     ///< of a Close frame, as far as it has come
    std::size_t close_have_ = 2;  ///< bytes of it; 2: nothing more is looked for
    Instant second_{};            ///< in which those came
};

}  // namespace tulle::node
