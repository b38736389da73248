#pragma once

#include "node/core/code_counts.hpp"
#include "node/core/counter.hpp"
#include "node/core/histogram.hpp"

namespace tulle::node {

/// The counters of a listener and its connections, or of the webhooks. A single thread writes, the admin listener's
/// thread reads. Names with `_total` only grow; the others are gauges.
struct ShardCounters {
    /// Open HTTP and WebSocket connections.
    Counter sockets;
    /// Open WebSocket connections.
    Counter clients;
    /// Channels with a subscriber on this shard.
    Counter channels;
    /// Subscriptions on this shard.
    Counter subscriptions;
    Counter accepted_total;
    Counter accept_failures_total;
    Counter clients_opened_total;
    Counter clients_closed_total;
    /// Clients that were told to close, and neither took the word nor answered in time.
    Counter clients_cut_total;
    /// Closed at the opening: unknown app, protocol or path.
    Counter clients_refused_total;
    /// Upgrades answered with an HTTP status instead of 101.
    Counter handshakes_refused_total;
    Counter messages_received_total;
    /// Frames queued for clients.
    Counter messages_sent_total;
    /// Bytes of WebSocket messages.
    Counter bytes_received_total;
    /// Bytes of WebSocket connections that the kernel took.
    Counter bytes_sent_total;
    /// Closed with 4100.
    Counter slow_clients_total;
    /// Closed with 4201.
    Counter pong_timeouts_total;
    /// Closed with 4202.
    Counter idle_closes_total;
    /// Closed with 4001 or 4003 by a change of the apps.
    Counter app_closes_total;
    /// Closed with 4004 at the opening.
    Counter over_quota_total;
    /// Connections and upgrades answered by 503: max_connections, or too little memory.
    Counter full_refusals_total;
    /// HTTP connections that have made way for other connections.
    Counter http_evicted_total;
    /// Closed with 4100 for want of memory.
    Counter shed_clients_total;
    /// The configured max_connections of the node.
    Counter max_connections;
    /// Bytes of the kind of memory that is nearest to its limit; of the node.
    Counter memory_used;
    /// The limit of that kind of memory in bytes.
    Counter memory_limit;
    /// 0: none; 1: no new clients; 2: clients are closed.
    Counter memory_pressure;
    /// Connections closed as soon as accepted, and upgrades answered by 429: too many of an address.
    Counter address_capped_total;
    /// Connections closed because the PROXY protocol was expected and no trusted proxy had sent them.
    Counter proxy_senders_refused_total;
    /// Connections of trusted proxies closed for want of a correct header of the PROXY protocol in time.
    Counter proxy_headers_refused_total;
    /// Upgrades by trusted proxies that named no client's address.
    Counter forwarded_missing_total;
    /// Newcomers of the TLS listener whose handshake is not done.
    Counter tls_handshakes;
    /// TLS handshakes that are done.
    Counter tls_handshakes_total;
    /// Of those handshakes, taken up from an earlier session.
    Counter tls_resumptions_total;
    /// Peers that spoke no TLS, or asked for what the node refuses (a version before 1.2, say).
    Counter tls_handshake_failures_total;
    /// Peers that sent nothing, or did not end the handshake in time.
    Counter tls_handshake_timeouts_total;
    /// Peers that closed the connection before the end of the handshake.
    Counter tls_handshake_departures_total;
    /// Handshakes that the node ended: to make room for others, or because the node goes away.
    Counter tls_handshakes_ended_total;
    /// Answers 429 after too many wrong signatures of an address.
    Counter auth_throttled_total;
    /// Answers 429 to requests of an app beyond its rate.
    Counter rate_limited_total;
    Counter bad_frames_total;
    /// Exceptions that ended the work of a connection, or the handling of a message of the hub.
    Counter failures_total;
    Counter auth_failures_total;
    Counter subscriptions_refused_total;
    /// Clients read no further for a while, because they subscribed too fast.
    Counter subscriptions_paused_total;
    Counter client_events_total;
    Counter client_events_refused_total;
    /// Changes of presence told to the clients of a channel.
    Counter members_added_total;
    Counter members_removed_total;
    /// Sign-ins answered with success.
    Counter signins_total;
    /// Connections closed because the app ended the connections of their user.
    Counter users_ended_total;
    /// Connections closed by order of an operator.
    Counter clients_kicked_total;
    /// New subscribers of cache channels without a last event.
    Counter cache_misses_total;
    Counter events_replayed_total;
    Counter resumes_recovered_total;
    Counter resumes_unrecovered_total;
    /// Frames of tulle:gap that were queued.
    Counter gaps_told_total;
    /// Clients closed with 4200 instead.
    Counter gap_closes_total;
    Counter http_requests_total;
    /// Answers with a status of 400 or more.
    Counter http_errors_total;
    /// Requests that the gate or the parser refused, timeouts included.
    Counter http_refused_total;
    Counter http_publishes_total;
    /// Answers 503: the hub was full or not ready.
    Counter http_publishes_refused_total;
    /// Events that wait for an endpoint or are in flight.
    Counter webhook_queue;
    /// Spans of traced messages that the collector has taken, and those that were lost.
    Counter spans_exported_total;
    Counter spans_dropped_total;
    /// Requests made to endpoints.
    Counter webhook_attempts_total;
    /// Requests to endpoints that were not answered with 2xx.
    Counter webhook_failures_total;
    /// Events that an endpoint has taken.
    Counter webhook_events_total;
    /// Events dropped without an answer, because another node tells the endpoint.
    Counter webhook_handed_on_total;
    /// Events given up: too late, too many, or the endpoint is no longer configured.
    Counter webhook_given_up_total;
    /// Requests to an address that is not allowed.
    Counter webhook_refused_addresses_total;

    /// WebSocket connections that have ended, by the code of the first Close frame, whoever sent the frame.
    CodeCounts<kCloseCodes> closed;
    /// Answers of the public listener by status. A connection that is refused without a look at its request is not
    /// among them.
    CodeCounts<kHttpStatuses> http_responses;
    /// From a whole HTTP request with events to its answer.
    Histogram publish_seconds;
    /// From the numbering of a message to the end of the first write to the sockets of this shard's subscribers, for
    /// messages of this node and of other nodes.
    Histogram delivery_local;
    Histogram delivery_mesh;
    /// From the beginning of a request to an endpoint to its answer or its failure.
    Histogram webhook_seconds;
};

}  // namespace tulle::node
