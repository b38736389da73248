#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace tulle {

enum class Push : bool { kAccepted, kRefused };

/// A bounded queue of values from any number of threads to one.
///
/// Thread:  try_push and push_reserved from any thread; take_all from the owner only.
/// Wake-up: `wake` is called, outside the lock and by the pushing thread, when the queue turns from empty to not empty;
///          it must be cheap and must not throw (an eventfd write).
/// Limits:  `capacity` items by try_push, which refuses beyond it and leaves `item` untouched. push_reserved ignores the
///          capacity: for answers, whose number the questions bound.
template <class T>
class Mailbox {
public:
    Mailbox(std::size_t capacity, std::function<void()> wake) : capacity_(capacity), wake_(std::move(wake)) {}

    [[nodiscard]] Push try_push(T&& item) {
        {
            const std::lock_guard lock(mutex_);
            if (items_.size() >= capacity_) {
                return Push::kRefused;
            }
            items_.push_back(std::move(item));
            if (items_.size() > 1) {
                return Push::kAccepted;
            }
        }
        wake_();
        return Push::kAccepted;
    }

    void push_reserved(T&& item) {
        {
            const std::lock_guard lock(mutex_);
            items_.push_back(std::move(item));
            if (items_.size() > 1) {
                return;
            }
        }
        wake_();
    }

    /// Whether try_push would accept now. Any thread; another may fill the room meanwhile.
    [[nodiscard]] bool has_room() {
        const std::lock_guard lock(mutex_);
        return items_.size() < capacity_;
    }

    /// Replaces `out` by all that is queued, in order. The capacity of `out` is reused.
    void take_all(std::vector<T>& out) {
        out.clear();
        const std::lock_guard lock(mutex_);
        items_.swap(out);
    }

private:
    const std::size_t capacity_;
    const std::function<void()> wake_;
    std::mutex mutex_;
    std::vector<T> items_;
};

}  // namespace tulle
