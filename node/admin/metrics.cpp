#include "node/admin/metrics.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "mesh/core/session/unmet.hpp"
#include "node/admin/status_json.hpp"
#include "node/log/logging.hpp"

namespace tulle::node {
namespace {

// A counter of the shards as a metric. The name gets the prefix "tulle_".
struct ShardMetric {
    std::string_view name;
    std::string_view help;
    Counter ShardCounters::*counter;
    bool is_gauge = false;
};

// All counters of ShardCounters. The webhooks and the memory watch count in a ShardCounters of their own, so a sum over
// all is the node's number.
constexpr ShardMetric kShardMetrics[] = {
    {"sockets", "Open sockets of the public listener", &ShardCounters::sockets, true},
    {"clients", "Open WebSocket connections", &ShardCounters::clients, true},
    {"shard_channels", "Channels with a subscriber, summed over the shards", &ShardCounters::channels, true},
    {"subscriptions", "Subscriptions of this node's clients", &ShardCounters::subscriptions, true},
    {"accepted_total", "Connections accepted", &ShardCounters::accepted_total},
    {"accept_failures_total", "Failed accepts", &ShardCounters::accept_failures_total},
    {"clients_opened_total", "WebSocket connections opened", &ShardCounters::clients_opened_total},
    {"clients_closed_total", "WebSocket connections ended", &ShardCounters::clients_closed_total},
    {"clients_cut_total", "WebSocket connections cut as their peer did not take or answer a Close",
     &ShardCounters::clients_cut_total},
    {"clients_refused_total", "WebSocket connections closed at their opening", &ShardCounters::clients_refused_total},
    {"handshakes_refused_total", "Upgrades answered by an HTTP status", &ShardCounters::handshakes_refused_total},
    {"messages_received_total", "WebSocket messages received", &ShardCounters::messages_received_total},
    {"messages_sent_total", "WebSocket messages queued for clients", &ShardCounters::messages_sent_total},
    {"received_bytes_total", "Bytes of WebSocket messages received", &ShardCounters::bytes_received_total},
    {"sent_bytes_total", "Bytes sent on WebSocket connections", &ShardCounters::bytes_sent_total},
    {"slow_clients_total", "Clients closed because they were too slow", &ShardCounters::slow_clients_total},
    {"pong_timeouts_total", "Clients closed because they stayed silent", &ShardCounters::pong_timeouts_total},
    {"idle_closes_total", "Clients closed because they were of no use for a day", &ShardCounters::idle_closes_total},
    {"app_closes_total", "Clients closed because their app was removed or disabled", &ShardCounters::app_closes_total},
    {"over_quota_total", "Clients refused because their app had max_connections", &ShardCounters::over_quota_total},
    {"full_refusals_total", "Connections and upgrades refused because the node had its most, or too little memory",
     &ShardCounters::full_refusals_total},
    {"http_evicted_total", "Idle HTTP connections closed to make room for new ones",
     &ShardCounters::http_evicted_total},
    {"shed_clients_total", "Clients closed for want of memory", &ShardCounters::shed_clients_total},
    {"max_connections", "Connections that the public listener may have", &ShardCounters::max_connections, true},
    {"memory_used_bytes", "Memory used, of the kind that is nearest to its limit", &ShardCounters::memory_used, true},
    {"memory_limit_bytes", "The limit of that kind", &ShardCounters::memory_limit, true},
    {"memory_pressure", "0: none; 1: no new clients; 2: clients are closed", &ShardCounters::memory_pressure, true},
    {"address_capped_total", "Connections refused because their address had its most",
     &ShardCounters::address_capped_total},
    {"proxy_senders_refused_total",
     "Connections to a listener with proxy_protocol closed because their sender is not in trusted_proxies",
     &ShardCounters::proxy_senders_refused_total},
    {"proxy_headers_refused_total",
     "Connections of trusted proxies closed because no correct PROXY header came in time",
     &ShardCounters::proxy_headers_refused_total},
    {"forwarded_missing_total", "Upgrades by trusted proxies that named no client's address",
     &ShardCounters::forwarded_missing_total},
    {"tls_handshakes", "Connections of the TLS listener whose handshake is not done", &ShardCounters::tls_handshakes,
     true},
    {"tls_handshakes_total", "TLS handshakes done", &ShardCounters::tls_handshakes_total},
    {"tls_resumptions_total", "Of those handshakes, taken up from an earlier session",
     &ShardCounters::tls_resumptions_total},
    {"tls_handshake_failures_total", "TLS handshakes refused: no TLS, a version before 1.2, nothing in common",
     &ShardCounters::tls_handshake_failures_total},
    {"tls_handshake_timeouts_total", "Peers that sent nothing or did not end their TLS handshake in time",
     &ShardCounters::tls_handshake_timeouts_total},
    {"tls_handshake_departures_total", "Peers that left before the end of their TLS handshake",
     &ShardCounters::tls_handshake_departures_total},
    {"tls_handshakes_ended_total", "TLS handshakes that the node ended, full or going away",
     &ShardCounters::tls_handshakes_ended_total},
    {"auth_throttled_total", "Wrong signatures beyond what their address may send",
     &ShardCounters::auth_throttled_total},
    {"rate_limited_total", "Requests refused because their app exceeded its rate", &ShardCounters::rate_limited_total},
    {"bad_frames_total", "Client messages that were no valid frame", &ShardCounters::bad_frames_total},
    {"failures_total", "Exceptions (memory, mostly), each of which ended a connection's work",
     &ShardCounters::failures_total},
    {"auth_failures_total", "Wrong signatures of channels and requests", &ShardCounters::auth_failures_total},
    {"subscriptions_refused_total", "Subscriptions refused otherwise", &ShardCounters::subscriptions_refused_total},
    {"subscriptions_paused_total",
     "Times that a client was not read for a while because it changed its subscriptions too fast",
     &ShardCounters::subscriptions_paused_total},
    {"client_events_total", "Client events accepted", &ShardCounters::client_events_total},
    {"client_events_refused_total", "Client events refused", &ShardCounters::client_events_refused_total},
    {"members_added_total", "Users whose coming was told to the clients of a presence channel",
     &ShardCounters::members_added_total},
    {"members_removed_total", "Users whose leaving was told so", &ShardCounters::members_removed_total},
    {"signins_total", "Successful sign-ins", &ShardCounters::signins_total},
    {"users_ended_total", "Clients closed because the app ended the connections of their user",
     &ShardCounters::users_ended_total},
    {"cache_misses_total", "New subscribers of cache channels without a last event",
     &ShardCounters::cache_misses_total},
    {"gaps_told_total", "Clients told of messages that could not be delivered", &ShardCounters::gaps_told_total},
    {"gap_closes_total", "Clients closed because messages for them were lost", &ShardCounters::gap_closes_total},
    {"http_requests_total", "HTTP requests", &ShardCounters::http_requests_total},
    {"http_errors_total", "HTTP answers with a status from 400", &ShardCounters::http_errors_total},
    {"http_refused_total", "Requests refused as malformed, too large or too slow", &ShardCounters::http_refused_total},
    {"http_publishes_total", "Events published over HTTP", &ShardCounters::http_publishes_total},
    {"http_publishes_refused_total", "Publishes refused by 503", &ShardCounters::http_publishes_refused_total},
    {"webhook_queue", "Events that wait for an endpoint or are in flight", &ShardCounters::webhook_queue, true},
    {"webhook_attempts_total", "Requests made to endpoints of webhooks", &ShardCounters::webhook_attempts_total},
    {"webhook_failures_total", "Of those requests, not answered with 2xx", &ShardCounters::webhook_failures_total},
    {"webhook_events_total", "Events that an endpoint has taken", &ShardCounters::webhook_events_total},
    {"webhook_handed_on_total", "Events that another node tells instead", &ShardCounters::webhook_handed_on_total},
    {"webhook_given_up_total", "Events that an endpoint was not told of after all",
     &ShardCounters::webhook_given_up_total},
    {"webhook_refused_addresses_total", "Requests to an address that is not allowed",
     &ShardCounters::webhook_refused_addresses_total},
};

// The sum of a counter over the shards. For a gauge of the node such as max_connections only a single ShardCounters
// holds a value.
std::uint64_t sum(const std::vector<const ShardCounters*>& shards, Counter ShardCounters::*counter) {
    std::uint64_t total = 0;
    for (const ShardCounters* shard : shards) {
        total += (shard->*counter).get();
    }
    return total;
}

// The labels of a value.
using Labels = std::vector<prometheus::ClientMetric::Label>;

// A metric without values yet.
prometheus::MetricFamily family(std::string name, std::string help, bool is_gauge) {
    prometheus::MetricFamily result;
    result.name = "tulle_" + std::move(name);
    result.help = std::move(help);
    result.type = is_gauge ? prometheus::MetricType::Gauge : prometheus::MetricType::Counter;
    return result;
}

// Adds a value to a metric.
void add(prometheus::MetricFamily& target, double value, Labels labels = {}) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    // The library keeps a value for each type of metric; the text shows the value of the family's type.
    if (target.type == prometheus::MetricType::Gauge) {
        metric.gauge.value = value;
    } else {
        metric.counter.value = value;
    }
    target.metric.push_back(std::move(metric));
}

// A metric with a single value.
prometheus::MetricFamily single(std::string name, std::string help, bool is_gauge, std::uint64_t value) {
    prometheus::MetricFamily result = family(std::move(name), std::move(help), is_gauge);
    add(result, static_cast<double>(value));
    return result;
}

// The metrics about reading the apps, and the certificates of a node with TLS.
void add_reloads(const ReloadCounters& reloads, std::vector<prometheus::MetricFamily>& out) {
    out.push_back(
        single("config_last_reload_successful",
               "Whether the configuration on disk (apps, mesh keys, admin tokens) could be read the last time", true,
               reloads.last_successful.get()));
    out.push_back(single("config_reloads_total", "Times that the configuration was read again", false,
                         reloads.reloads_total.get()));
    out.push_back(single("config_reload_failures_total", "Of those, refused", false, reloads.failures_total.get()));
    out.push_back(single("apps", "Apps that are served", true, reloads.apps.get()));
    if (reloads.tls_not_after.get() == 0) {
        return;
    }
    out.push_back(single("tls_last_reload_successful",
                         "Whether the certificates as configured now are those that are shown to clients", true,
                         reloads.tls_last_successful.get()));
    out.push_back(single("tls_reloads_total", "Times that the certificates were read again", false,
                         reloads.tls_reloads_total.get()));
    out.push_back(single("tls_reload_failures_total", "Of those, refused", false, reloads.tls_failures_total.get()));
    out.push_back(single("tls_certificate_not_after_seconds",
                         "When the first of the certificates expires, in seconds since 1970", true,
                         reloads.tls_not_after.get()));
}

// The metrics about the admin listener itself.
void add_admin(const AdminCounters& admin, std::vector<prometheus::MetricFamily>& out) {
    out.push_back(single("admin_pages_refused_total", "Requests to the admin listener that a web page may have made",
                         false, admin.pages_refused_total.get()));
    out.push_back(single("admin_connections_ended_total", "Admin connections ended to make room for others", false,
                         admin.connections_ended_total.get()));
    out.push_back(single("admin_questions_refused_total",
                         "Admin requests refused, or answered without the mesh, as too many waited", false,
                         admin.questions_refused_total.get()));
    out.push_back(single("admin_auth_missing_total", "Admin requests refused because they had no token", false,
                         admin.auth_missing_total.get()));
    out.push_back(single("admin_auth_failures_total", "Admin requests with a wrong token", false,
                         admin.auth_failures_total.get()));
    out.push_back(single("admin_auth_throttled_total", "Wrong admin tokens beyond what their address may send", false,
                         admin.auth_throttled_total.get()));
    out.push_back(single("admin_scope_refused_total", "Admin requests refused because their token lacked the scope",
                         false, admin.scope_refused_total.get()));
    prometheus::MetricFamily uses =
        family("admin_token_uses_total", "Admin requests by the name of their token", false);
    for (const auto& [name, count] : admin.token_uses) {
        add(uses, static_cast<double>(count), {{"token", name}});
    }
    // Without tokens there is the name alone.
    out.push_back(std::move(uses));
}

// The metrics of the realms of Redis. A realm's name is plain text (config_redis.cpp), so labels need no care.
void add_redis(const RedisView& redis, std::vector<prometheus::MetricFamily>& out) {
    for (const RedisMetric& metric : redis_metrics()) {
        prometheus::MetricFamily sums =
            family("redis_" + std::string(metric.name), std::string(metric.help), metric.is_gauge);
        for (const RedisRealmView& realm : redis.realms) {
            add(sums, static_cast<double>(sum_of(realm, metric.counter)), {{"realm", realm.name}});
        }
        out.push_back(std::move(sums));
    }
    prometheus::MetricFamily subscriptions = family("redis_subscriptions", "Subscriptions of clients of Redis", true);
    for (const RedisRealmView& realm : redis.realms) {
        for (const RedisSubscriptions& some : redis_subscriptions()) {
            add(subscriptions, static_cast<double>(sum_of(realm, some.counter)),
                {{"realm", realm.name}, {"kind", std::string(some.kind)}});
        }
    }
    out.push_back(std::move(subscriptions));
}

// The metrics for each peer. The oid tells two processes under the same name apart.
void add_members(const mesh::NodeStatus& status, std::vector<prometheus::MetricFamily>& out) {
    prometheus::MetricFamily up = family("mesh_peer_up", "Whether the member is alive for this node", true);
    prometheus::MetricFamily rtt = family("mesh_peer_rtt_seconds", "Smoothed round trip to the member", true);
    prometheus::MetricFamily gaps = family("mesh_peer_gaps_total", "Holes found in what the member sent", false);
    prometheus::MetricFamily repaired = family("mesh_peer_repaired_total", "Of those holes, filled", false);
    for (const mesh::MemberStatus& member : status.members) {
        const Labels peer = {{"peer", member.name}, {"oid", to_hex(member.oid)}};
        add(up, member.state == "alive" ? 1 : 0, peer);
        add(rtt, static_cast<double>(member.rtt_us) / 1e6, peer);
        add(gaps, static_cast<double>(member.gaps), peer);
        add(repaired, static_cast<double>(member.repaired), peer);
    }
    out.insert(out.end(), {std::move(up), std::move(rtt), std::move(gaps), std::move(repaired)});
}

// The configured peers that are not met, by the reason. Every reason has a value, so that alerts find a 0.
void add_unmet(const mesh::NodeStatus& status, std::vector<prometheus::MetricFamily>& out) {
    prometheus::MetricFamily unmet =
        family("mesh_peers_unmet", "Configured peers with which no session stands, by the reason", true);
    for (int reason = 0; reason <= static_cast<int>(mesh::Unmet::kLeft); ++reason) {
        const std::string name = mesh::to_text(static_cast<mesh::Unmet>(reason));
        const auto count = std::count_if(status.seeds.begin(), status.seeds.end(),
                                         [&name](const mesh::SeedStatus& seed) { return seed.reason == name; });
        add(unmet, static_cast<double>(count), {{"reason", name}});
    }
    out.push_back(std::move(unmet));
}

/// Help texts for the hub's counters with a name that does not say everything.
constexpr std::pair<std::string_view, std::string_view> kMeshHelp[] = {
    {"mesh_published", "Messages of this node's clients and backends, numbered here"},
    {"mesh_publish_refused", "Publishes refused: not ready, or too large"},
    {"mesh_records_received", "Records of other nodes that came to their turn here"},
    {"mesh_records_sent", "Records sent, once for each node that they went to"},
    {"mesh_frames_repeated", "Frames sent again on demand"},
    {"mesh_gaps", "Holes found in what other nodes sent, in frames"},
    {"mesh_gaps_repaired", "Of those holes, filled by the link"},
    {"mesh_records_gone", "Records that this node no longer had when a link came to them"},
    {"mesh_duplicates_dropped", "Frames and records that came more than once"},
    {"mesh_barrier_waits", "Subscriptions that waited for the other nodes to know of them"},
    {"mesh_digest_mismatches", "Times that a node's interest was held wrongly, and fetched anew"},
    {"mesh_data_redials", "Data paths dialled again because they were silent"},
    {"mesh_late_turns", "Turns of the hub that came more than 100 ms late"},
    {"mesh_sleeps", "Turns of the hub that came more than 500 ms late"},
    {"mesh_relayed", "Messages passed on round a one-way link of others"},
    {"mesh_filled_in", "Records of dead nodes that survivors filled in here"},
    {"mesh_suspicions", "Nodes not heard for a second"},
    {"mesh_false_suspicions", "Of those nodes, heard again"},
    {"mesh_deaths", "Nodes taken for dead"},
    {"mesh_reconnects", "Connections that broke and came back in the same session"},
    {"mesh_sessions", "Sessions begun with other nodes"},
    {"mesh_newcomers_refused", "Nodes turned away: other cluster, protocol or a name that is held"},
    {"mesh_stale_messages", "Messages of ended sessions and earlier processes"},
    {"mesh_malformed_messages", "Messages that could not be read"},
    {"mesh_unknown_messages", "Messages of a kind that this version does not know, skipped: a newer node sent them"},
    {"mesh_unknown_fields", "Fields of messages that this version does not know, skipped: a newer node sent them"},
    {"mesh_protocol", "Version of the mesh protocol that this node and all that it has a session with speak"},
    {"mesh_control_unsent", "Control messages dropped because the connection was down or full"},
    {"mesh_connections_put_off", "Connections to other nodes put off: no descriptors left, or too many at once"},
    {"mesh_inbound_refused", "Connections to the mesh ports that did not speak the nodes' protocol, and were ended"},
    {"mesh_keys_unknown", "Connections to the mesh ports refused because their key is not among this node's keys"},
    {"mesh_keys_refused", "Connections to other nodes that failed for a key: theirs or ours is not known"},
    {"mesh_inbound_cut", "Connections to the mesh ports ended: too many at once, or subscribed to what no node does"},
    {"mesh_shard_mailbox_losses", "Messages that a shard was too slow to take"},
};

// The help text of a metric of the mesh; `otherwise` for a name without a text.
std::string mesh_help(const std::string& name, std::string_view otherwise) {
    const auto known = std::find_if(std::begin(kMeshHelp), std::end(kMeshHelp),
                                    [&name](const auto& entry) { return entry.first == name; });
    return std::string(known == std::end(kMeshHelp) ? otherwise : known->second);
}

// The metric's name for a counter of the hub: with the prefix of the mesh, and with Prometheus' suffix for counters.
std::string mesh_name(const std::string& name, bool is_counter) {
    return (name.starts_with("mesh_") ? "" : "mesh_") + name +
           (is_counter && !name.ends_with("_total") ? "_total" : "");
}

}  // namespace

