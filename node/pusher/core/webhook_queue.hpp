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

/// Send these events to the endpoint in one request; on_outcome follows.
struct StartAttempt {
    EndpointId endpoint;
    std::vector<SharedBytes> events;
    friend bool operator==(const StartAttempt&, const StartAttempt&) = default;
};

/// What became of an event of one endpoint.
enum class EventEnd : std::uint8_t {
    kTaken,
    kGivenUp,  ///< too old, too many, or the endpoint is no more
    kDropped,  ///< another node tells it, and no request with it was made here
    /// another node tells it, and a request with it has failed: the endpoint may have taken it all the same
    kDoubtful,
};

struct EventSettled {
    std::uint64_t id = 0;
    EventEnd end = EventEnd::kTaken;
    friend bool operator==(const EventSettled&, const EventSettled&) = default;
};

using QueueEffect = std::variant<StartAttempt, EventSettled>;
using QueueEffects = std::vector<QueueEffect>;

/// What becomes of an endpoint's belief when an event is given up.
enum class Worth : std::uint8_t {
    kTruth,    ///< it stays wrong: who is there, and how many
    kPassing,  ///< nothing: what a client has said
};

struct WebhookQueueLimits {
    Duration retry_for = kDefaultWebhookRetryFor;
    std::size_t events = kDefaultWebhookQueueEvents;  ///< of one endpoint
    std::size_t bytes = kDefaultWebhookQueueBytes;    ///< of one endpoint
};

/// What waits for the endpoints of all apps, and when which request is made.
///
/// One request of an endpoint is in flight at a time, and what failed stays in front: so events of a channel arrive in
/// order. A failed request is repeated with growing pauses; each event is given up when it is older than `retry_for`
/// and an attempt has failed then.
///
/// Thread: confined to its owner.
/// Time:   `now` is an argument and must not go backwards.
/// Order:  run the appended effects in order; `out` is only appended to.
/// Limits: of each endpoint those given, and half of them for what is passing; add refuses beyond. kMaxWebhookRequests
///         in flight, of which kMaxWebhookRetries to endpoints that failed the last time.
/// Errors: none. Outcomes of endpoints that were forgotten settle nothing.
class WebhookQueue {
public:
    WebhookQueue(const WebhookQueueLimits& limits, std::uint64_t seed) : limits_(limits), prng_(seed) {}

    /// Refused: the endpoint has too much waiting, and nothing will come of it. REQUIRES: each id is greater than those
    /// before.
    [[nodiscard]] Push add(Instant now, const EndpointId& endpoint, bool batch, std::uint64_t id, SharedBytes event,
                           Worth worth = Worth::kTruth);
    void on_outcome(Instant now, const EndpointId& endpoint, bool is_taken, QueueEffects& out);
    /// Another node tells this event. What waits goes at once; what is in flight is not repeated.
    void drop(Instant now, const EndpointId& endpoint, std::uint64_t id, QueueEffects& out);
    /// Gives up what waits for endpoints that are no more.
    void keep_only(const std::function<bool(const EndpointId&)>& exists, QueueEffects& out);
    /// The node is leaving: what waits goes out without delay, and nothing is repeated.
    void hurry();
    /// After hurry: the node waits for answers no longer. Of what is dropped, or was, and is in flight nobody knows
    /// what has become.
    void part(QueueEffects& out);
    /// The node is leaving and no other stays: what waits, and what comes, goes out without delay, and is repeated with
    /// short pauses. As much may wait as may be configured at most: it is not there for long.
    void speak_last(Instant now);
    /// Starts what is due.
    void on_deadline(Instant now, QueueEffects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// Events that wait or are in flight.
    [[nodiscard]] std::size_t size() const { return size_; }
    /// After hurry: nothing is in flight, and nothing will be. After speak_last: nothing waits.
    [[nodiscard]] bool is_done() const;

private:
    struct Waiting {
        std::uint64_t id = 0;
        SharedBytes event;
        Instant since{};
        bool was_sent = false;
        bool is_dropped = false;
    };
    struct Endpoint {
        std::deque<Waiting> events;
        std::size_t bytes = 0;
        std::size_t in_flight = 0;  ///< of the events, from the front
        std::size_t failures = 0;   ///< in a row
        bool batch = true;
        Instant next_at = Instant::max();
    };
    using Endpoints = std::map<EndpointId, Endpoint>;

    [[nodiscard]] bool may_start(const Endpoint& endpoint) const;
    [[nodiscard]] Duration pause_after(std::size_t failures);
    void start(const EndpointId& id, Endpoint& endpoint, QueueEffects& out);
    void erase(Endpoint& endpoint, std::deque<Waiting>::iterator event, EventEnd end, QueueEffects& out);
    void schedule(Instant now, Endpoint& endpoint) const;

    WebhookQueueLimits limits_;
    Prng prng_;
    Endpoints endpoints_;  ///< with something waiting
    std::size_t size_ = 0;
    std::map<EndpointId, bool> requests_;  ///< in flight, those of forgotten endpoints included: whether it is a retry
    std::size_t retries_ = 0;              ///< of those
    bool is_hurried_ = false;
    bool is_parted_ = false;
    bool is_last_ = false;
};

}  // namespace tulle::node
