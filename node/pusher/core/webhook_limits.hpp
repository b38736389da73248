#pragma once

#include <cstddef>
#include <cstdint>

#include "mesh/base/time.hpp"

/// The limits of webhooks and of counting subscriptions, with what happens past each.
namespace tulle::node {

// ---- configuration ----

inline constexpr std::size_t kMaxWebhooks = 16;              ///< of one app; more: configuration error
inline constexpr std::size_t kMaxWebhookUrlBytes = 2048;     ///< what servers take; longer: configuration error
inline constexpr std::size_t kMaxWebhookHeaders = 32;        ///< of one webhook; more: configuration error
inline constexpr std::size_t kMaxWebhookHeaderBytes = 4096;  ///< name and value; longer: configuration error

// ---- what waits for an endpoint ----

/// Events of one endpoint, unless configured otherwise; the next one is given up, and counted.
inline constexpr std::size_t kDefaultWebhookQueueEvents = 10'000;
inline constexpr std::size_t kMaxWebhookQueueEvents = 1'000'000;  ///< the most that may be configured
/// Their bytes, which bound the memory as client events are large; the next event is given up, and counted.
inline constexpr std::size_t kDefaultWebhookQueueBytes = 16u << 20;
inline constexpr std::size_t kMaxWebhookQueueBytes = 1u << 30;  ///< the most that may be configured
/// What clients say (client events, cache misses) may fill this part of both, a half: however much it is, it does not
/// make a backend miss who is there, which it would believe wrongly ever after.
inline constexpr std::size_t kPassingWebhookShare = 2;
/// What clients say is kept where it arose until all endpoints have taken it, in 10,000 places that all apps share. So
/// that an endpoint that fails does not fill these, so much of it as this node tells may wait longer than
/// kWebhookTaskPatience; beyond, the oldest counts as done there, and is lost with this node.
inline constexpr std::size_t kMaxWebhookTasks = 1000;
inline constexpr std::size_t kMaxWebhookTaskBytes = 1u << 20;
/// what endpoints that are well take is surely gone by then
inline constexpr Duration kWebhookTaskPatience = 1s;

// ---- requests ----

inline constexpr Duration kWebhookWindow = 50ms;                ///< in which events are gathered into one request
inline constexpr std::size_t kMaxWebhookBatchEvents = 100;      ///< of one request; the others go into the next
inline constexpr std::size_t kMaxWebhookBatchBytes = 1u << 20;  ///< of one request, or one event that is larger
/// Levels of a value that is sent with its own type (keep_types): with the three around it as many as .NET reads, which
/// of usual readers has the least; Ruby reads 100, Rust 128, PHP 512. A deeper one is sent as a string.
inline constexpr std::size_t kMaxWebhookValueDepth = 61;
inline constexpr std::size_t kMaxWebhookRequests = 20;  ///< in flight, over all endpoints; the others wait
/// Of those, to endpoints that failed the last time: targets that hang leave the others room.
inline constexpr std::size_t kMaxWebhookRetries = 10;
inline constexpr Duration kWebhookRetryMin = 1s;   ///< until the second attempt, doubling …
inline constexpr Duration kWebhookRetryMax = 60s;  ///< … up to this, each give or take a quarter
/// of one attempt, its connecting included; then it has failed
inline constexpr Duration kDefaultWebhookTimeout = 5s;
inline constexpr Duration kMaxWebhookTimeout = 60s;        ///< the most that may be configured
inline constexpr Duration kDefaultWebhookRetryFor = 300s;  ///< an event, as Pusher; then it is given up, and counted
inline constexpr Duration kMaxWebhookRetryFor = 24h;       ///< the most that may be configured
inline constexpr std::size_t kMaxWebhookAnswerBytes = 64u << 10;  ///< read of an answer; then the connection is cut
/// Of a leaving node for what is queued: then others do it. When no other node stays, for all that is left to tell:
/// then it is given up, counted and logged. With the 8.5 s of the slowest clients before and the 5 s of a goodbye after
/// it a stop stays well within the 30 s that orchestrators give.
inline constexpr Duration kWebhookDrainTimeout = 5s;
/// between two attempts then: a backend has eight or nine
inline constexpr Duration kWebhookLastPause = 500ms;

// ---- holds and counts ----

/// How long a channel is vacated, or a user gone, before it is told: dropped when they come back, as Pusher.
inline constexpr Duration kDefaultWebhookHold = 3s;
inline constexpr Duration kMaxWebhookHold = 60s;  ///< the most that may be configured
/// Up to so many subscribers each change of their number is told, as Pusher …
inline constexpr std::uint64_t kEagerSubscribers = 100;
inline constexpr Duration kCountInterval = 5s;  ///< … above, at most once in this time for each channel

}  // namespace tulle::node
