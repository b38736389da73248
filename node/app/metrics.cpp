#include "node/app/metrics.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace tulle::node {
namespace {

struct ShardMetric {
    std::string_view name;
    std::string_view help;
    Counter ShardCounters::* counter;
    bool is_gauge = false;
};

constexpr ShardMetric kShardMetrics[] = {
    {"sockets", "Open sockets of the public listener", &ShardCounters::sockets, true},
    {"clients", "Open WebSocket connections", &ShardCounters::clients, true},
    {"shard_channels", "Channels with a subscriber, summed over the shards", &ShardCounters::channels, true},
    {"subscriptions", "Subscriptions of this node's clients", &ShardCounters::subscriptions, true},
    {"accepted_total", "Connections accepted", &ShardCounters::accepted_total},
    {"accept_failures_total", "Failed accepts", &ShardCounters::accept_failures_total},
    {"clients_opened_total", "WebSocket connections opened", &ShardCounters::clients_opened_total},
    {"clients_closed_total", "WebSocket connections ended", &ShardCounters::clients_closed_total},
    {"clients_refused_total", "WebSocket connections closed at their opening", &ShardCounters::clients_refused_total},
    {"handshakes_refused_total", "Upgrades answered by an HTTP status", &ShardCounters::handshakes_refused_total},
    {"messages_received_total", "WebSocket messages received", &ShardCounters::messages_received_total},
    {"messages_sent_total", "WebSocket messages queued for clients", &ShardCounters::messages_sent_total},
    {"received_bytes_total", "Bytes of WebSocket messages received", &ShardCounters::bytes_received_total},
    {"sent_bytes_total", "Bytes sent on WebSocket connections", &ShardCounters::bytes_sent_total},
    {"slow_clients_total", "Clients closed because they were too slow", &ShardCounters::slow_clients_total},
    {"pong_timeouts_total", "Clients closed because they stayed silent", &ShardCounters::pong_timeouts_total},
    {"bad_frames_total", "Client messages that were no valid frame", &ShardCounters::bad_frames_total},
    {"auth_failures_total", "Wrong signatures of channels and requests", &ShardCounters::auth_failures_total},
    {"subscriptions_refused_total", "Subscriptions refused otherwise", &ShardCounters::subscriptions_refused_total},
    {"client_events_total", "Client events accepted", &ShardCounters::client_events_total},
    {"client_events_refused_total", "Client events refused", &ShardCounters::client_events_refused_total},
    {"gaps_told_total", "Clients told of messages that could not be delivered", &ShardCounters::gaps_told_total},
    {"http_requests_total", "HTTP requests", &ShardCounters::http_requests_total},
    {"http_errors_total", "HTTP answers with a status from 400", &ShardCounters::http_errors_total},
    {"http_refused_total", "Requests refused as malformed, too large or too slow", &ShardCounters::http_refused_total},
    {"http_publishes_total", "Events published over HTTP", &ShardCounters::http_publishes_total},
    {"http_publishes_refused_total", "Publishes refused by 503", &ShardCounters::http_publishes_refused_total},
};

std::uint64_t sum(const std::vector<const ShardCounters*>& shards, Counter ShardCounters::* counter) {
    std::uint64_t total = 0;
    for (const ShardCounters* shard : shards) {
        total += (shard->*counter).get();
    }
    return total;
}

using Labels = std::vector<prometheus::ClientMetric::Label>;

prometheus::MetricFamily family(std::string name, std::string help, bool is_gauge) {
    prometheus::MetricFamily result;
    result.name = "tulle_" + std::move(name);
    result.help = std::move(help);
    result.type = is_gauge ? prometheus::MetricType::Gauge : prometheus::MetricType::Counter;
    return result;
}

void add(prometheus::MetricFamily& target, double value, Labels labels = {}) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    if (target.type == prometheus::MetricType::Gauge) {
        metric.gauge.value = value;
    } else {
        metric.counter.value = value;
    }
    target.metric.push_back(std::move(metric));
}

prometheus::MetricFamily single(std::string name, std::string help, bool is_gauge, std::uint64_t value) {
    prometheus::MetricFamily result = family(std::move(name), std::move(help), is_gauge);
    add(result, static_cast<double>(value));
    return result;
}

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

std::string mesh_name(const std::string& name, bool is_counter) {
    return (name.starts_with("mesh_") ? "" : "mesh_") + name + (is_counter && !name.ends_with("_total") ? "_total" : "");
}

boost::json::object to_json(const mesh::MemberStatus& member) {
    return {{"name", member.name},
            {"oid", to_hex(member.oid)},
            {"state", member.state},
            {"endpoints", {{"mesh", member.mesh}, {"mesh_data", member.mesh_data}, {"listen", member.listen}}},
            {"version", member.version},
            {"uptime_s", member.uptime_s},
            {"clients", member.clients},
            {"channels", member.channels},
            {"rtt_us", member.rtt_us},
            {"gaps", member.gaps},
            {"repaired", member.repaired},
            {"name_conflict", member.name_conflict}};
}

}  // namespace

std::string render_metrics(const std::vector<const ShardCounters*>& shards, const mesh::NodeStatus* status) {
    std::vector<prometheus::MetricFamily> families;
    prometheus::MetricFamily build = family("build_info", "Version of the program", true);
    add(build, 1, {{"version", TULLE_VERSION}});
    families.push_back(std::move(build));
    for (const ShardMetric& metric : kShardMetrics) {
        families.push_back(single(std::string(metric.name), std::string(metric.help), metric.is_gauge,
                                  sum(shards, metric.counter)));
    }
    if (status != nullptr) {
        families.push_back(single("ready", "Whether the node serves clients", true, status->ready ? 1 : 0));
        families.push_back(single("uptime_seconds", "Since the node started", true, status->self.uptime_s));
        for (const auto& [name, value] : status->counters) {
            families.push_back(single(mesh_name(name, true), "Counted by the mesh", false, value));
        }
        for (const auto& [name, value] : status->gauges) {
            families.push_back(single(mesh_name(name, false), "Told by the mesh", true, value));
        }
        add_members(*status, families);
    }
    return prometheus::TextSerializer{}.Serialize(families);
}

std::string render_status(const mesh::NodeStatus& status, const std::vector<const ShardCounters*>& shards) {
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
    for (const ShardMetric& metric : kShardMetrics) {
        boost::json::object& target = metric.is_gauge ? gauges : counters;
        target[boost::json::string_view(metric.name.data(), metric.name.size())] = sum(shards, metric.counter);
    }
    return boost::json::serialize(boost::json::object{{"self", to_json(status.self)},
                                                      {"members", std::move(members)},
                                                      {"ready", status.ready},
                                                      {"counters", std::move(counters)},
                                                      {"gauges", std::move(gauges)}});
}

}  // namespace tulle::node
