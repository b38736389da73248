#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mesh/base/time.hpp"

namespace tulle::node {

/// Counts what a client may send without end although each piece is correct: fragments of one message, and control frames.
/// Reads frame headers alone (RFC 6455, 5.2); whether they are correct is for the WebSocket stream to judge.
///
/// Thread: its connection's. Time: `now` must not go backwards.
/// Limits: kMaxFragments for a message, kMaxControlFrames in a second.
class FrameGuard {
public:
    enum class Verdict : std::uint8_t { kFine, kTooManyFragments, kTooManyControlFrames };

    /// What has come from the client, in order, in any pieces.
    [[nodiscard]] Verdict on_bytes(Instant now, std::string_view bytes);

private:
    [[nodiscard]] std::size_t header_bytes() const;
    [[nodiscard]] Verdict on_header(Instant now);

    std::array<unsigned char, 14> header_{};
    std::size_t have_ = 0;            ///< of the header
    std::uint64_t payload_left_ = 0;  ///< of the frame before the next header
    std::size_t fragments_ = 0;
    std::size_t control_frames_ = 0;
    Instant second_{};  ///< in which those came
};

}  // namespace tulle::node
