#pragma once

#include <atomic>
#include <cstdint>

namespace tulle::node {

/// A number that one thread counts and any thread reads.
class Counter {
public:
    void add(std::uint64_t n = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    void sub(std::uint64_t n = 1) {
        value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
    }
    void set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// What one listener and its connections count, or the webhooks. Written by their thread, read by the admin listener's.
struct ShardCounters {
    Counter sockets;        ///< open now, HTTP and WebSocket
    Counter clients;        ///< WebSocket connections open now
    Counter channels;       ///< with a subscriber on this shard, now
    Counter subscriptions;  ///< now
    Counter accepted_total;
    Counter accept_failures_total;
    Counter clients_opened_total;
    Counter clients_closed_total;
    Counter clients_cut_total;         ///< told to close, and neither took that nor answered in time
    Counter clients_refused_total;     ///< closed at the opening: unknown app, protocol, path
    Counter handshakes_refused_total;  ///< answered with an HTTP status instead of 101
    Counter messages_received_total;
    Counter messages_sent_total;   ///< frames queued for clients
    Counter bytes_received_total;  ///< of WebSocket messages
    Counter bytes_sent_total;      ///< by WebSocket connections, as the kernel took them
    Counter slow_clients_total;    ///< closed with 4100
    Counter pong_timeouts_total;   ///< closed with 4201
    Counter idle_closes_total;     ///< closed with 4202
    Counter app_closes_total;      ///< closed with 4001 or 4003 by a change of the apps
    Counter over_quota_total;      ///< closed with 4004 at the opening
    /// connections and upgrades answered by 503: max_connections, or too little memory
    Counter full_refusals_total;
    Counter http_evicted_total;    ///< HTTP connections that have made way for others
    Counter shed_clients_total;    ///< closed with 4100 for want of memory
    Counter max_connections;       ///< as configured; of the node
    Counter memory_used;           ///< bytes, of the kind that is nearest to its limit; of the node
    Counter memory_limit;          ///< bytes, of that kind
    Counter memory_pressure;       ///< 0 none, 1 no new clients, 2 clients are closed
    Counter address_capped_total;  ///< connections closed as soon as accepted: too many of one address
    Counter auth_throttled_total;  ///< 429 after too many wrong signatures of one address
    Counter rate_limited_total;    ///< 429 to requests of an app beyond its rate
    Counter bad_frames_total;
    Counter failures_total;  ///< exceptions that ended the work of a connection, or a message's of the hub
    Counter auth_failures_total;
    Counter subscriptions_refused_total;
    Counter subscriptions_paused_total;  ///< clients read no further for a while, as they subscribed too fast
    Counter client_events_total;
    Counter client_events_refused_total;
    Counter members_added_total;  ///< changes of presence told to the clients of a channel
    Counter members_removed_total;
    Counter signins_total;       ///< answered with success
    Counter users_ended_total;   ///< connections closed because the app ended those of their user
    Counter cache_misses_total;  ///< new subscribers of cache channels that had no last event
    Counter gaps_told_total;     ///< tulle:gap frames queued
    Counter gap_closes_total;    ///< closed with 4200 instead
    Counter http_requests_total;
    Counter http_errors_total;   ///< answers with a status of 400 or more
    Counter http_refused_total;  ///< requests that the gate or the parser refused, timeouts included
    Counter http_publishes_total;
    Counter http_publishes_refused_total;     ///< 503: the hub was full or not ready
    Counter webhook_queue;                    ///< events that wait for an endpoint or are in flight, now
    Counter webhook_attempts_total;           ///< requests made
    Counter webhook_failures_total;           ///< of those, not answered with 2xx
    Counter webhook_events_total;             ///< events that an endpoint has taken
    Counter webhook_handed_on_total;          ///< events dropped unanswered, as another node tells them
    Counter webhook_given_up_total;           ///< events that an endpoint has not: too late, too many, or it is no more
    Counter webhook_refused_addresses_total;  ///< requests whose target had an address that is not allowed
};

}  // namespace tulle::node