std::string render_metrics(const std::vector<const ShardCounters*>& shards, const ReloadCounters& reloads,
                           const AdminCounters& admin, const std::optional<RedisView>& redis,
                           const mesh::NodeStatus* status, DrainState drain) {
    std::vector<prometheus::MetricFamily> families;
    // The version stands in a label, as usual with Prometheus; the value is always 1.
    prometheus::MetricFamily build = family("build_info", "Version of the program", true);
    add(build, 1, {{"version", TULLE_VERSION}});
    families.push_back(std::move(build));
    for (const ShardMetric& metric : kShardMetrics) {
        families.push_back(
            single(std::string(metric.name), std::string(metric.help), metric.is_gauge, sum(shards, metric.counter)));
    }
    families.push_back(single("log_dropped_total",
                              "Lines of the log that nobody read in time, or that could not be written", false,
                              dropped_log_lines()));
    families.push_back(
        single("drain_state",
               "How far the clients of the node are let go: 0 serving, 1 announcing, 2 moving, 3 drained,"
               " 4 leaving",
               true, static_cast<std::uint64_t>(drain)));
    add_reloads(reloads, families);
    add_admin(admin, families);
    if (redis) {
        add_redis(*redis, families);
    }
    // Without the hub's answer the metrics of the mesh are missing; the rest still shows the node's health.
    if (status != nullptr) {
        families.push_back(single("ready", "Whether the node serves clients", true, status->ready ? 1 : 0));
        families.push_back(single("uptime_seconds", "Since the node started", true, status->self.uptime_s));
        // The hub names its counters itself, so a further counter of the mesh needs no change here.
        for (const auto& [name, value] : status->counters) {
            families.push_back(single(mesh_name(name, true), mesh_help(name, "Counted by the mesh"), false, value));
        }
        for (const auto& [name, value] : status->gauges) {
            families.push_back(single(mesh_name(name, false), mesh_help(name, "Told by the mesh"), true, value));
        }
        families.push_back(single("mesh_peers_configured", "Endpoints to find other nodes at, but for this node's own",
                                  true, status->configured));
        families.push_back(
            single("mesh_peers_met", "Of those endpoints, where a node has been met", true, status->met));
        add_unmet(*status, families);
        add_members(*status, families);
    }
    return prometheus::TextSerializer{}.Serialize(families);
}

std::string render_status(const mesh::NodeStatus& status, const std::vector<const ShardCounters*>& shards,
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
    for (const ShardMetric& metric : kShardMetrics) {
        boost::json::object& target = metric.is_gauge ? gauges : counters;
        target[boost::json::string_view(metric.name.data(), metric.name.size())] = sum(shards, metric.counter);
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
