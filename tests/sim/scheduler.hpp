#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::sim {

/// Events of a virtual clock, ordered by (time, serial): two at the same instant run in the order they were made.
class Scheduler {
public:
    using Action = std::function<void()>;

    [[nodiscard]] Instant now() const { return now_; }
    [[nodiscard]] std::uint64_t events() const { return events_; }

    void at(Instant when, Action action) { queue_.push({when < now_ ? now_ : when, ++serial_, std::move(action)}); }
    void after(Duration delay, Action action) { at(now_ + delay, std::move(action)); }

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
    struct Event {
        Instant when;
        std::uint64_t serial;
        Action action;
        bool operator<(const Event& other) const {
            return when != other.when ? when > other.when : serial > other.serial;
        }
    };

    std::priority_queue<Event> queue_;
    Instant now_{1000s};
    std::uint64_t serial_ = 0;
    std::uint64_t events_ = 0;
};

}  // namespace tulle::sim
