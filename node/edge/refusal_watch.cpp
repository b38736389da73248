#include "node/edge/refusal_watch.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "mesh/base/assert.hpp"

namespace tulle::node {

bool RefusalWatch::watch(Whom whom, Duration time, Instant now) {
    const std::lock_guard lock(mutex_);
    std::erase_if(watches_, [&](const Watch& each) { return each.until <= now || each.whom == whom; });
    if (watches_.size() >= kMaxWatches) {
        return false;
    }
    watches_.push_back({std::move(whom), now + std::min(time, kLongest)});
    TULLE_ASSERT(watches_.size() <= kMaxWatches);
    has_watches_.store(true, std::memory_order_relaxed);
    return true;
}

bool RefusalWatch::is_on() const {
    return has_watches_.load(std::memory_order_relaxed) || spdlog::should_log(spdlog::level::debug);
}

bool RefusalWatch::may_write(Instant now) {
    if (second_ == Instant::min() || now - second_ >= 1s) {
        second_ = now;
        lines_ = 0;
    }
    if (lines_ >= kLinesPerSecond) {
        ++dropped_;
        return false;
    }
    ++lines_;
    TULLE_ASSERT(lines_ <= kLinesPerSecond);
    return true;
}

void RefusalWatch::tell(Instant now, std::string_view app, const PeerAddress& address, std::string_view what) {
    std::string line;
    bool is_watched = false;
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(watches_, [now](const Watch& each) { return each.until <= now; });
        has_watches_.store(!watches_.empty(), std::memory_order_relaxed);
        is_watched = std::any_of(watches_.begin(), watches_.end(), [&](const Watch& each) {
            return (each.whom.app.empty() || each.whom.app == app) &&
                   (!each.whom.address || *each.whom.address == address);
        });
        if ((!is_watched && !spdlog::should_log(spdlog::level::debug)) || !may_write(now)) {
            return;
        }
        if (dropped_ > 0) {
            line = "(" + std::to_string(std::exchange(dropped_, 0)) + " refusals before were not told) ";
        }
    }
    line.append("refused ").append(to_string(address));
    line.append(app.empty() ? std::string(" (no app)") : " (app " + std::string(app) + ")");
    line.append(": ").append(what.substr(0, kLineBytes));
    if (is_watched) {
        spdlog::info("{}", line);
        if (events_) {
            events_->add(EventKind::kClient, std::move(line));
        }
    } else {
        spdlog::debug("{}", line);
    }
}

}  // namespace tulle::node
