#pragma once

#include <string_view>

#include "node/core/slab.hpp"
#include "node/edge/fanout.hpp"
#include "node/redis/core/realm_table.hpp"

namespace tulle::node::redis {

/// Encodes the push of a message in RESP2 into the arena. `pattern`: the pattern that matched, for Kind::kPattern.
[[nodiscard]] SlabRange message_frame(SlabArena& arena, Kind kind, std::string_view pattern, std::string_view channel,
                                      std::string_view payload);

/// Turns message frames of RESP2 into RESP3, for the connections that speak RESP3. The two differ in the first byte of
/// each frame alone.
class MessageRecoder final : public Recoder {
public:
    [[nodiscard]] SlabRange recode(const SlabRange& frames, SlabArena& arena) override;

private:
    /// A member, so that the memory is used again.
    std::string text_;
};

}  // namespace tulle::node::redis
