#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct z_stream_s;

namespace tulle::node {

/// Turns the compressed messages of a client that has negotiated permessage-deflate (RFC 7692) into plain messages. The
/// WebSocket stream then needs to know nothing of the extension. Each compressed message becomes a fragmented message.
///
/// The inflater takes data that Beast's own decompression refuses: a block with BFINAL set (RFC 7692, 7.2.3.4), after
/// which the message may go on with further blocks, or end. Plain frames, control frames and wrong frames pass
/// unchanged, and the stream judges them.
///
/// Thread: confined to the thread of its connection.
/// Memory: about 40 KB (zlib's window and state) while a compressed message is incomplete. None of it between messages,
/// because each message is compressed for itself. Besides: the bytes taken and not yet read.
/// Limits: of a message, not much more than `limit` bytes are inflated. The stream then ends the connection, and the
/// rest is dropped. At most 160 KB of output are made at a time; the rest of the input follows when the output has been
/// read.
/// Errors: data that cannot be decompressed make is_corrupt() true, and no further data are taken. Throws
/// std::bad_alloc.
class FrameInflater {
public:
    FrameInflater();
    ~FrameInflater();

    /// Sets the number of bytes that may come out of a message.
    void limit(std::size_t bytes) { limit_ = bytes; }
    /// Takes `bytes`, which have come from the client. Call take with everything that comes, in order, in pieces of any
    /// size.
    void take(std::string_view bytes);
    /// True after data that cannot be decompressed. The caller reads the remaining output and ends the connection.
    [[nodiscard]] bool is_corrupt() const { return is_corrupt_; }

    /// The bytes for the WebSocket stream to read. The view is valid until the next call of take or consume.
    [[nodiscard]] std::string_view output() const { return std::string_view(output_).substr(read_); }
    /// Drops the first `bytes` of output(), and inflates further input when no output is left.
    /// REQUIRES: output() has that many bytes.
    void consume(std::size_t bytes);
    /// Bytes of memory that are held for input and output. The memory of zlib is not counted.
    [[nodiscard]] std::size_t memory() const { return input_.capacity() + output_.capacity(); }

private:
    /// Ends zlib's stream and frees its memory.
    struct Ender {
        void operator()(z_stream_s* stream) const;
    };
    /// The message whose end has not come: none, a plain message, or a compressed message.
    enum class Message : std::uint8_t { kNone, kPlain, kDeflated };

    /// Works through the input until the input ends, the output is large enough, or the data are corrupt.
    void advance();
    /// Bytes of the header that is being collected; 2 before the length is known.
    [[nodiscard]] std::size_t header_bytes() const;
    /// Reads a complete header and passes the header on, unless the payload is to be inflated.
    void on_header();
    /// True when the frame in `header_` belongs to a compressed message and is correct.
    [[nodiscard]] bool is_deflated_frame(unsigned opcode) const;
    /// Begins to inflate a message.
    void begin();
    /// Passes a part of a payload on, or unmasks and inflates the part.
    void on_payload(std::string_view bytes);
    /// After the last frame of a compressed message: inflates the rest and ends the plain message.
    void on_frame_end();
    /// Inflates `bytes` and puts the result into frames.
    void inflate(std::string_view bytes);
    /// Appends a frame to the output. `first`: the first byte of the frame's header.
    void put_frame(unsigned first, std::string_view payload);

    /// The stream of the incomplete message; null between messages.
    std::unique_ptr<z_stream_s, Ender> stream_;
    /// The bytes taken, as far as they are not dealt with.
    std::string input_;
    /// Bytes at the start of `input_` that have been dealt with.
    std::size_t looked_at_ = 0;
    std::string output_;
    /// Bytes at the start of `output_` that have been consumed.
    std::size_t read_ = 0;
    std::size_t limit_ = 0;
    /// Bytes that have come out of the current message.
    std::size_t inflated_ = 0;
    std::array<unsigned char, 14> header_{};
    /// Bytes of the header that have come.
    std::size_t have_ = 0;
    /// Bytes of the frame's payload that have not come.
    std::uint64_t payload_left_ = 0;
    /// Where the mask begins in `header_`.
    std::size_t key_ = 0;
    /// Bytes of the payload that have been unmasked so far.
    std::size_t unmasked_ = 0;
    Message message_ = Message::kNone;
    /// True when the payload of the current frame is compressed.
    bool is_inflating_ = false;
    bool is_corrupt_ = false;
};

}  // namespace tulle::node
