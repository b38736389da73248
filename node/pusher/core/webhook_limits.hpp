#pragma once

#include <cstddef>
#include <cstdint>

#include "mesh/base/time.hpp"

/// The limits of webhooks and of counting subscriptions, each with a reason for the value and with the consequence of
/// exceeding the limit.
namespace tulle::node {

// ---- configuration ----

/// Of a single app; more are a configuration error.
inline constexpr std::size_t kMaxWebhooks = 16;
/// As long as common web servers accept; a longer URL is a configuration error.
inline constexpr std::size_t kMaxWebhookUrlBytes = 2048;
/// Of a single webhook; more are a configuration error.
inline constexpr std::size_t kMaxWebhookHeaders = 32;
/// Name and value together; a longer header is a configuration error.
inline constexpr std::size_t kMaxWebhookHeaderBytes = 4096;

// ---- what waits for an endpoint ----

/// Events waiting for a single endpoint, unless configured otherwise. A further event is given up and counted.
inline constexpr std::size_t kDefaultWebhookQueueEvents = 10'000;
/// The greatest configurable number.
inline constexpr std::size_t kMaxWebhookQueueEvents = 1'000'000;
/// Bytes of the waiting events of a single endpoint, unless configured otherwise. The limit bounds the memory, as
/// client events can be large. A further event is given up and counted.
inline constexpr std::size_t kDefaultWebhookQueueBytes = 16u << 20;
/// The greatest configurable number.
inline constexpr std::size_t kMaxWebhookQueueBytes = 1u << 30;
/// Events caused directly by clients (client events, cache misses) may fill the queue up to a half (1/2) of both
/// limits. So no number of such events makes a backend miss an event about presence or occupancy, after which the
/// backend would hold a wrong belief for ever.
inline constexpr std::size_t kPassingWebhookShare = 2;
/// A client event is kept at the node where it arose until all endpoints have taken it; all apps share 10,000 such
/// places. So that a failing endpoint does not fill the places, only this many events told by this node may wait longer
/// than kWebhookTaskPatience. Beyond, the oldest counts as done at the node where it arose, and is lost if this node
/// dies.
inline constexpr std::size_t kMaxWebhookTasks = 1000;
/// The same limit in bytes.
inline constexpr std::size_t kMaxWebhookTaskBytes = 1u << 20;
/// Events for healthy endpoints are surely taken within this time.
inline constexpr Duration kWebhookTaskPatience = 1s;

// ---- requests ----

/// Events are gathered into a request for this long.
inline constexpr Duration kWebhookWindow = 50ms;
/// Of a single request; further events go into the next request.
inline constexpr std::size_t kMaxWebhookBatchEvents = 100;
/// Of a single request. A larger event goes alone.
inline constexpr std::size_t kMaxWebhookBatchBytes = 1u << 20;
/// Levels of nesting of a value sent with its own type (keep_types). With the three levels around the value the request
/// has as many levels as .NET reads; .NET has the smallest limit of the usual JSON readers (Ruby 100, Rust 128, PHP
/// 512). A deeper value is sent as a string.
inline constexpr std::size_t kMaxWebhookValueDepth = 61;
/// Requests in flight, over all endpoints; further requests wait.
inline constexpr std::size_t kMaxWebhookRequests = 20;
/// Requests in flight to endpoints that failed the last time. Targets that hang so leave room for the others.
inline constexpr std::size_t kMaxWebhookRetries = 10;
/// Pause before the second attempt; each further pause is twice as long …
inline constexpr Duration kWebhookRetryMin = 1s;
/// … up to this pause. Each pause varies by a quarter up or down, so that endpoints do not retry in step.
inline constexpr Duration kWebhookRetryMax = 60s;
/// Of a single attempt, connecting included. The attempt has then failed.
inline constexpr Duration kDefaultWebhookTimeout = 5s;
/// The greatest configurable time.
inline constexpr Duration kMaxWebhookTimeout = 60s;
/// How long delivery of an event is tried, as with Pusher. The event is then given up and counted.
inline constexpr Duration kDefaultWebhookRetryFor = 300s;
/// The greatest configurable time.
inline constexpr Duration kMaxWebhookRetryFor = 24h;
/// Bytes read of an endpoint's answer. The connection is cut when more come.
inline constexpr std::size_t kMaxWebhookAnswerBytes = 64u << 10;
/// Time that a leaving node takes for its queued events; other nodes tell the rest. When no other node stays: time for
/// all events still to be told; the rest is given up, counted and logged. With 8.5 s for the slowest clients before and
/// 5 s for a goodbye after, a stop stays well within the 30 s that orchestrators give.
inline constexpr Duration kWebhookDrainTimeout = 5s;
/// Greatest pause between two attempts of the last node, so that a backend has eight or nine attempts in
/// kWebhookDrainTimeout.
inline constexpr Duration kWebhookLastPause = 500ms;

// ---- holds and counts ----

/// How long a channel stays vacated, or a user gone, before an endpoint is told. Nothing is told when the channel or
/// user comes back within this time, as with Pusher.
inline constexpr Duration kDefaultWebhookHold = 3s;
/// The greatest configurable time.
inline constexpr Duration kMaxWebhookHold = 60s;
/// Up to this many subscribers, each change of their number is told, as with Pusher …
inline constexpr std::uint64_t kEagerSubscribers = 100;
/// … above, a number is told at most once in this time for each channel.
inline constexpr Duration kCountInterval = 5s;

}  // namespace tulle::node
