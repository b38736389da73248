#include "node/admin/redis_view.hpp"

#include <utility>

#include <boost/json/array.hpp>

namespace tulle::node {
namespace {

namespace json = boost::json;
using redis::RealmCounters;

constexpr RedisMetric kRedisMetrics[] = {
    {"clients", "Clients of Redis in the realm", &RealmCounters::clients, true},
    {"commands_total", "Commands of clients of Redis", &RealmCounters::commands_total},
    {"publishes_total", "Messages that clients of Redis have published here", &RealmCounters::publishes_total},
    {"app_events_total", "Messages published by clients of Redis that became events of the realm's app as well",
     &RealmCounters::app_events_total},
    {"app_events_refused_total", "Messages on channels of the realm's app that became no event of the app",
     &RealmCounters::app_events_refused_total},
    {"deliveries_total", "Messages queued for subscribers of Redis, one for each subscription",
     &RealmCounters::deliveries_total},
    {"errors_total", "Replies to clients of Redis that were errors", &RealmCounters::errors_total},
    {"wrong_passwords_total", "Wrong passwords for users of the realm", &RealmCounters::wrong_passwords_total},
    {"gap_closes_total", "Clients of Redis closed because messages were lost", &RealmCounters::gap_closes_total},
    {"slow_closes_total", "Clients of Redis closed because they were too slow", &RealmCounters::slow_closes_total},
    {"questions_total", "Questions of PUBSUB to all nodes", &RealmCounters::questions_total},
    {"questions_incomplete_total", "Answers to questions of PUBSUB without the part of a node that was late",
     &RealmCounters::questions_incomplete_total},
    {"store_keys", "Keys of the realm on this node", &RealmCounters::store_keys, true},
    {"store_bytes", "Memory of the realm's keys on this node", &RealmCounters::store_bytes, true},
    {"store_limit_bytes", "Limit of tulle_redis_store_bytes; 0: the realm keeps no keys",
     &RealmCounters::store_limit_bytes, true},
    {"store_records_total", "Records of writes to keys that this node has sent", &RealmCounters::store_records_total},
    {"store_late_records_total", "Writes to keys that were answered before all nodes had taken them in",
     &RealmCounters::store_late_records_total},
    {"store_calls_total", "Attempts to have another node do a command as the owner of a key",
     &RealmCounters::store_calls_total},
    {"store_failed_calls_total", "Commands on keys answered with -TRYAGAIN", &RealmCounters::store_failed_calls_total},
    {"store_pulls_total", "Looks into the keys of another node, at joins and where keys differ",
     &RealmCounters::store_pulls_total},
    {"store_pulled_keys_total", "Keys taken over from another node by looks into its keys",
     &RealmCounters::store_pulled_keys_total},
    {"store_gaps_total", "Records of other nodes' writes that were missed", &RealmCounters::store_gaps_total},
    {"store_clock_refusals_total", "Messages about keys not heard as the clocks of two nodes differ too much",
     &RealmCounters::store_clock_refusals_total},
    {"store_forgotten_total", "Deleted keys forgotten early for want of memory", &RealmCounters::store_forgotten_total},
};

constexpr RedisSubscriptions kRedisSubscriptions[] = {
    {"channels", "channel", &RealmCounters::channels},
    {"patterns", "pattern", &RealmCounters::patterns},
    {"shard_channels", "shard_channel", &RealmCounters::shard_channels},
};

/// Adds the sum over the shards for each entry of a table above.
template <class Table>
void add_sums(json::object& target, const RedisRealmView& realm, const Table& table) {
    for (const auto& entry : table) {
        target[json::string_view(entry.name.data(), entry.name.size())] = sum_of(realm, entry.counter);
    }
}

json::object realm_to_json(const RedisRealmView& realm) {
    json::object object{{"name", realm.name}, {"has_secret", realm.has_secret}};
    if (!realm.secret_digest.empty()) {
        object["digests"] = {{"users", realm.users_digest}, {"secret", realm.secret_digest}};
    }
    json::object subscriptions;
    add_sums(subscriptions, realm, kRedisSubscriptions);
    object["subscriptions"] = std::move(subscriptions);
    add_sums(object, realm, kRedisMetrics);
    return object;
}

}  // namespace

std::span<const RedisMetric> redis_metrics() {
    return kRedisMetrics;
}

std::span<const RedisSubscriptions> redis_subscriptions() {
    return kRedisSubscriptions;
}

std::uint64_t sum_of(const RedisRealmView& realm, Counter RealmCounters::*counter) {
    std::uint64_t total = 0;
    for (const RealmCounters* shard : realm.shards) {
        total += (shard->*counter).get();
    }
    return total;
}

json::object to_json(const RedisView& view) {
    json::object object{{"listen", view.listen}};
    if (!view.key.empty()) {
        object["key"] = view.key;
    }
    json::array realms;
    for (const RedisRealmView& realm : view.realms) {
        realms.push_back(realm_to_json(realm));
    }
    object["realms"] = std::move(realms);
    return object;
}

}  // namespace tulle::node
