#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "node/core/counter.hpp"
#include "node/pusher/core/app_sums.hpp"

namespace tulle::node {

/// What an app uses of a shard. The shard's thread writes.
struct AppCounters {
    Counter connections;
    Counter received_total;
    Counter published_total;
};

/// The counters of the apps on a shard.
///
/// Thread: the shard's; add_to from any thread. A lock is held for a new app and for add_to.
/// Limits: the counters of an app stay when the app leaves the configuration, so that no sum ever falls: as many as
///         apps have been used since the start.
/// Errors: of() passes on std::bad_alloc.
class AppBook {
public:
    /// The counters of the app, made at the first call. Valid as long as the book.
    [[nodiscard]] AppCounters& of(std::string_view app_id) {
        // No other thread changes the map, so the shard looks without the lock.
        if (const auto found = apps_.find(app_id); found != apps_.end()) {
            return found->second;
        }
        const std::lock_guard lock(mutex_);
        return apps_[std::string(app_id)];
    }
    /// Adds the counters of this shard to those of others.
    void add_to(AppSumsById& sums) const {
        const std::lock_guard lock(mutex_);
        for (const auto& [app_id, counters] : apps_) {
            AppSums& sum = sums[app_id];
            sum.connections += counters.connections.get();
            sum.received += counters.received_total.get();
            sum.published += counters.published_total.get();
        }
    }

private:
    mutable std::mutex mutex_;
    std::map<std::string, AppCounters, std::less<>> apps_;
};

}  // namespace tulle::node
