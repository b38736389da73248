#include "node/admin/metrics.hpp"

#include <cstdint>
#include <utility>

#include <prometheus/text_serializer.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "node/admin/mesh_metrics.hpp"
#include "node/admin/process_metrics.hpp"
#include "node/admin/status_json.hpp"
#include "node/log/logging.hpp"

namespace tulle::node {
namespace {

// The metrics about reading the apps, and the certificates of a node with TLS.
void add_reloads(const ReloadCounters& reloads, Families& out) {
    out.push_back(
        single("config_last_reload_successful",
               "Whether the configuration on disk (apps, mesh keys, admin tokens) could be read the last time",
               Kind::kGauge, reloads.last_successful.get()));
    out.push_back(single("config_reloads_total", "Times that the configuration was read again", Kind::kCounter,
                         reloads.reloads_total.get()));
    out.push_back(single("config_reload_failures_total", "Readings of the configuration of which something was refused",
                         Kind::kCounter, reloads.failures_total.get()));
    out.push_back(single("apps", "Apps that are served", Kind::kGauge, reloads.apps.get()));
    if (reloads.tls_not_after.get() == 0) {
        return;
    }
    out.push_back(single("tls_last_reload_successful",
                         "Whether the certificates as configured now are those that are shown to clients", Kind::kGauge,
                         reloads.tls_last_successful.get()));
    out.push_back(single("tls_reloads_total", "Times that the certificates were read again", Kind::kCounter,
                         reloads.tls_reloads_total.get()));
    out.push_back(single("tls_reload_failures_total", "Readings of the certificates that were refused", Kind::kCounter,
                         reloads.tls_failures_total.get()));
    out.push_back(single("tls_certificate_not_after_seconds",
                         "When the first of the certificates expires, in seconds since 1970", Kind::kGauge,
                         reloads.tls_not_after.get()));
}

// The metrics about the admin listener itself.
void add_admin(const AdminCounters& admin, Families& out) {
    out.push_back(single("admin_pages_refused_total", "Requests to the admin listener that a web page may have made",
                         Kind::kCounter, admin.pages_refused_total.get()));
    out.push_back(single("admin_connections_ended_total", "Admin connections ended to make room for others",
                         Kind::kCounter, admin.connections_ended_total.get()));
    out.push_back(single("admin_questions_refused_total",
                         "Admin requests refused, or answered without the mesh, as too many waited", Kind::kCounter,
                         admin.questions_refused_total.get()));
    out.push_back(single("admin_auth_missing_total", "Admin requests refused because they had no token", Kind::kCounter,
                         admin.auth_missing_total.get()));
    out.push_back(single("admin_auth_failures_total", "Admin requests with a wrong token", Kind::kCounter,
                         admin.auth_failures_total.get()));
    out.push_back(single("admin_auth_throttled_total", "Wrong admin tokens beyond what their address may send",
                         Kind::kCounter, admin.auth_throttled_total.get()));
    out.push_back(single("admin_scope_refused_total", "Admin requests refused because their token lacked the scope",
                         Kind::kCounter, admin.scope_refused_total.get()));
    prometheus::MetricFamily uses =
        family("admin_token_uses_total", "Admin requests by the name of their token", Kind::kCounter);
    for (const auto& [name, count] : admin.token_uses) {
        add(uses, static_cast<double>(count), {{"token", name}});
    }
    // Without tokens there is the name alone.
    out.push_back(std::move(uses));
}

// The metrics of the realms of Redis. A realm's name is plain text (config_redis.cpp), so labels need no care.
void add_redis(const RedisView& redis, Families& out) {
    for (const RedisMetric& metric : redis_metrics()) {
        prometheus::MetricFamily sums = family("redis_" + std::string(metric.name), std::string(metric.help),
                                               metric.is_gauge ? Kind::kGauge : Kind::kCounter);
        for (const RedisRealmView& realm : redis.realms) {
            add(sums, static_cast<double>(sum_of(realm, metric.counter)), {{"realm", realm.name}});
        }
        out.push_back(std::move(sums));
    }
    prometheus::MetricFamily subscriptions =
        family("redis_subscriptions", "Subscriptions of clients of Redis", Kind::kGauge);
    for (const RedisRealmView& realm : redis.realms) {
        for (const RedisSubscriptions& some : redis_subscriptions()) {
            add(subscriptions, static_cast<double>(sum_of(realm, some.counter)),
                {{"realm", realm.name}, {"kind", std::string(some.kind)}});
        }
    }
    out.push_back(std::move(subscriptions));
}

// The metrics of the apps, by label. An app's id is text of the configuration, and the library escapes labels.
void add_apps(const std::vector<AppLabels::Line>& apps, Families& out) {
    prometheus::MetricFamily connections = family(
        "app_connections", "Open WebSocket connections by app: the 50 apps with the most, and other", Kind::kGauge);
    prometheus::MetricFamily received =
        family("app_messages_received_total", "WebSocket messages received of clients, by app as tulle_app_connections",
               Kind::kCounter);
    prometheus::MetricFamily published = family(
        "app_published_total",
        "Events accepted over HTTP and of clients for publishing, by app as tulle_app_connections", Kind::kCounter);
    for (const AppLabels::Line& line : apps) {
        const Labels app = {{"app", line.label}};
        add(connections, static_cast<double>(line.sums.connections), app);
        add(received, static_cast<double>(line.sums.received), app);
        add(published, static_cast<double>(line.sums.published), app);
    }
    // Before the first client and the first publish there are the names alone.
    out.insert(out.end(), {std::move(connections), std::move(received), std::move(published)});
}

}  // namespace

std::string render_metrics(const MetricSources& sources, const std::vector<AppLabels::Line>& apps,
                           const mesh::NodeStatus* status) {
    Families families;
    // The version stands in a label, as usual with Prometheus; the value is always 1.
    prometheus::MetricFamily build = family("build_info", "The version of the program, as a label", Kind::kGauge);
    add(build, 1, {{"version", TULLE_VERSION}});
    families.push_back(std::move(build));
    add_shards(sources.shards, families);
    add_apps(apps, families);
    families.push_back(single("log_dropped_total",
                              "Lines of the log that nobody read in time, or that could not be written", Kind::kCounter,
                              dropped_log_lines()));
    families.push_back(
        single("drain_state",
               "How far the clients of the node are let go: 0 serving, 1 announcing, 2 moving, 3 drained,"
               " 4 leaving",
               Kind::kGauge, static_cast<std::uint64_t>(sources.drain)));
    add_reloads(sources.reloads, families);
    add_admin(sources.admin, families);
    if (sources.redis) {
        add_redis(*sources.redis, families);
    }
    add_process(families);
    // Without the hub's answer the metrics of the mesh are missing; the rest still shows the node's health.
    if (status != nullptr) {
        add_mesh(*status, families);
    }
    return prometheus::TextSerializer{}.Serialize(families);
}

std::string render_status(const mesh::NodeStatus& status, const ShardParts& shards,
                          const std::optional<RedisView>& redis, const NodeFacts& facts) {
    boost::json::array members;
    for (const mesh::MemberStatus& member : status.members) {
        members.push_back(to_json(member));
    }
    boost::json::object counters;
    boost::json::object gauges;
    for (const auto& [name, value] : status.counters) {
        counters[name] = value;
    }
    for (const auto& [name, value] : status.gauges) {
        gauges[name] = value;
    }
    // The shards' counters stand beside the hub's.
    for (const ShardMetric& metric : shard_metrics()) {
        boost::json::object& target = metric.is_gauge ? gauges : counters;
        target[boost::json::string_view(metric.name.data(), metric.name.size())] = sum_of(shards, metric.counter);
    }
    boost::json::object answer{{"self", self_to_json(status)},
                               {"members", std::move(members)},
                               {"ready", status.ready},
                               {"counters", std::move(counters)},
                               {"gauges", std::move(gauges)}};
    add_facts(facts, answer);
    if (redis) {
        answer["redis"] = to_json(*redis);
    }
    return boost::json::serialize(answer);
}

}  // namespace tulle::node
