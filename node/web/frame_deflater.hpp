#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "node/core/slab.hpp"
#include "node/edge/fanout.hpp"

struct z_stream_s;

namespace tulle::node {

/// Compresses messages for the clients that have negotiated permessage-deflate (RFC 7692). Each message is compressed
/// for itself (no context takeover). A message is therefore compressed once for all clients, and no connection holds a
/// window.
///
/// Thread: confined to its shard.
/// Memory: 268 KB for zlib from the first use on, and two buffers as large as the largest batch so far.
/// Errors: throws std::bad_alloc.
class FrameDeflater final : public Recoder {
public:
    /// Bytes. Smaller payloads are sent plain, because compression would hardly make such a frame smaller.
    static constexpr std::size_t kMinBytes = 128;

    /// Copies the text frames in `frames` into `arena`, in their order. A frame is compressed when compression makes
    /// the frame smaller; otherwise the frame is copied unchanged.
    [[nodiscard]] SlabRange recode(const SlabRange& frames, SlabArena& arena) override;

private:
    /// Ends zlib's stream and frees its memory.
    struct Ender {
        void operator()(z_stream_s* stream) const;
    };

    /// Appends `frame`, compressed or not, to `frames_`.
    void add(std::string_view frame);
    /// The compressed form of `payload`, a view into `compressed_` until the next call.
    [[nodiscard]] std::string_view compress(std::string_view payload);

    /// Null until the first compression, so that a shard without compressing clients pays nothing.
    std::unique_ptr<z_stream_s, Ender> stream_;
    /// Kept between messages for their memory alone.
    std::string compressed_;
    std::string frames_;
};

}  // namespace tulle::node
