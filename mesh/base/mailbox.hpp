#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include "mesh/base/assert.hpp"

namespace tulle {

/// The answer of a bounded queue. A refusal is an answer, and never a wait.
enum class Push : bool { kAccepted, kRefused };

/// A bounded queue of values from any number of threads to a single thread.
///
/// A sender with several items in a turn claims a place for each item, and pushes the items together: one lock and at
/// most one wake-up for all.
///
/// Thread:  any thread may call every function except take_all, reserved for the owner.
/// Wake-up: the pushing thread calls `wake` outside the lock when the queue turns from empty to non-empty. `wake` must
///          be cheap and must not throw (an eventfd write).
/// Limits:  try_push and try_claim refuse beyond `capacity` items, claimed items included. A refused item is untouched.
///          push_reserved and claim ignore the capacity; both are for answers, bounded by the number of questions.
template <class T>
class Mailbox {
public:
    /// `capacity` is a number of items. `wake` is called on the pushing threads.
    Mailbox(std::size_t capacity, std::function<void()> wake) : capacity_(capacity), wake_(std::move(wake)) {}

    /// Pushes an item unless the mailbox is full.
    [[nodiscard]] Push try_push(T&& item) {
        if (try_claim() == Push::kRefused) {
            return Push::kRefused;
        }
        push_one(std::move(item));
        return Push::kAccepted;
    }

    /// Pushes an item even when the mailbox is full.
    void push_reserved(T&& item) {
        claim();
        push_one(std::move(item));
    }

    /// Claims a place for one item unless the mailbox is full. After kAccepted the caller must bring the item by
    /// push_claimed.
    [[nodiscard]] Push try_claim() {
        // The counter alone decides, without the lock. Relaxed order is enough, because the lock orders the items
        // themselves.
        std::size_t claimed = claimed_.load(std::memory_order_relaxed);
        while (claimed < capacity_) {
            if (claimed_.compare_exchange_weak(claimed, claimed + 1, std::memory_order_relaxed)) {
                return Push::kAccepted;
            }
        }
        return Push::kRefused;
    }
    /// Claims a place even when the mailbox is full.
    void claim() { claimed_.fetch_add(1, std::memory_order_relaxed); }

    /// Pushes items with claimed places, in order. `items` is empty afterwards and keeps a capacity. The caller must
    /// not push more items than claimed places.
    void push_claimed(std::vector<T>& items) {
        if (items.empty()) {
            return;
        }
        bool was_empty = false;
        {
            const std::lock_guard lock(mutex_);
            was_empty = items_.empty();
            // Swapping hands the receiver's vector back to the sender, so in a steady state nothing is allocated.
            if (was_empty) {
                items_.swap(items);
            } else {
                std::move(items.begin(), items.end(), std::back_inserter(items_));
            }
        }
        items.clear();
        if (was_empty) {
            wake_();
        }
    }

    /// True when try_push would accept at the moment. Another thread may take the place before the caller.
    [[nodiscard]] bool has_room() const { return claimed_.load(std::memory_order_relaxed) < capacity_; }

    /// Replaces `out` by all queued items, in order. The memory of `out` is reused.
    void take_all(std::vector<T>& out) {
        out.clear();
        {
            const std::lock_guard lock(mutex_);
            items_.swap(out);
        }
        // The places are free only after the items are out, so the bound holds at every moment.
        const std::size_t claimed = claimed_.fetch_sub(out.size(), std::memory_order_relaxed);
        TULLE_ASSERT(out.size() <= claimed);
    }

private:
    /// Pushes an item with a claimed place. Wakes outside the lock, because the owner may want the lock at once.
    void push_one(T&& item) {
        {
            const std::lock_guard lock(mutex_);
            items_.push_back(std::move(item));
            if (items_.size() > 1) {
                return;
            }
        }
        wake_();
    }

    const std::size_t capacity_;
    const std::function<void()> wake_;
    /// Queued items and claimed places.
    std::atomic<std::size_t> claimed_{0};
    std::mutex mutex_;
    std::vector<T> items_;
};

}  // namespace tulle
