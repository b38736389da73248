#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "node/redis/core/realm_counters.hpp"

/// The admin listener's view of the clients of Redis.
namespace tulle::node {

/// A realm, with what each shard counts of the realm.
struct RedisRealmView {
    std::string name;
    /// False for the realm that asks for no password.
    bool has_secret = false;
    /// Digests of the users and of the secret under a key that only nodes of the mesh have, so that nodes can be
    /// compared, and nobody without that key can try secrets against a digest. Empty without a mesh key.
    std::string users_digest = {};
    std::string secret_digest = {};
    /// The counters outlive the view.
    std::vector<const redis::RealmCounters*> shards = {};
};

/// The listener for clients of Redis, and the realms in the order of the configuration.
struct RedisView {
    /// The address as bound.
    std::string listen;
    /// The id of the mesh key from which the key of the digests is derived; empty without mesh keys.
    std::string key = {};
    std::vector<RedisRealmView> realms = {};
};

/// A counter of a realm. `name` is the name in the JSON; the metric has the prefix "tulle_redis_".
struct RedisMetric {
    std::string_view name;
    std::string_view help;
    Counter redis::RealmCounters::*counter;
    bool is_gauge = false;
};

/// All counters of a realm but those of the subscriptions.
[[nodiscard]] std::span<const RedisMetric> redis_metrics();

/// The counter of a kind of subscriptions. `name` is the name in the JSON, `kind` the value of the metric's label.
struct RedisSubscriptions {
    std::string_view name;
    std::string_view kind;
    Counter redis::RealmCounters::*counter;
};
[[nodiscard]] std::span<const RedisSubscriptions> redis_subscriptions();

/// The number of all shards.
[[nodiscard]] std::uint64_t sum_of(const RedisRealmView& realm, Counter redis::RealmCounters::*counter);

/// {"listen":…,"key":…,"realms":[{"name":…,"has_secret":…,"digests":{…},"clients":…,"subscriptions":{…},…},…]}.
/// Without mesh keys "key" and "digests" are missing.
[[nodiscard]] boost::json::object to_json(const RedisView& view);

}  // namespace tulle::node
