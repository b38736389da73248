#include "node/edge/event_log.hpp"

#include <algorithm>

#include "mesh/base/utf8.hpp"
#include "node/edge/clock.hpp"

namespace tulle::node {

void EventLog::add(EventKind kind, std::string text) {
    const Instant now = monotonic_now();
    const std::lock_guard lock(mutex_);
    Span& span = spans_[static_cast<std::size_t>(kind)];
    if (span.begin == Instant::min() || now - span.begin >= kSpan) {
        if (span.left_out > 0) {
            text += " (" + std::to_string(span.left_out) + " events of this kind were left out before)";
        }
        span = {now, 0, 0};
    }
    if (span.events >= kEventsPerKind) {
        ++span.left_out;
        return;
    }
    ++span.events;
    if (text.size() > kTextBytes) {
        text.resize(kTextBytes);
        // A character that was cut goes as a whole: it has four bytes at most.
        for (int i = 0; i < 3 && !is_utf8(text); ++i) {
            text.pop_back();
        }
    }
    events_.push_back({++last_, wall_ms(), kind, std::move(text)});
    if (events_.size() > kEvents) {
        events_.pop_front();
    }
    if (is_followed_ && wake_) {
        wake_();
    }
}

EventLog::Page EventLog::read(std::uint64_t since, std::size_t limit, std::optional<EventKind> kind) const {
    const std::lock_guard lock(mutex_);
    const std::uint64_t from = since > last_ ? 0 : since;
    Page page{.events = {}, .next = last_, .lost = 0};
    if (!events_.empty() && events_.front().seq > from + 1) {
        page.lost = events_.front().seq - from - 1;
    }
    auto event = std::upper_bound(events_.begin(), events_.end(), from,
                                  [](std::uint64_t seq, const NodeEvent& each) { return seq < each.seq; });
    for (; event != events_.end(); ++event) {
        if (kind && event->kind != *kind) {
            continue;
        }
        if (page.events.size() == limit) {
            // The last event of the page: the next question begins behind that event.
            page.next = page.events.empty() ? from : page.events.back().seq;
            break;
        }
        page.events.push_back(*event);
    }
    return page;
}

std::uint64_t EventLog::last() const {
    const std::lock_guard lock(mutex_);
    return last_;
}

void EventLog::set_followed(bool is_followed) {
    const std::lock_guard lock(mutex_);
    is_followed_ = is_followed;
}

}  // namespace tulle::node
