#pragma once

#include <cstdint>

#include "mesh/core/node/effects.hpp"

namespace tulle::mesh {

/// Appends `message` to each shard of the mask `shards` (bit = index), in the order of the indices.
template <class Message>
void tell_shards(std::uint64_t shards, const Message& message, Effects& out) {
    for (std::uint16_t i = 0; i < kMaxShards; ++i) {
        if ((shards >> i) & 1) {
            out.push_back(ToPort{ShardIndex{i}, message});
        }
    }
}

}  // namespace tulle::mesh
