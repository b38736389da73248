#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/base/time.hpp"

namespace tulle::node {

/// Values that are dealt with after a fixed grace, in the order of their coming.
///
/// Thread: the owner's. Time: `now` must not go backwards.
/// Limits: none of its own; the owner bounds what is put in.
template <class T>
class GraceQueue {
public:
    explicit GraceQueue(Duration grace) : grace_(grace) {}

    /// Returns the time at which the value is due.
    Instant push(Instant now, T value) {
        TULLE_ASSERT(waiting_.empty() || waiting_.back().first <= now + grace_);
        waiting_.emplace_back(now + grace_, std::move(value));
        return waiting_.back().first;
    }
    /// Calls `take` with each value that is due. `take` must not push.
    template <class Take>
    void take_due(Instant now, Take&& take) {
        while (!waiting_.empty() && waiting_.front().first <= now) {
            const T value = std::move(waiting_.front().second);
            waiting_.pop_front();
            take(value);
        }
    }
    /// When the next value is due; nothing for an empty queue.
    [[nodiscard]] std::optional<Instant> next() const {
        return waiting_.empty() ? std::nullopt : std::optional(waiting_.front().first);
    }
    void clear() { waiting_.clear(); }
    [[nodiscard]] std::size_t size() const { return waiting_.size(); }

private:
    const Duration grace_;
    std::deque<std::pair<Instant, T>> waiting_;
};

}  // namespace tulle::node
