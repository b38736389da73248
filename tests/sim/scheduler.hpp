#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::sim {

/// Events of a virtual clock, ordered by (time, serial): two events of the same instant run in the order of their
/// making, so a run is repeatable.
///
/// Thread: one thread.
class Scheduler {
public:
    using Action = std::function<void()>;

    [[nodiscard]] Instant now() const { return now_; }
    /// Events run so far.
    [[nodiscard]] std::uint64_t events() const { return events_; }

    /// Plans an action. A time in the past means: at once, after all events of the present instant.
    void at(Instant when, Action action) { queue_.push({when < now_ ? now_ : when, ++serial_, std::move(action)}); }
    void after(Duration delay, Action action) { at(now_ + delay, std::move(action)); }

    /// Runs all events up to `end`, new events included, and sets the clock to `end`.
    void run_until(Instant end) {
        while (!queue_.empty() && queue_.top().when <= end) {
            // The action may add events, so it must leave the queue before it runs.
            Action action = std::move(const_cast<Event&>(queue_.top()).action);
            now_ = queue_.top().when;
            queue_.pop();
            ++events_;
            action();
        }
        now_ = end;
    }

private:
    /// An entry of the queue. The queue has the greatest entry on top, so the order is reversed.
    struct Event {
        Instant when;
        std::uint64_t serial;
        Action action;
        bool operator<(const Event& other) const {
            return when != other.when ? when > other.when : serial > other.serial;
        }
    };

    std::priority_queue<Event> queue_;
    /// Starts late, so that times before the run are not negative.
    Instant now_{1000s};
    std::uint64_t serial_ = 0;
    std::uint64_t events_ = 0;
};

}  // namespace tulle::sim
