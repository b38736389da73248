// A compressed message is rewritten as follows: the header of its first frame becomes an empty first fragment without
// the bit of compression; each piece that comes out of zlib becomes a further fragment; the end of the last frame
// becomes an empty last fragment. The stream therefore counts the bytes of the plain message, and ends the connection
// when the message grows too large. The new frames carry a mask of zeros, as the stream expects masked frames from a
// client.

#include "node/web/frame_inflater.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include <zlib.h>

#include "mesh/base/assert.hpp"

namespace tulle::node {
namespace {

// The largest window; a client may use a smaller window (RFC 7692, 7.1.2). Negative means raw data.
constexpr int kLargestWindowBits = -15;
// Bytes that are inflated at a time. The buffer of a piece is on the stack.
constexpr std::size_t kPieceBytes = 16u << 10;
// Bytes of input that are looked at in a single step. Deflate makes at most 1,032 times as many bytes of the input, so
// a step makes at most 132 KB of output.
constexpr std::size_t kSliceBytes = 128;
// Bytes of capacity that input and output keep each between reads. Larger buffers are given back.
constexpr std::size_t kRetainedBytes = 4u << 10;
// The bytes that the protocol leaves out at the end of a message (RFC 7692, 7.2.1).
constexpr std::string_view kFlushMark("\0\0\xff\xff", 4);

// Bits and fields of the first two bytes of a frame's header (RFC 6455, 5.2).
constexpr unsigned kFin = 0x80;
// RSV1: the message is compressed.
constexpr unsigned kDeflated = 0x40;
constexpr unsigned kReserved = 0x70;
constexpr unsigned kOpcode = 0x0f;
constexpr unsigned kControl = 0x08;
constexpr unsigned kText = 0x01;
constexpr unsigned kBinary = 0x02;
constexpr unsigned kMask = 0x80;
constexpr unsigned kLength = 0x7f;
constexpr std::size_t kMaskBytes = 4;

/// The header of a frame as a client might send it. The mask is zero and changes nothing.
std::string client_header(unsigned first, std::size_t payload_bytes) {
    std::string header(1, static_cast<char>(first));
    const std::size_t count = payload_bytes < 126 ? 0 : payload_bytes <= 0xffff ? 2 : 8;
    header.push_back(static_cast<char>(kMask | (count == 0 ? payload_bytes : count == 2 ? 126u : 127u)));
    for (std::size_t i = count; i > 0; --i) {
        header.push_back(static_cast<char>((payload_bytes >> (8 * (i - 1))) & 0xff));
    }
    return header.append(kMaskBytes, '\0');
}

}  // namespace

void FrameInflater::Ender::operator()(z_stream_s* stream) const {
    inflateEnd(stream);
    delete stream;
}

FrameInflater::FrameInflater() = default;
FrameInflater::~FrameInflater() = default;

void FrameInflater::consume(std::size_t bytes) {
    read_ += bytes;
    if (read_ == output_.size()) {
        output_.clear();
        read_ = 0;
        if (output_.capacity() > kRetainedBytes) {
            output_ = {};
        }
        // Input may wait that did not fit into the output before.
        advance();
    }
}

void FrameInflater::take(std::string_view bytes) {
    input_.append(bytes);
    advance();
}

std::size_t FrameInflater::header_bytes() const {
    if (have_ < 2) {
        return 2;
    }
    const unsigned length = header_[1] & kLength;
    return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + ((header_[1] & kMask) != 0 ? kMaskBytes : 0u);
}

void FrameInflater::advance() {
    // A full output stops the loop: the client's next bytes cost memory only after the stream has read the last ones.
    while (looked_at_ < input_.size() && output_.size() < kPieceBytes && !is_corrupt_) {
        const std::string_view bytes = std::string_view(input_).substr(looked_at_, kSliceBytes);
        if (payload_left_ > 0) {
            const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, bytes.size()));
            on_payload(bytes.substr(0, size));
            looked_at_ += size;
            payload_left_ -= size;
        } else {
            // A header is collected byte by byte, because a read can end in the middle of a header.
            header_[have_++] = static_cast<unsigned char>(bytes.front());
            ++looked_at_;
            if (have_ < header_bytes()) {
                continue;
            }
            on_header();
            have_ = 0;
        }
        // Frames without a payload end with their header.
        if (payload_left_ == 0 && have_ == 0) {
            on_frame_end();
        }
    }
    if (looked_at_ == input_.size() || is_corrupt_) {
        input_.clear();
        looked_at_ = 0;
        if (input_.capacity() > kRetainedBytes) {
            input_ = {};
        }
    }
}

