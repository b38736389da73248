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

enum class Push : bool { kAccepted, kRefused };

/// A bounded queue of values from any number of threads to one.
///
/// Who has several things to say in a turn claims a place for each as it comes, and pushes them together: one lock and
/// at most one wake-up for all.
///
/// Thread:  all from any thread but take_all, which is the owner's.
/// Wake-up: `wake` is called, outside the lock and by the pushing thread, when the queue turns from empty to not empty;
///          it must be cheap and must not throw (an eventfd write).
/// Limits:  `capacity` items, claimed ones included, by try_push and try_claim, which refuse beyond it; a refused item
///          is untouched. push_reserved and claim ignore the capacity: for answers, whose number the questions bound.
template <class T>
class Mailbox {
public:
    Mailbox(std::size_t capacity, std::function<void()> wake) : capacity_(capacity), wake_(std::move(wake)) {}

    [[nodiscard]] Push try_push(T&& item) {
        if (try_claim() == Push::kRefused) {
            return Push::kRefused;
        }
        push_one(std::move(item));
        return Push::kAccepted;
    }

    void push_reserved(T&& item) {
        claim();
        push_one(std::move(item));
    }

    /// Accepted: there is a place for one item, which push_claimed must bring.
    [[nodiscard]] Push try_claim() {
        std::size_t claimed = claimed_.load(std::memory_order_relaxed);
        while (claimed < capacity_) {
            if (claimed_.compare_exchange_weak(claimed, claimed + 1, std::memory_order_relaxed)) {
                return Push::kAccepted;
            }
        }
        return Push::kRefused;
    }
    void claim() { claimed_.fetch_add(1, std::memory_order_relaxed); }

    /// As many items as have been claimed and not pushed yet; empty afterwards, its capacity kept.
    void push_claimed(std::vector<T>& items) {
        if (items.empty()) {
            return;
        }
        bool was_empty = false;
        {
            const std::lock_guard lock(mutex_);
            was_empty = items_.empty();
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

    /// Whether try_push would accept now. Another thread may fill the room meanwhile.
    [[nodiscard]] bool has_room() const { return claimed_.load(std::memory_order_relaxed) < capacity_; }

    /// Replaces `out` by all that is queued, in order. The capacity of `out` is reused.
    void take_all(std::vector<T>& out) {
        out.clear();
        {
            const std::lock_guard lock(mutex_);
            items_.swap(out);
        }
        const std::size_t claimed = claimed_.fetch_sub(out.size(), std::memory_order_relaxed);
        TULLE_ASSERT(out.size() <= claimed);
    }

private:
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
    std::atomic<std::size_t> claimed_{0};
    std::mutex mutex_;
    std::vector<T> items_;
};

}  // namespace tulle
