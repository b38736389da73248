#include "node/web/frame_deflater.hpp"

#include <new>

#include <zlib.h>

#include "mesh/base/assert.hpp"
#include "node/web/core/ws_frame.hpp"

namespace tulle::node {
namespace {

// The default of zlib.
constexpr int kLevel = 6;
// The largest window, 32 KiB. Negative means raw data, without zlib's own header (RFC 7692, 7.2.1).
constexpr int kWindowBits = -15;
// The default of zlib.
constexpr int kMemoryLevel = 8;
// Room for the end of the last block and for the flush, which deflateBound does not count.
constexpr std::size_t kFlushBytes = 16;
// A flush ends with 00 00 ff ff, which the protocol leaves out (RFC 7692, 7.2.1).
constexpr std::size_t kFlushMarkBytes = 4;

}  // namespace

void FrameDeflater::Ender::operator()(z_stream_s* stream) const {
    deflateEnd(stream);
    delete stream;
}

SlabRange FrameDeflater::recode(const SlabRange& frames, SlabArena& arena) {
    frames_.clear();
    for (std::string_view rest = frames.view(); !rest.empty();) {
        const std::size_t size = frame_size(rest);
        add(rest.substr(0, size));
        rest.remove_prefix(size);
    }
    return arena.append({frames_});
}

void FrameDeflater::add(std::string_view frame) {
    const std::string_view payload = frame.substr(header_size(frame));
    if (payload.size() >= kMinBytes) {
        const std::string_view compressed = compress(payload);
        // Compression can make random data larger; such a frame goes out plain.
        if (compressed.size() < payload.size()) {
            frames_.append(TextFrameHeader(compressed.size(), Payload::kDeflated).view()).append(compressed);
            return;
        }
    }
    frames_.append(frame);
}

std::string_view FrameDeflater::compress(std::string_view payload) {
    // The stream is made on the first use and then only reset, as making a stream allocates its 268 KB.
    if (!stream_) {
        auto stream = std::make_unique<z_stream>();
        if (deflateInit2(stream.get(), kLevel, Z_DEFLATED, kWindowBits, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
            throw std::bad_alloc();
        }
        stream_.reset(stream.release());
    }
    z_stream& stream = *stream_;
    deflateReset(&stream);
    const auto size = static_cast<uInt>(payload.size());
    compressed_.resize(deflateBound(&stream, size) + kFlushBytes);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(payload.data()));
    stream.avail_in = size;
    stream.next_out = reinterpret_cast<Bytef*>(compressed_.data());
    stream.avail_out = static_cast<uInt>(compressed_.size());
    // The output has room for the worst case, so a single call takes the whole input.
    const int result = ::deflate(&stream, Z_SYNC_FLUSH);
    TULLE_ASSERT(result == Z_OK && stream.avail_in == 0 && stream.avail_out > 0);
    return std::string_view(compressed_).substr(0, compressed_.size() - stream.avail_out - kFlushMarkBytes);
}

}  // namespace tulle::node
