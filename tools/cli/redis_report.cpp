#include "tools/cli/redis_report.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "tools/cli/json_fields.hpp"

namespace tulle::cli {
namespace {

/// Reads a realm.
RedisRealm redis_realm_of(const boost::json::object& object) {
    RedisRealm realm;
    realm.has_secret = flag_field(object, "has_secret");
    if (const boost::json::object* digests = object_field(object, "digests")) {
        realm.users_digest = text_field(*digests, "users");
        realm.secret_digest = text_field(*digests, "secret");
    }
    if (const boost::json::object* subscriptions = object_field(object, "subscriptions")) {
        realm.channels = count_field(*subscriptions, "channels");
        realm.patterns = count_field(*subscriptions, "patterns");
        realm.shard_channels = count_field(*subscriptions, "shard_channels");
    }
    for (const auto& [name, number] : redis_numbers()) {
        realm.*number = count_field(object, name);
    }
    return realm;
}

}  // namespace

RedisReport redis_report_of(const boost::json::object& redis) {
    RedisReport report{.listen = text_field(redis, "listen"), .key = text_field(redis, "key")};
    if (const boost::json::value* realms = redis.if_contains("realms"); realms != nullptr && realms->is_array()) {
        for (const boost::json::value& value : realms->get_array()) {
            if (const boost::json::object* realm = value.if_object()) {
                report.realms.emplace(text_field(*realm, "name"), redis_realm_of(*realm));
            }
        }
    }
    return report;
}

const std::vector<std::pair<std::string_view, std::uint64_t RedisRealm::*>>& redis_numbers() {
    static const std::vector<std::pair<std::string_view, std::uint64_t RedisRealm::*>> numbers{
        {"clients", &RedisRealm::clients},
        {"commands_total", &RedisRealm::commands},
        {"publishes_total", &RedisRealm::publishes},
        {"app_events_total", &RedisRealm::app_events},
        {"app_events_refused_total", &RedisRealm::app_events_refused},
        {"deliveries_total", &RedisRealm::deliveries},
        {"errors_total", &RedisRealm::errors},
        {"wrong_passwords_total", &RedisRealm::wrong_passwords},
        {"gap_closes_total", &RedisRealm::gap_closes},
        {"slow_closes_total", &RedisRealm::slow_closes},
        {"questions_total", &RedisRealm::questions},
        {"questions_incomplete_total", &RedisRealm::questions_incomplete},
        {"store_keys", &RedisRealm::store_keys},
        {"store_bytes", &RedisRealm::store_bytes},
        {"store_limit_bytes", &RedisRealm::store_limit},
        {"store_records_total", &RedisRealm::store_records},
        {"store_late_records_total", &RedisRealm::store_late_records},
        {"store_calls_total", &RedisRealm::store_calls},
        {"store_failed_calls_total", &RedisRealm::store_failed_calls},
        {"store_pulls_total", &RedisRealm::store_pulls},
        {"store_pulled_keys_total", &RedisRealm::store_pulled_keys},
        {"store_gaps_total", &RedisRealm::store_gaps},
        {"store_clock_refusals_total", &RedisRealm::store_clock_refusals},
        {"store_forgotten_total", &RedisRealm::store_forgotten},
    };
    return numbers;
}

}  // namespace tulle::cli
