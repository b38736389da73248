#include "node/pusher/core/webhook_queue.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "mesh/base/assert.hpp"
#include "node/pusher/core/webhook_limits.hpp"

namespace tulle::node {

// Each endpoint has a queue of events, in the order of their ids. The first `in_flight` events of the queue are in the
// present request; events behind wait. `next_at` says when the next request may start: at the end of the window that
// gathers events, at the end of a pause after a failure, or never as long as nothing is to be sent. on_deadline()
// starts due requests as far as the limits of requests in flight allow. A request stays in `requests_` until its
// outcome, even if the endpoint was forgotten meanwhile, since the connection still exists.

static_assert(kMaxWebhookRetries < kMaxWebhookRequests, "endpoints that fail leave room for the others");
static_assert(kWebhookRetryMin <= kWebhookRetryMax);
static_assert(kMaxWebhookBatchEvents <= kMaxWebhookQueueEvents && kMaxWebhookBatchBytes <= kMaxWebhookQueueBytes);

Push WebhookQueue::add(Instant now, const EndpointId& endpoint, bool batch, std::uint64_t id, SharedBytes event,
                       Worth worth) {
    Endpoint& target = endpoints_[endpoint];
    TULLE_ASSERT(target.events.empty() || target.events.back().id < id);
    // Passing events may fill a part of the limits alone. The rounding up lets a limit of 1 take a passing event.
    const std::size_t share = worth == Worth::kTruth ? 1 : kPassingWebhookShare;
    if (target.events.size() >= (limits_.events + share - 1) / share ||
        target.bytes + event->size() > limits_.bytes / share) {
        if (target.events.empty()) {
            // The entry was made by the access above; an endpoint without events has no entry.
            endpoints_.erase(endpoint);
        }
        return Push::kRefused;
    }
    const std::size_t bytes = event->size();
    target.events.push_back({.id = id, .event = std::move(event), .since = now});
    target.batch = batch;
    target.bytes += bytes;
    ++size_;
    // Otherwise the outcome of the request, or the end of the pause, starts the next request.
    if (target.failures == 0 && target.in_flight == 0) {
        schedule(now, target);
    }
    return Push::kAccepted;
}

/// REQUIRES: something waits, nothing is in flight, and the last attempt did not fail.
void WebhookQueue::schedule(Instant now, Endpoint& endpoint) const {
    TULLE_ASSERT(!endpoint.events.empty() && endpoint.in_flight == 0 && endpoint.failures == 0);
    // A full batch gains nothing by waiting for the end of the window.
    const bool is_full = endpoint.events.size() >= kMaxWebhookBatchEvents;
    endpoint.next_at = !endpoint.batch || is_full || is_hurried_ ? now : endpoint.events.front().since + kWebhookWindow;
}

Duration WebhookQueue::pause_after(std::size_t failures) {
    TULLE_ASSERT(failures > 0);
    // The bound keeps the shift defined; kWebhookRetryMax is reached long before.
    const std::size_t doublings = std::min<std::size_t>(failures - 1, 16);
    const Duration pause = std::min(kWebhookRetryMin * (1 << doublings), kWebhookRetryMax);
    const auto half = static_cast<std::uint64_t>((pause / 2).count());
    // Between 3/4 and 5/4 of the pause.
    return pause - pause / 4 + Duration(static_cast<Duration::rep>(prng_.below(half)));
}

void WebhookQueue::erase(Endpoint& endpoint, std::deque<Waiting>::iterator event, EventEnd end, QueueEffects& out) {
    out.push_back(EventSettled{event->id, end});
    TULLE_ASSERT(event->event->size() <= endpoint.bytes && size_ > 0);
    endpoint.bytes -= event->event->size();
    endpoint.events.erase(event);
    --size_;
}

void WebhookQueue::on_outcome(Instant now, const EndpointId& id, bool is_taken, QueueEffects& out) {
    const auto flight = requests_.find(id);
    if (flight == requests_.end()) {
        return;
    }
    TULLE_ASSERT(!flight->second || retries_ > 0);
    // The request is over, also if the endpoint was forgotten meanwhile.
    retries_ -= flight->second ? 1u : 0u;
    requests_.erase(flight);
    const auto found = endpoints_.find(id);
    if (found == endpoints_.end()) {
        return;
    }
    Endpoint& endpoint = found->second;
    const std::size_t sent = std::exchange(endpoint.in_flight, 0);
    endpoint.failures = is_taken ? 0 : endpoint.failures + 1;
    // The events of the request stand in front. Kept events move to the front again in their order.
    std::size_t kept = 0;
    for (std::size_t i = 0; i < sent; ++i) {
        const auto event = endpoint.events.begin() + static_cast<std::ptrdiff_t>(kept);
        if (is_taken) {
            erase(endpoint, event, EventEnd::kTaken, out);
        } else if (event->is_dropped) {
            erase(endpoint, event, EventEnd::kDoubtful, out);
        } else if (event->since + limits_.retry_for <= now) {
            erase(endpoint, event, EventEnd::kGivenUp, out);
        } else {
            ++kept;
        }
    }
    if (endpoint.events.empty()) {
        endpoints_.erase(found);
    } else if (is_taken) {
        schedule(now, endpoint);
    } else {
        // The last attempt comes when the oldest event reaches `retry_for`, even if the regular pause is longer: the
        // event is given up only after an attempt at that age.
        const Instant last = std::max(now, endpoint.events.front().since + limits_.retry_for);
        const Duration pause = pause_after(endpoint.failures);
        // The last node repeats soon, a node that hands over repeats nothing, and any other node repeats after the
        // pause.
        endpoint.next_at = is_last_      ? now + std::min(pause, kWebhookLastPause)
                           : is_hurried_ ? Instant::max()
                                         : std::min(now + pause, last);
    }
}

void WebhookQueue::drop(Instant now, const EndpointId& id, std::uint64_t event, QueueEffects& out) {
    const auto found = endpoints_.find(id);
    if (found == endpoints_.end()) {
        return;
    }
    Endpoint& endpoint = found->second;
    // Events are sorted by id, since ids grow.
    const auto at = std::lower_bound(endpoint.events.begin(), endpoint.events.end(), event,
                                     [](const Waiting& waiting, std::uint64_t wanted) { return waiting.id < wanted; });
    if (at == endpoint.events.end() || at->id != event) {
        return;
    }
    // The event is in flight: the outcome of the request decides. After part() no outcome is awaited, and the event
    // settles below.
    if (at - endpoint.events.begin() < static_cast<std::ptrdiff_t>(endpoint.in_flight)) {
        at->is_dropped = true;
        if (!is_parted_) {
            return;
        }
        --endpoint.in_flight;
    }
    erase(endpoint, at, at->was_sent ? EventEnd::kDoubtful : EventEnd::kDropped, out);
    if (endpoint.events.empty()) {
        endpoints_.erase(found);
    } else if (endpoint.failures == 0 && endpoint.in_flight == 0) {
        schedule(now, endpoint);
    }
}

void WebhookQueue::keep_only(const std::function<bool(const EndpointId&)>& exists, QueueEffects& out) {
    for (auto it = endpoints_.begin(); it != endpoints_.end();) {
        if (exists(it->first)) {
            ++it;
            continue;
        }
        // Events in flight are given up, too. The request stays in `requests_` until its outcome.
        while (!it->second.events.empty()) {
            erase(it->second, it->second.events.begin(), EventEnd::kGivenUp, out);
        }
        it = endpoints_.erase(it);
    }
}

void WebhookQueue::hurry() {
    // The last node has nobody to hand over to: speak_last() has said already how to go on.
    if (is_last_) {
        return;
    }
    is_hurried_ = true;
    for (auto& [id, endpoint] : endpoints_) {
        // A failing endpoint is left to the other nodes.
        endpoint.next_at = endpoint.failures == 0 ? Instant::min() : Instant::max();
    }
}

void WebhookQueue::part(QueueEffects& out) {
    is_parted_ = true;
    for (auto it = endpoints_.begin(); it != endpoints_.end();) {
        Endpoint& endpoint = it->second;
        for (std::size_t i = 0; i < endpoint.in_flight;) {
            const auto event = endpoint.events.begin() + static_cast<std::ptrdiff_t>(i);
            if (event->is_dropped) {
                --endpoint.in_flight;
                erase(endpoint, event, EventEnd::kDoubtful, out);
            } else {
                ++i;
            }
        }
        it = endpoint.events.empty() ? endpoints_.erase(it) : std::next(it);
    }
}

void WebhookQueue::speak_last(Instant now) {
    is_hurried_ = true;
    is_last_ = true;
    // Tasks and held changes all come at once now, and a refused event would be lost.
    limits_.events = kMaxWebhookQueueEvents;
    limits_.bytes = kMaxWebhookQueueBytes;
    for (auto& [id, endpoint] : endpoints_) {
        endpoint.next_at = now;
    }
}

bool WebhookQueue::may_start(const Endpoint& endpoint) const {
    return requests_.size() < kMaxWebhookRequests && (endpoint.failures == 0 || retries_ < kMaxWebhookRetries);
}

void WebhookQueue::on_deadline(Instant now, QueueEffects& out) {
    // The requests due longest start first, and equal times go by endpoint, so that the order is deterministic and no
    // endpoint starves.
    std::vector<std::pair<Instant, const EndpointId*>> due;
    for (const auto& [id, endpoint] : endpoints_) {
        if (endpoint.in_flight == 0 && endpoint.next_at <= now && !requests_.contains(id)) {
            due.emplace_back(endpoint.next_at, &id);
        }
    }
    std::sort(due.begin(), due.end(),
              [](const auto& a, const auto& b) { return std::tie(a.first, *a.second) < std::tie(b.first, *b.second); });
    for (const auto& [at, id] : due) {
        Endpoint& endpoint = endpoints_.find(*id)->second;
        if (may_start(endpoint)) {
            start(*id, endpoint, out);
        }
    }
}

void WebhookQueue::start(const EndpointId& id, Endpoint& endpoint, QueueEffects& out) {
    const std::size_t most = endpoint.batch ? kMaxWebhookBatchEvents : 1;
    StartAttempt attempt{id, {}};
    std::size_t bytes = 0;
    for (Waiting& waiting : endpoint.events) {
        // The first event always goes, even if larger than the limit: otherwise the event would never go.
        bytes += waiting.event->size();
        if (attempt.events.size() >= most || (!attempt.events.empty() && bytes > kMaxWebhookBatchBytes)) {
            break;
        }
        attempt.events.push_back(waiting.event);
        waiting.was_sent = true;
    }
    TULLE_ASSERT(endpoint.in_flight == 0 && !attempt.events.empty());
    endpoint.in_flight = attempt.events.size();
    const bool is_retry = endpoint.failures > 0;
    requests_.emplace(id, is_retry);
    retries_ += is_retry ? 1u : 0u;
    out.push_back(std::move(attempt));
}

std::optional<Instant> WebhookQueue::next_deadline() const {
    std::optional<Instant> earliest;
    for (const auto& [id, endpoint] : endpoints_) {
        const bool waits_for_time = endpoint.in_flight == 0 && endpoint.next_at != Instant::max();
        if (waits_for_time && may_start(endpoint) && !requests_.contains(id)) {
            earliest = earliest ? std::min(*earliest, endpoint.next_at) : endpoint.next_at;
        }
    }
    return earliest;
}

bool WebhookQueue::is_done() const {
    return is_hurried_ && requests_.empty() && (is_last_ ? size_ == 0 : !next_deadline());
}

}  // namespace tulle::node
