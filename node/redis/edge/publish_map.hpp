#pragma once

#include <optional>
#include <string_view>

#include "mesh/base/time.hpp"
#include "mesh/core/node/port.hpp"
#include "node/redis/core/realm.hpp"
#include "node/redis/core/realm_counters.hpp"

namespace tulle::node::redis {

/// Where a PUBLISH goes besides the subscribers of its realm: to the subscribers of another protocol. Each shard has a
/// map of its own.
///
/// Thread: the shard's.
/// Errors: none. What cannot be mapped is counted.
class PublishMap {
public:
    PublishMap() = default;
    PublishMap(const PublishMap&) = delete;
    PublishMap& operator=(const PublishMap&) = delete;
    virtual ~PublishMap() = default;

    /// The further publish for a PUBLISH that this node has accepted, without an id; nothing when there is none.
    /// `counters`: the shard's of the realm. `now` must not go backwards.
    [[nodiscard]] virtual std::optional<mesh::Publish> map(const Realm& realm, RealmCounters& counters,
                                                           std::string_view channel, std::string_view payload,
                                                           Instant now) = 0;
};

}  // namespace tulle::node::redis
