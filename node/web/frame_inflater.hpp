#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct z_stream_s;

namespace tulle::node {

/// Turns the compressed messages of a client that has negotiated permessage-deflate (RFC 7692) into plain ones, so that
/// the WebSocket stream need know nothing of the extension: each compressed message becomes a fragmented one. What
/// Beast's own decompression refuses is taken: a block with BFINAL set (7.2.3.4), after which the message may go on
/// with further blocks, or end. Frames that are not compressed, control frames and frames that are wrong pass as they
/// came, for the stream to judge.
///
/// Thread: confined to its connection's.
/// Memory: about 40 KB (zlib's window and state) while a compressed message is incomplete, and none between messages,
///         as each is compressed for itself; and what has been taken and not read.
/// Limits: of a message, not much more than `limit` is inflated: the stream ends the connection then, and the rest is
///         dropped. Of what was taken, no more is inflated than makes 160 KB of output at a time; the rest follows when
///         that has been read.
/// Errors: data that cannot be decompressed make is_corrupt() true; nothing is taken any more. Throws std::bad_alloc.
class FrameInflater {
public:
    FrameInflater();
    ~FrameInflater();

    /// Bytes that may come out of one message.
    void limit(std::size_t bytes) { limit_ = bytes; }
    /// What has come from the client, in order, in any pieces.
    void take(std::string_view bytes);
    [[nodiscard]] bool is_corrupt() const { return is_corrupt_; }

    /// What the WebSocket stream is to read.
    [[nodiscard]] std::string_view output() const { return std::string_view(output_).substr(read_); }
    void consume(std::size_t bytes);
    /// Bytes held, zlib's not counted.
    [[nodiscard]] std::size_t memory() const { return input_.capacity() + output_.capacity(); }

private:
    struct Ender {
        void operator()(z_stream_s* stream) const;
    };
    enum class Message : std::uint8_t { kNone, kPlain, kDeflated };

    void advance();
    [[nodiscard]] std::size_t header_bytes() const;
    void on_header();
    [[nodiscard]] bool is_deflated_frame(unsigned opcode) const;
    void begin();
    void on_payload(std::string_view bytes);
    void on_frame_end();
    void inflate(std::string_view bytes);
    void put_frame(unsigned first, std::string_view payload);

    std::unique_ptr<z_stream_s, Ender> stream_;  ///< of the message that is incomplete
    std::string input_;                          ///< taken …
    std::size_t looked_at_ = 0;                  ///< … and of which so many bytes have been dealt with
    std::string output_;
    std::size_t read_ = 0;  ///< bytes of it that have been consumed
    std::size_t limit_ = 0;
    std::size_t inflated_ = 0;  ///< of the message
    std::array<unsigned char, 14> header_{};
    std::size_t have_ = 0;            ///< of the header
    std::uint64_t payload_left_ = 0;  ///< of the frame
    std::size_t key_ = 0;             ///< where the mask begins in the header
    std::size_t unmasked_ = 0;        ///< bytes of the payload so far
    Message message_ = Message::kNone;
    bool is_inflating_ = false;  ///< the frame's payload is compressed
    bool is_corrupt_ = false;
};

}  // namespace tulle::node
