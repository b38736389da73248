#include "node/web/core/frame_guard.hpp"

#include <algorithm>
#include <utility>

#include "node/web/core/limits.hpp"

namespace tulle::node {
namespace {

// Bits and fields of the first two bytes of a frame's header (RFC 6455, 5.2).
constexpr unsigned kFin = 0x80;
// RSV1 of a message's first frame says: the message is compressed (RFC 7692, 6).
constexpr unsigned kDeflated = 0x40;
// The bit of the opcode by which control frames differ from the frames of messages.
constexpr unsigned kControl = 0x08;
constexpr unsigned kOpcode = 0x0f;
constexpr unsigned kClose = 0x08;
// The payload of a Close frame begins with a code of two bytes.
constexpr std::size_t kCodeBytes = 2;
constexpr unsigned kMask = 0x80;
constexpr unsigned kLength = 0x7f;

}  // namespace

std::size_t FrameGuard::header_bytes() const {
    if (have_ < 2) {
        return 2;
    }
    const unsigned length = header_[1] & kLength;
    return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + ((header_[1] & kMask) != 0 ? 4u : 0u);
}

FrameGuard::Verdict FrameGuard::on_bytes(Instant now, std::string_view bytes) {
    while (!bytes.empty()) {
        // A payload is skipped in a single step, so that a large message costs the guard nothing for each byte.
        if (payload_left_ > 0) {
            const std::uint64_t skipped = std::min<std::uint64_t>(payload_left_, bytes.size());
            take_payload(bytes.substr(0, static_cast<std::size_t>(skipped)));
            payload_left_ -= skipped;
            bytes.remove_prefix(static_cast<std::size_t>(skipped));
            continue;
        }
        // A header is collected byte by byte, because a read can end in the middle of a header.
        header_[have_++] = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        if (have_ == header_bytes()) {
            const Verdict verdict = on_header(now);
            have_ = 0;
            if (verdict != Verdict::kFine) {
                return verdict;
            }
        }
    }
    return Verdict::kFine;
}

/// `header_` still holds the mask of the frame: the last four bytes of a control frame's header.
void FrameGuard::take_payload(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size() && close_have_ < kCodeBytes; ++i, ++close_have_) {
        const unsigned mask = (header_[1] & kMask) != 0 ? header_[2 + close_have_] : 0u;
        close_code_ = (close_code_ << 8) | (static_cast<unsigned char>(bytes[i]) ^ mask);
    }
}

FrameGuard::Verdict FrameGuard::on_header(Instant now) {
    // A length of 126 or 127 says: the length follows in 2 or 8 bytes, the highest byte first.
    const unsigned short_length = header_[1] & kLength;
    payload_left_ = short_length < 126 ? short_length : 0;
    const std::size_t extended = short_length == 126 ? 2u : short_length == 127 ? 8u : 0u;
    for (std::size_t i = 0; i < extended; ++i) {
        payload_left_ = (payload_left_ << 8) | header_[2 + i];
    }
    // Control frames may come between the fragments of a message, and do not count as fragments.
    if ((header_[0] & kControl) != 0) {
        // Only the first Close frame counts; a client may not send another.
        if ((header_[0] & kOpcode) == kClose && close_code_ == 0 && !has_empty_close_) {
            has_empty_close_ = payload_left_ == 0;
            // A frame without a payload has no code, and the payload of the next frame is none.
            close_have_ = has_empty_close_ ? kCodeBytes : 0;
        }
        // The second begins with its first control frame rather than on the clock's full second.
        if (now - second_ >= 1s) {
            second_ = now;
            control_frames_ = 0;
        }
        return ++control_frames_ > kMaxControlFrames ? Verdict::kTooManyControlFrames : Verdict::kFine;
    }
    return on_data_header();
}

FrameGuard::Verdict FrameGuard::on_data_header() {
    const bool is_last = (header_[0] & kFin) != 0;
    // The first frame of a message tells whether the message is compressed.
    if (!std::exchange(is_in_message_, !is_last)) {
        is_deflated_ = (header_[0] & kDeflated) != 0;
        deflated_ = 0;
    }
    if (is_deflated_) {
        // The limit may have been lowered since earlier frames of the message, so `deflated_` can be above the limit
        // already; the subtraction would then wrap round.
        if (deflated_ > most_deflated_ || payload_left_ > most_deflated_ - deflated_) {
            return Verdict::kTooLarge;
        }
        deflated_ += payload_left_;
    }
    // The last frame of a message is not counted: the message is complete and nothing is left to bound.
    if (is_last) {
        fragments_ = 0;
        return Verdict::kFine;
    }
    return ++fragments_ > kMaxFragments ? Verdict::kTooManyFragments : Verdict::kFine;
}

}  // namespace tulle::node
