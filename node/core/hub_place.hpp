#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tulle::node {

/// Where the hub runs.
enum class HubPlace : std::uint8_t {
    kAuto,    ///< on the shard's thread when there is but one, else on its own
    kThread,  ///< on a thread of its own
    kShard,   ///< on the first shard's
};

/// "auto", "thread" or "shard"; nothing for other texts.
[[nodiscard]] std::optional<HubPlace> hub_place_of(std::string_view text);

[[nodiscard]] bool is_on_shard(HubPlace place, std::size_t shards);

}  // namespace tulle::node
