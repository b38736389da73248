#include "node/core/hub_place.hpp"

namespace tulle::node {

std::optional<HubPlace> hub_place_of(std::string_view text) {
    if (text == "auto") {
        return HubPlace::kAuto;
    }
    if (text == "thread") {
        return HubPlace::kThread;
    }
    if (text == "shard") {
        return HubPlace::kShard;
    }
    return std::nullopt;
}

bool is_on_shard(HubPlace place, std::size_t shards) {
    return place == HubPlace::kShard || (place == HubPlace::kAuto && shards == 1);
}

}  // namespace tulle::node
