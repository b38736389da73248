#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

/// What a node tells of its clients of Redis: the member "redis" of its status, and of its report.
namespace tulle::cli {

/// A realm on a node. Numbers absent from the report are 0.
struct RedisRealm {
    /// False for the realm that asks for no password.
    bool has_secret = false;
    /// Digests of users and secret; empty for a node without a mesh key.
    std::string users_digest = {};
    std::string secret_digest = {};
    std::uint64_t clients = 0;
    std::uint64_t channels = 0;
    std::uint64_t patterns = 0;
    std::uint64_t shard_channels = 0;
    std::uint64_t commands = 0;
    std::uint64_t publishes = 0;
    std::uint64_t app_events = 0;
    std::uint64_t app_events_refused = 0;
    std::uint64_t deliveries = 0;
    std::uint64_t errors = 0;
    std::uint64_t wrong_passwords = 0;
    std::uint64_t gap_closes = 0;
    std::uint64_t slow_closes = 0;
    std::uint64_t questions = 0;
    std::uint64_t questions_incomplete = 0;
    std::uint64_t store_keys = 0;
    std::uint64_t store_bytes = 0;
    std::uint64_t store_limit = 0;
    std::uint64_t store_records = 0;
    std::uint64_t store_late_records = 0;
    std::uint64_t store_calls = 0;
    std::uint64_t store_failed_calls = 0;
    std::uint64_t store_pulls = 0;
    std::uint64_t store_pulled_keys = 0;
    std::uint64_t store_gaps = 0;
    std::uint64_t store_clock_refusals = 0;
    std::uint64_t store_forgotten = 0;

    [[nodiscard]] std::uint64_t subscriptions() const { return channels + patterns + shard_channels; }
    [[nodiscard]] std::uint64_t closes() const { return gap_closes + slow_closes; }
};

/// The Redis listener of a node.
struct RedisReport {
    std::string listen;
    /// The id of the mesh key behind the digests; empty without digests.
    std::string key = {};
    /// By name.
    std::map<std::string, RedisRealm> realms = {};
};

/// Reads the member "redis" of a status or report.
[[nodiscard]] RedisReport redis_report_of(const boost::json::object& redis);

/// The numbers of a realm but those of subscriptions, by their names in JSON.
[[nodiscard]] const std::vector<std::pair<std::string_view, std::uint64_t RedisRealm::*>>& redis_numbers();

/// The sum of a number over the realms of a node.
template <class Number>
[[nodiscard]] std::uint64_t sum_of_realms(const RedisReport& report, Number number) {
    std::uint64_t sum = 0;
    for (const auto& [name, realm] : report.realms) {
        sum += number(realm);
    }
    return sum;
}

}  // namespace tulle::cli
