#include "tools/cli/doctor_redis.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "tools/cli/doctor_values.hpp"

namespace tulle::cli {
namespace {

constexpr std::string_view kNoSecret = "none";

/// Nodes with a Redis listener, by label.
using Listening = std::map<std::string, const RedisReport*>;

/// True when equal digests of any two nodes mean equal users and secrets.
bool have_common_key(const Listening& nodes) {
    const std::string& key = nodes.begin()->second->key;
    return !key.empty() &&
           std::all_of(nodes.begin(), nodes.end(), [&key](const auto& node) { return node.second->key == key; });
}

/// Judges a realm over the nodes that have it.
void judge_realm(const std::string& name, const Listening& nodes, bool is_comparable, std::vector<Finding>& out) {
    Texts with;
    Texts without;
    std::map<std::string, Texts> users;
    std::map<std::string, Texts> secrets;
    std::map<std::string, Texts> stores;
    for (const auto& [label, report] : nodes) {
        const auto realm = report->realms.find(name);
        if (realm == report->realms.end()) {
            without.push_back(label);
            continue;
        }
        with.push_back(label);
        const RedisRealm& found = realm->second;
        const std::string secret = is_comparable ? found.secret_digest : "some";
        secrets[found.has_secret ? secret : std::string(kNoSecret)].push_back(label);
        users[is_comparable ? found.users_digest : ""].push_back(label);
        stores[std::to_string(found.store_limit)].push_back(label);
    }
    for (const std::string& label : without) {
        out.push_back({Severity::kWrong,
                       "redis-realm",
                       {label},
                       "has no realm '" + name + "' for clients of Redis, unlike " + named(with)});
    }
    judge_values(
        secrets, Severity::kWrong, "redis-secret",
        [&name](const std::string& secret) {
            return secret == kNoSecret ? "has no secret for the realm '" + name + "', unlike "
                                       : "has another secret for the realm '" + name + "' than ";
        },
        out);
    judge_values(
        users, Severity::kWrong, "redis-users",
        [&name](const std::string&) { return "has other users of the realm '" + name + "' than "; }, out);
    judge_values(
        stores, Severity::kWrong, "redis-store",
        [&name](const std::string& limit) {
            return limit == "0" ? "keeps no keys of the realm '" + name + "', unlike "
                                : "has " + limit + " bytes for the keys of the realm '" + name + "', unlike ";
        },
        out);
}

}  // namespace

void judge_redis(const MeshSample& sample, const Labels& labels, std::vector<Finding>& out) {
    Listening nodes;
    std::set<std::string> names;
    bool has_secrets = false;
    for (const auto& [oid, node] : sample.nodes) {
        if (node.redis) {
            nodes.emplace(labels.of(oid), &*node.redis);
            for (const auto& [name, realm] : node.redis->realms) {
                names.insert(name);
                has_secrets = has_secrets || realm.has_secret;
            }
        }
    }
    if (nodes.empty()) {
        return;
    }
    for (const auto& [oid, node] : sample.nodes) {
        if (!node.redis) {
            out.push_back({Severity::kNote,
                           "no-redis",
                           {labels.of(oid)},
                           "has no redis_listen, and " + std::to_string(nodes.size()) +
                               (nodes.size() == 1 ? " other node has" : " other nodes have")});
        }
    }
    const bool is_comparable = have_common_key(nodes);
    for (const std::string& name : names) {
        judge_realm(name, nodes, is_comparable, out);
    }
    if (nodes.size() > 1 && has_secrets && !is_comparable) {
        out.push_back({Severity::kNote,
                       "redis-secrets",
                       {},
                       "users and secrets of the realms of Redis are not compared: not all nodes use one mesh key"});
    }
}

}  // namespace tulle::cli
