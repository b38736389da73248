#include "node/web/core/frame_guard.hpp"

#include <algorithm>
#include <utility>

#include "node/web/core/limits.hpp"

namespace tulle::node {
namespace {

constexpr unsigned kFin = 0x80;
constexpr unsigned kDeflated = 0x40;  // RSV1 of a message's first frame (RFC 7692, 6)
constexpr unsigned kControl = 0x08;   // of the opcode
constexpr unsigned kOpcode = 0x0f;
constexpr unsigned kClose = 0x08;
constexpr std::size_t kCodeBytes = 2;  // that a Close frame's payload begins with
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
        if (payload_left_ > 0) {
            const std::uint64_t skipped = std::min<std::uint64_t>(payload_left_, bytes.size());
            take_payload(bytes.substr(0, static_cast<std::size_t>(skipped)));
            payload_left_ -= skipped;
            bytes.remove_prefix(static_cast<std::size_t>(skipped));
            continue;
        }
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

/// header_ still holds the frame's mask: the last four bytes of a control frame's header.
void FrameGuard::take_payload(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size() && close_have_ < kCodeBytes; ++i, ++close_have_) {
        const unsigned mask = (header_[1] & kMask) != 0 ? header_[2 + close_have_] : 0u;
        close_code_ = (close_code_ << 8) | (static_cast<unsigned char>(bytes[i]) ^ mask);
    }
}

FrameGuard::Verdict FrameGuard::on_header(Instant now) {
    const unsigned short_length = header_[1] & kLength;
    payload_left_ = short_length < 126 ? short_length : 0;
    const std::size_t extended = short_length == 126 ? 2u : short_length == 127 ? 8u : 0u;
    for (std::size_t i = 0; i < extended; ++i) {
        payload_left_ = (payload_left_ << 8) | header_[2 + i];
    }
    if ((header_[0] & kControl) != 0) {
        if ((header_[0] & kOpcode) == kClose && close_code_ == 0) {
            close_have_ = 0;
        }
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
    if (!std::exchange(is_in_message_, !is_last)) {
        is_deflated_ = (header_[0] & kDeflated) != 0;
        deflated_ = 0;
    }
    if (is_deflated_) {
        // Less may be allowed by now than the message has announced before.
        if (deflated_ > most_deflated_ || payload_left_ > most_deflated_ - deflated_) {
            return Verdict::kTooLarge;
        }
        deflated_ += payload_left_;
    }
    if (is_last) {
        fragments_ = 0;
        return Verdict::kFine;
    }
    return ++fragments_ > kMaxFragments ? Verdict::kTooManyFragments : Verdict::kFine;
}

}  // namespace tulle::node
