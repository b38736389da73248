#include "node/admin/shard_metrics.hpp"

#include <string>
#include <utility>

namespace tulle::node {
namespace {

// All counters of ShardCounters. The webhooks and the memory watch count in a ShardCounters of their own, so a sum over
// all is the node's number.
constexpr ShardMetric kShardMetrics[] = {
    {"sockets", "Open connections of the public listeners: HTTP, WebSockets, and clients of Redis",
     &ShardCounters::sockets, true},
    {"clients", "Open connections of clients: WebSockets, and clients of Redis", &ShardCounters::clients, true},
    {"shard_channels", "Channels with a subscriber, summed over the shards: a channel counts once on each shard",
     &ShardCounters::channels, true},
    {"subscriptions", "Subscriptions of this node's clients", &ShardCounters::subscriptions, true},
    {"accepted_total", "Connections accepted by the public listeners", &ShardCounters::accepted_total},
    {"accept_failures_total", "Connections that the kernel could not hand over, for want of descriptors as a rule",
     &ShardCounters::accept_failures_total},
    {"clients_opened_total", "Connections of clients that have begun: WebSockets, and clients of Redis",
     &ShardCounters::clients_opened_total},
    {"clients_closed_total", "Connections of clients that have ended; by their code: tulle_connections_closed_total",
     &ShardCounters::clients_closed_total},
    {"clients_cut_total", "Clients cut because they did not take or answer a Close of the node in time",
     &ShardCounters::clients_cut_total},
    {"clients_refused_total",
     "WebSocket connections closed at their opening: unknown or disabled app, wrong path or protocol version",
     &ShardCounters::clients_refused_total},
    {"handshakes_refused_total", "Upgrades to WebSockets answered by an HTTP error instead of 101",
     &ShardCounters::handshakes_refused_total},
    {"messages_received_total", "WebSocket messages received", &ShardCounters::messages_received_total},
    {"messages_sent_total", "Messages queued for clients, one for each client that a message goes to",
     &ShardCounters::messages_sent_total},
    {"received_bytes_total", "Bytes of WebSocket messages received", &ShardCounters::bytes_received_total},
    {"sent_bytes_total", "Bytes of client connections that the kernel has taken", &ShardCounters::bytes_sent_total},
    {"slow_clients_total", "Clients closed with 4100 because they did not take the messages that waited for them",
     &ShardCounters::slow_clients_total},
    {"pong_timeouts_total", "Clients closed with 4201 because they did not answer a ping",
     &ShardCounters::pong_timeouts_total},
    {"idle_closes_total", "Clients closed with 4202 because they had neither a subscription nor a message for a day",
     &ShardCounters::idle_closes_total},
    {"app_closes_total",
     "Clients closed with 4001 or 4003 because their app was removed or disabled while they were connected",
     &ShardCounters::app_closes_total},
    {"over_quota_total", "Clients closed with 4004 at their opening because their app had max_connections already",
     &ShardCounters::over_quota_total},
    {"full_refusals_total", "Connections and upgrades refused because the node had its most, or too little memory",
     &ShardCounters::full_refusals_total},
    {"http_evicted_total", "HTTP connections without a request in work that were closed to make room for new ones",
     &ShardCounters::http_evicted_total},
    {"shed_clients_total", "Clients closed with 4100 for want of memory, those with the most waiting bytes first",
     &ShardCounters::shed_clients_total},
    {"max_connections", "Clients that the node may have (max_connections)", &ShardCounters::max_connections, true},
    {"memory_used_bytes", "Memory used by the node, of the kind (process, control group) that is nearest to its limit",
     &ShardCounters::memory_used, true},
    {"memory_limit_bytes", "The limit of the kind of memory that tulle_memory_used_bytes tells of; 0: no limit",
     &ShardCounters::memory_limit, true},
    {"memory_pressure", "What the node does for want of memory: 0 nothing, 1 takes no new clients, 2 closes clients",
     &ShardCounters::memory_pressure, true},
    {"address_capped_total", "Connections refused because their address had max_connections_per_address already",
     &ShardCounters::address_capped_total},
    {"proxy_senders_refused_total",
     "Connections to a listener with proxy_protocol closed because their sender is not in trusted_proxies",
     &ShardCounters::proxy_senders_refused_total},
    {"proxy_headers_refused_total",
     "Connections of trusted proxies closed because no correct PROXY header came in time",
     &ShardCounters::proxy_headers_refused_total},
    {"forwarded_missing_total", "Upgrades by trusted proxies that named no client's address",
     &ShardCounters::forwarded_missing_total},
    {"tls_handshakes", "Connections of the TLS listener whose handshake is under way", &ShardCounters::tls_handshakes,
     true},
    {"tls_handshakes_total", "TLS handshakes that succeeded", &ShardCounters::tls_handshakes_total},
    {"tls_resumptions_total", "TLS handshakes that took up an earlier session, of tulle_tls_handshakes_total",
     &ShardCounters::tls_resumptions_total},
    {"tls_handshake_failures_total", "TLS handshakes refused: no TLS, a version before 1.2, nothing in common",
     &ShardCounters::tls_handshake_failures_total},
    {"tls_handshake_timeouts_total", "Peers that sent nothing or did not end their TLS handshake in time",
     &ShardCounters::tls_handshake_timeouts_total},
    {"tls_handshake_departures_total", "Peers that left before the end of their TLS handshake",
     &ShardCounters::tls_handshake_departures_total},
    {"tls_handshakes_ended_total", "TLS handshakes that the node ended because it was full or going away",
     &ShardCounters::tls_handshakes_ended_total},
    {"auth_throttled_total",
     "Wrong signatures answered with 429 or not checked because their address had sent too many",
     &ShardCounters::auth_throttled_total},
    {"rate_limited_total", "HTTP requests answered with 429 because their app exceeded its allowance",
     &ShardCounters::rate_limited_total},
    {"bad_frames_total",
     "Messages of clients that the protocol does not allow: broken frames, JSON or UTF-8, too large, too many pieces",
     &ShardCounters::bad_frames_total},
    {"failures_total", "Exceptions (memory, mostly), each of which ended a connection's work",
     &ShardCounters::failures_total},
    {"auth_failures_total", "Wrong signatures of subscriptions and of HTTP requests",
     &ShardCounters::auth_failures_total},
    {"subscriptions_refused_total",
     "Subscriptions refused for another reason than their signature, a wrong name or a full channel for example",
     &ShardCounters::subscriptions_refused_total},
    {"subscriptions_paused_total",
     "Times that a client was not read for a while because it changed its subscriptions too fast",
     &ShardCounters::subscriptions_paused_total},
    {"client_events_total", "Client events accepted for publishing", &ShardCounters::client_events_total},
    {"client_events_refused_total", "Client events refused: not allowed, too many or too large",
     &ShardCounters::client_events_refused_total},
    {"members_added_total", "Users whose coming was told to the clients of a presence channel",
     &ShardCounters::members_added_total},
    {"members_removed_total", "Users whose leaving was told to the clients of a presence channel",
     &ShardCounters::members_removed_total},
    {"signins_total", "Sign-ins of users that succeeded", &ShardCounters::signins_total},
    {"users_ended_total", "Clients closed because the app ended the connections of their user",
     &ShardCounters::users_ended_total},
    {"clients_kicked_total", "Connections closed by order of an operator", &ShardCounters::clients_kicked_total},
    {"events_replayed_total", "Events of a channel's history sent to a new subscriber",
     &ShardCounters::events_replayed_total},
    {"resumes_recovered_total", "Subscribers that came back and were sent all that they had missed",
     &ShardCounters::resumes_recovered_total},
    {"resumes_unrecovered_total", "Subscribers that came back and were told that something they missed cannot be sent",
     &ShardCounters::resumes_unrecovered_total},
    {"cache_misses_total", "New subscribers of cache channels without a last event",
     &ShardCounters::cache_misses_total},
    {"gaps_told_total", "Clients told by tulle:gap that messages for them were lost between nodes",
     &ShardCounters::gaps_told_total},
    {"gap_closes_total",
     "Clients closed with 4200 because messages for them were lost between nodes, as their app wants",
     &ShardCounters::gap_closes_total},
    {"http_requests_total", "HTTP requests of the public listeners, upgrades to WebSockets included",
     &ShardCounters::http_requests_total},
    {"http_errors_total", "HTTP answers of the public listeners with a status of 400 or more",
     &ShardCounters::http_errors_total},
    {"http_refused_total", "HTTP requests refused because they were malformed, too large or too slow",
     &ShardCounters::http_refused_total},
    {"http_publishes_total", "Events that HTTP requests were to publish, refused ones included",
     &ShardCounters::http_publishes_total},
    {"http_publishes_refused_total",
     "HTTP publishes answered with 503: the node was overloaded, not ready or short of memory",
     &ShardCounters::http_publishes_refused_total},
    {"webhook_queue", "Events that wait for the endpoint of a webhook or are on their way to it",
     &ShardCounters::webhook_queue, true},
    {"webhook_attempts_total", "Requests made to the endpoints of webhooks that have ended",
     &ShardCounters::webhook_attempts_total},
    {"webhook_failures_total", "Requests to endpoints of webhooks that were not answered with 2xx",
     &ShardCounters::webhook_failures_total},
    {"webhook_events_total", "Events that the endpoint of a webhook has taken", &ShardCounters::webhook_events_total},
    {"webhook_handed_on_total", "Events for webhooks that another node tells instead of this one",
     &ShardCounters::webhook_handed_on_total},
    {"webhook_given_up_total", "Events lost for a webhook: given up after all attempts, or for want of room",
     &ShardCounters::webhook_given_up_total},
    {"webhook_refused_addresses_total",
     "Requests to endpoints of webhooks not made because their address is not allowed",
     &ShardCounters::webhook_refused_addresses_total},
    {"spans_exported_total", "Spans of traced messages that the collector has taken",
     &ShardCounters::spans_exported_total},
    {"spans_dropped_total", "Spans lost for want of room, or given up as the collector did not take them",
     &ShardCounters::spans_dropped_total},
};

/// The histogram of each shard.
std::vector<const Histogram*> parts_of(const ShardParts& shards, Histogram ShardCounters::*part) {
    std::vector<const Histogram*> parts;
    for (const ShardCounters* shard : shards) {
        parts.push_back(&(shard->*part));
    }
    return parts;
}

/// Adds a value for each code of the set, those that were never counted too: so a rate sees the first count.
template <const auto& kKnown>
void add_codes(prometheus::MetricFamily& target, const ShardParts& shards, CodeCounts<kKnown> ShardCounters::*counts,
               const std::string& label) {
    for (std::size_t i = 0; i < CodeCounts<kKnown>::kSize; ++i) {
        std::uint64_t count = 0;
        for (const ShardCounters* shard : shards) {
            count += (shard->*counts).at(i);
        }
        add(target, static_cast<double>(count), {{label, i < kKnown.size() ? std::to_string(kKnown[i]) : "other"}});
    }
}

void add_durations(const ShardParts& shards, Families& out) {
    prometheus::MetricFamily publish =
        histogram("publish_seconds", "From a whole HTTP request with events to its answer, refusals included");
    add(publish, parts_of(shards, &ShardCounters::publish_seconds));
    out.push_back(std::move(publish));
    prometheus::MetricFamily delivery = histogram(
        "delivery_seconds",
        "From the numbering of a message to the first write to the sockets of its subscribers on a shard here, for "
        "messages of this node (path local) and of other nodes (path mesh, exact to "
        "tulle_mesh_peer_clock_error_seconds)."
        " A sample: the first message of an origin in a millisecond, every 16th of those that follow closer, and each "
        "traced message");
    add(delivery, parts_of(shards, &ShardCounters::delivery_local), {{"path", "local"}});
    add(delivery, parts_of(shards, &ShardCounters::delivery_mesh), {{"path", "mesh"}});
    out.push_back(std::move(delivery));
    prometheus::MetricFamily webhook = histogram(
        "webhook_seconds", "From the beginning of a request to the endpoint of a webhook to its answer or failure");
    add(webhook, parts_of(shards, &ShardCounters::webhook_seconds));
    out.push_back(std::move(webhook));
}

}  // namespace

std::span<const ShardMetric> shard_metrics() {
    return kShardMetrics;
}

std::uint64_t sum_of(const ShardParts& shards, Counter ShardCounters::*counter) {
    std::uint64_t total = 0;
    for (const ShardCounters* shard : shards) {
        total += (shard->*counter).get();
    }
    return total;
}

void add_shards(const ShardParts& shards, Families& out) {
    for (const ShardMetric& metric : kShardMetrics) {
        out.push_back(single(std::string(metric.name), std::string(metric.help),
                             metric.is_gauge ? Kind::kGauge : Kind::kCounter, sum_of(shards, metric.counter)));
    }
    prometheus::MetricFamily closed =
        family("connections_closed_total",
               "WebSocket connections that have ended, by the code of the first Close frame, whichever side sent it. "
               "1005: a Close frame without a code; 1006: no Close frame at all",
               Kind::kCounter);
    add_codes(closed, shards, &ShardCounters::closed, "code");
    out.push_back(std::move(closed));
    prometheus::MetricFamily responses =
        family("http_responses_total",
               "HTTP answers of the public listeners by status; 101 is a WebSocket that has begun", Kind::kCounter);
    add_codes(responses, shards, &ShardCounters::http_responses, "status");
    out.push_back(std::move(responses));
    add_durations(shards, out);
}

}  // namespace tulle::node