/// Checks everything that the stream would check: the length has its shortest form, the frame has a mask, and the frame
/// is the one expected in the message. A frame with an error passes unchanged, so that the stream sees the error.
bool FrameInflater::is_deflated_frame(unsigned opcode) const {
    const unsigned reserved = header_[0] & kReserved;
    const unsigned length = header_[1] & kLength;
    const bool is_shortest = length < 126 || (length == 126 ? payload_left_ >= 126 : payload_left_ > 0xffff);
    const bool is_expected =
        message_ == Message::kDeflated
            ? opcode == 0 && reserved == 0
            : message_ == Message::kNone && (opcode == kText || opcode == kBinary) && reserved == kDeflated;
    return is_expected && is_shortest && (header_[1] & kMask) != 0;
}

void FrameInflater::on_header() {
    const unsigned length = header_[1] & kLength;
    const std::size_t extended = length == 126 ? 2u : length == 127 ? 8u : 0u;
    payload_left_ = extended == 0 ? length : 0;
    for (std::size_t i = 0; i < extended; ++i) {
        payload_left_ = (payload_left_ << 8) | header_[2 + i];
    }
    const unsigned opcode = header_[0] & kOpcode;
    is_inflating_ = (opcode & kControl) == 0 && is_deflated_frame(opcode);
    key_ = 2 + extended;
    unmasked_ = 0;
    if (!is_inflating_) {
        output_.append(reinterpret_cast<const char*>(header_.data()), have_);
        // The first fragment tells the stream the kind of the message: text or binary.
    } else if (message_ == Message::kNone) {
        begin();
        put_frame(opcode, {});
    }
    if ((opcode & kControl) == 0) {
        message_ = is_inflating_ ? Message::kDeflated : Message::kPlain;
    }
}

void FrameInflater::begin() {
    auto fresh = std::make_unique<z_stream_s>();
    const int result = inflateInit2(fresh.get(), kLargestWindowBits);
    if (result == Z_MEM_ERROR) {
        throw std::bad_alloc();
    }
    TULLE_ASSERT(result == Z_OK);
    stream_.reset(fresh.release());
    inflated_ = 0;
}

void FrameInflater::on_payload(std::string_view bytes) {
    if (!is_inflating_) {
        output_.append(bytes);
        return;
    }
    // The mask repeats every four bytes and goes on from the last part of the payload.
    std::string plain(bytes);
    for (char& c : plain) {
        c = static_cast<char>(static_cast<unsigned char>(c) ^ header_[key_ + unmasked_++ % kMaskBytes]);
    }
    inflate(plain);
}

void FrameInflater::on_frame_end() {
    const bool is_control = (header_[0] & kControl) != 0;
    // Only the last frame of a message ends the message.
    if (is_control || (header_[0] & kFin) == 0) {
        return;
    }
    if (is_inflating_) {
        inflate(kFlushMark);
        stream_.reset();
        // Past the limit no end follows: the stream has seen too many bytes already and ends the connection.
        if (!is_corrupt_ && inflated_ <= limit_) {
            put_frame(kFin, {});
        }
    }
    message_ = Message::kNone;
}

void FrameInflater::inflate(std::string_view bytes) {
    std::array<char, kPieceBytes> piece;
    stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_->avail_in = static_cast<uInt>(bytes.size());
    // A full piece means: zlib may hold further output, even without further input.
    bool is_full = true;
    while ((stream_->avail_in > 0 || is_full) && inflated_ <= limit_) {
        stream_->next_out = reinterpret_cast<Bytef*>(piece.data());
        stream_->avail_out = static_cast<uInt>(piece.size());
        const int result = ::inflate(stream_.get(), Z_SYNC_FLUSH);
        const std::size_t size = piece.size() - stream_->avail_out;
        is_full = stream_->avail_out == 0;
        if (size > 0) {
            inflated_ += size;
            put_frame(0, {piece.data(), size});
        }
        if (result == Z_STREAM_END) {
            // A block with BFINAL ends the stream of zlib. The next block begins at the next byte, and refers to
            // nothing before.
            inflateReset(stream_.get());
        } else if (result == Z_MEM_ERROR) {
            throw std::bad_alloc();
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            is_corrupt_ = true;
            return;
        }
    }
}

void FrameInflater::put_frame(unsigned first, std::string_view payload) {
    output_.append(client_header(first, payload.size())).append(payload);
}

}  // namespace tulle::node
