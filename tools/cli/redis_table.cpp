#include "tools/cli/redis_table.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "tools/cli/json_fields.hpp"
#include "tools/cli/text_table.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

/// The nodes of a sample, by name.
std::vector<const NodeReport*> nodes_by_name(const MeshSample& sample) {
    std::vector<const NodeReport*> nodes;
    for (const auto& [oid, node] : sample.nodes) {
        nodes.push_back(&node);
    }
    std::stable_sort(nodes.begin(), nodes.end(),
                     [](const NodeReport* a, const NodeReport* b) { return a->name < b->name; });
    return nodes;
}

json::object redis_realm_to_json(const std::string& name, const RedisRealm& realm) {
    json::object object{
        {"name", name},
        {"has_secret", realm.has_secret},
        {"subscriptions",
         {{"channels", realm.channels}, {"patterns", realm.patterns}, {"shard_channels", realm.shard_channels}}}};
    for (const auto& [key, number] : redis_numbers()) {
        object[json::string_view(key.data(), key.size())] = realm.*number;
    }
    return object;
}

}  // namespace

std::string redis_line(std::string_view status) {
    json::error_code error;
    const json::value value = json::parse({status.data(), status.size()}, error);
    const json::object* redis = error || !value.is_object() ? nullptr : object_field(value.get_object(), "redis");
    if (redis == nullptr) {
        return {};
    }
    const RedisReport report = redis_report_of(*redis);
    const auto sum = [&report](auto number) { return std::to_string(sum_of_realms(report, number)); };
    return "Redis at " + or_dash(report.listen) + ": realms " + std::to_string(report.realms.size()) + ", clients " +
           sum([](const RedisRealm& realm) { return realm.clients; }) + ", subscriptions " +
           sum([](const RedisRealm& realm) { return realm.subscriptions(); }) + ", publishes " +
           sum([](const RedisRealm& realm) { return realm.publishes; }) + ", deliveries " +
           sum([](const RedisRealm& realm) { return realm.deliveries; }) + ", closes " +
           sum([](const RedisRealm& realm) { return realm.closes(); }) + ", keys " +
           sum([](const RedisRealm& realm) { return realm.store_keys; }) + "\n";
}

std::string redis_text(const MeshSample& sample, std::size_t width) {
    std::vector<std::vector<std::string>> rows;
    std::string without;
    for (const NodeReport* node : nodes_by_name(sample)) {
        if (!node->redis) {
            without.append(without.empty() ? "" : ", ").append(or_dash(node->name));
            continue;
        }
        for (const auto& [name, realm] : node->redis->realms) {
            rows.push_back({name, or_dash(node->name), std::to_string(realm.clients),
                            std::to_string(realm.subscriptions()), std::to_string(realm.publishes),
                            std::to_string(realm.deliveries), std::to_string(realm.closes()),
                            realm.store_limit == 0 ? "-" : std::to_string(realm.store_keys)});
        }
    }
    if (rows.empty()) {
        return "no node has redis_listen\n";
    }
    // Rows of a realm keep the order of the nodes.
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.front() < b.front(); });
    rows.insert(rows.begin(),
                {"REALM", "NODE", "CLIENTS", "SUBSCRIPTIONS", "PUBLISHES", "DELIVERIES", "CLOSES", "KEYS"});
    return aligned(rows, width) + (without.empty() ? "" : "without redis_listen: " + without + "\n");
}

std::string redis_json(const MeshSample& sample) {
    json::array nodes;
    for (const NodeReport* node : nodes_by_name(sample)) {
        json::object object{{"name", node->name}};
        if (node->redis) {
            json::array realms;
            for (const auto& [name, realm] : node->redis->realms) {
                realms.push_back(redis_realm_to_json(name, realm));
            }
            object["listen"] = node->redis->listen;
            object["realms"] = std::move(realms);
        }
        nodes.push_back(std::move(object));
    }
    json::array missing;
    for (const std::string& name : absent_nodes(sample)) {
        missing.push_back(json::string(name));
    }
    return json::serialize(json::object{{"nodes", std::move(nodes)}, {"missing", std::move(missing)}});
}

}  // namespace tulle::cli
