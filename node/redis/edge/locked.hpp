#pragma once

#include <mutex>
#include <utility>

namespace tulle::node::redis {

/// A value that several threads use, one at a time.
///
/// Thread: any thread.
template <class Value>
class Locked {
public:
    /// Calls `work(value)` while no other thread is at the value; returns what `work` returns. `work` must be short and
    /// must not come back here.
    template <class Work>
    auto with(Work&& work) {
        const std::lock_guard lock(mutex_);
        return std::forward<Work>(work)(value_);
    }

private:
    std::mutex mutex_;
    Value value_;
};

}  // namespace tulle::node::redis
