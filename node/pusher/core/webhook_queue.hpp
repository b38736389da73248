#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "mesh/base/bytes.hpp"
#include "mesh/base/mailbox.hpp"
#include "mesh/base/prng.hpp"
#include "mesh/base/time.hpp"
#include "node/pusher/core/webhooks.hpp"

namespace tulle::node {

/// Effect: send these events to the endpoint in a single request. The caller reports the result with on_outcome().
struct StartAttempt {
    EndpointId endpoint;
    std::vector<SharedBytes> events;
    friend bool operator==(const StartAttempt&, const StartAttempt&) = default;
};

/// The fate of an event for an endpoint.
enum class EventEnd : std::uint8_t {
    /// The endpoint has answered with success.
    kTaken,
    /// Nobody tells the event any more: too old, too many events waiting, or the endpoint is no longer configured.
    kGivenUp,
    /// Another node tells the event, and this node has made no request with it.
    kDropped,
    /// Another node tells the event, and a request with the event has failed here: the endpoint may have taken the
    /// event all the same.
    kDoubtful,
};

/// Effect: the event with this `id` waits no longer.
struct EventSettled {
    std::uint64_t id = 0;
    EventEnd end = EventEnd::kTaken;
    friend bool operator==(const EventSettled&, const EventSettled&) = default;
};

using QueueEffect = std::variant<StartAttempt, EventSettled>;
using QueueEffects = std::vector<QueueEffect>;

/// The consequence for an endpoint's belief when an event is given up.
enum class Worth : std::uint8_t {
    /// The belief stays wrong: the event says who is there, or how many.
    kTruth,
    /// No consequence: the event is about a single message or subscription of a client.
    kPassing,
};

/// The limits of the queue, as configured.
struct WebhookQueueLimits {
    /// Age at which an event is given up.
    Duration retry_for = kDefaultWebhookRetryFor;
    /// Waiting or in flight, of a single endpoint.
    std::size_t events = kDefaultWebhookQueueEvents;
    /// Of those events, of a single endpoint.
    std::size_t bytes = kDefaultWebhookQueueBytes;
};

/// The events that wait for the endpoints of all apps, and the decision when each request is made.
///
/// A single request of an endpoint is in flight at a time, and failed events stay in front. So events of a channel
/// arrive in order. A failed request is repeated with growing pauses. An event is given up when an attempt fails and
/// the event is older than `retry_for` then.
///
/// Thread: confined to its owner.
/// Time:   `now` is an argument and must not go backwards.
/// Order:  run the appended effects in order; `out` is only appended to.
/// Limits: of each endpoint the given limits. A passing event is refused when the endpoint's queue is half full
///         already. At most kMaxWebhookRequests requests are in flight, at most kMaxWebhookRetries of them to endpoints
///         that failed the last time.
/// Errors: none. The outcome of a request to a forgotten endpoint settles nothing.
class WebhookQueue {
public:
    /// `seed` determines the variation of the pauses between attempts.
    WebhookQueue(const WebhookQueueLimits& limits, std::uint64_t seed) : limits_(limits), prng_(seed) {}

    /// Queues an event, the JSON of a single element of a request's `events`. `batch`: the endpoint takes several
    /// events in a request. Refused: too much waits for the endpoint already; the event is not queued, and no
    /// EventSettled follows. REQUIRES: each id is greater than all ids before.
    [[nodiscard]] Push add(Instant now, const EndpointId& endpoint, bool batch, std::uint64_t id, SharedBytes event,
                           Worth worth = Worth::kTruth);
    /// The result of the StartAttempt to this endpoint. Taken events settle; of a failed request, the events stay for
    /// the next attempt, or settle when dropped or too old.
    void on_outcome(Instant now, const EndpointId& endpoint, bool is_taken, QueueEffects& out);
    /// Another node tells this event. A waiting event settles at once; an event in flight settles with the request and
    /// is not repeated. Does nothing for an unknown event.
    void drop(Instant now, const EndpointId& endpoint, std::uint64_t id, QueueEffects& out);
    /// Gives up the events for endpoints that `exists` denies.
    void keep_only(const std::function<bool(const EndpointId&)>& exists, QueueEffects& out);
    /// The node is leaving, and other nodes stay: waiting events go out without delay, and no failed request is
    /// repeated. Does nothing after speak_last().
    void hurry();
    /// After hurry(): the node waits for answers no longer. Dropped events in flight, present and future, settle at
    /// once as kDoubtful: nobody knows whether the endpoint takes them.
    void part(QueueEffects& out);
    /// The node is leaving and no other node stays: events that wait, and events that come, go out without delay and
    /// are repeated with short pauses. The queue takes as many events as may be configured at most, since the node
    /// lives only kWebhookDrainTimeout longer.
    void speak_last(Instant now);
    /// Starts the requests that are due, the longest due first.
    void on_deadline(Instant now, QueueEffects& out);
    /// When on_deadline() has a request to start; nothing when all endpoints wait for an outcome, for room in flight,
    /// or for events.
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// Events that wait or are in flight.
    [[nodiscard]] std::size_t size() const { return size_; }
    /// After hurry(): no request is in flight and none will follow. After speak_last(): no event waits either.
    [[nodiscard]] bool is_done() const;

private:
    /// An event of an endpoint.
    struct Waiting {
        std::uint64_t id = 0;
        SharedBytes event;
        /// When the event was added.
        Instant since{};
        /// A request with the event has been started.
        bool was_sent = false;
        /// Another node tells the event; a request here is still in flight.
        bool is_dropped = false;
    };
    /// An endpoint with at least a single event.
    struct Endpoint {
        /// In the order of their ids.
        std::deque<Waiting> events;
        /// Sum of the sizes of the events.
        std::size_t bytes = 0;
        /// Number of events in the present request, from the front.
        std::size_t in_flight = 0;
        /// Failed attempts in a row.
        std::size_t failures = 0;
        bool batch = true;
        /// When the next request may start; never as long as nothing is scheduled.
        Instant next_at = Instant::max();
    };
    using Endpoints = std::map<EndpointId, Endpoint>;

    /// True when the limits of requests in flight leave room for a request to this endpoint.
    [[nodiscard]] bool may_start(const Endpoint& endpoint) const;
    /// The pause after this number of failed attempts in a row, varied by a quarter. `failures` > 0.
    [[nodiscard]] Duration pause_after(std::size_t failures);
    /// Starts a request with as many events from the front as fit.
    void start(const EndpointId& id, Endpoint& endpoint, QueueEffects& out);
    /// Settles an event and takes the event out of the queue.
    void erase(Endpoint& endpoint, std::deque<Waiting>::iterator event, EventEnd end, QueueEffects& out);
    /// Sets when the next request may start. REQUIRES: an event waits, nothing is in flight, and the last attempt did
    /// not fail.
    void schedule(Instant now, Endpoint& endpoint) const;

    WebhookQueueLimits limits_;
    Prng prng_;
    /// Endpoints with an event, waiting or in flight.
    Endpoints endpoints_;
    /// Sum over all endpoints.
    std::size_t size_ = 0;
    /// The requests in flight, by endpoint, those to forgotten endpoints included. True: a repeated attempt.
    std::map<EndpointId, bool> requests_;
    /// Number of repeated attempts in `requests_`.
    std::size_t retries_ = 0;
    bool is_hurried_ = false;
    bool is_parted_ = false;
    bool is_last_ = false;
};

}  // namespace tulle::node
