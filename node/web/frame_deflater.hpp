#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "node/core/slab.hpp"
#include "node/edge/fanout.hpp"

struct z_stream_s;

namespace tulle::node {

/// Compresses messages for the clients that have negotiated permessage-deflate (RFC 7692), each for itself (no context
/// takeover): so a message is compressed once for all of them, and nobody's connection holds a window.
///
/// Thread: confined to its shard.
/// Limits: 268 KB, from the first use on.
class FrameDeflater final : public Recoder {
public:
    /// Smaller payloads go as they are: the frame would hardly get smaller.
    static constexpr std::size_t kMinBytes = 128;

    /// The text frames of `frames`, in order, those compressed that get smaller by it.
    [[nodiscard]] SlabRange recode(const SlabRange& frames, SlabArena& arena) override;

private:
    struct Ender {
        void operator()(z_stream_s* stream) const;
    };

    void add(std::string_view frame);
    [[nodiscard]] std::string_view compress(std::string_view payload);

    std::unique_ptr<z_stream_s, Ender> stream_;
    std::string compressed_;
    std::string frames_;
};

}  // namespace tulle::node
