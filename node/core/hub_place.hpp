#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tulle::node {

/// Where the hub runs. A hub on a shard's thread needs no hand-over between threads; a hub on its own thread takes no
/// time from a shard.
enum class HubPlace : std::uint8_t {
    /// On the shard's thread when the node has a single shard, otherwise on a thread of its own.
    kAuto,
    /// On a thread of its own.
    kThread,
    /// On the thread of the first shard.
    kShard,
};

/// Reads the value of the option: "auto", "thread" or "shard". Returns nothing for any other text.
[[nodiscard]] std::optional<HubPlace> hub_place_of(std::string_view text);

/// True when the hub of a node with `shards` shards runs on the thread of the first shard.
[[nodiscard]] bool is_on_shard(HubPlace place, std::size_t shards);

}  // namespace tulle::node
