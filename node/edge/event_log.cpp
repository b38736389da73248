#include "node/edge/event_log.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "mesh/base/utf8.hpp"
#include "node/edge/clock.hpp"

namespace tulle::node {

void EventLog::add(EventKind kind, std::string text, Instant now) {
    const std::lock_guard lock(mutex_);
    Span& span = spans_[static_cast<std::size_t>(kind)];
    if (span.begin == Instant::min() || now - span.begin >= kSpan) {
        if (span.left_out > 0) {
            text = "(" + std::to_string(span.left_out) + " events of this kind were left out before) " + text;
        }
        span = {now, 0, 0};
    }
    if (span.events >= kEventsPerKind) {
        ++span.left_out;
        return;
    }
    ++span.events;
    // What a stranger has sent may be in a text, and JSON is UTF-8.
    make_utf8(text);
    if (text.size() > kTextBytes) {
        text.resize(kTextBytes);
        // A character that was cut goes as a whole: it has four bytes at most.
        for (int i = 0; i < 3 && !is_utf8(text); ++i) {
            text.pop_back();
        }
    }
    make_room(kind);
    events_.push_back({++last_, wall_ms(), kind, std::move(text)});
    ++kept_[static_cast<std::size_t>(kind)];
    TULLE_ASSERT(events_.size() <= kEvents && events_.back().seq == last_);
    if (is_followed_ && wake_) {
        wake_();
    }
}

void EventLog::make_room(EventKind kind) {
    const bool is_full_of_kind = kept_[static_cast<std::size_t>(kind)] >= kEventsPerKind;
    if (!is_full_of_kind && events_.size() < kEvents) {
        return;
    }
    // The oldest event, or the oldest of a kind that has its share.
    const auto oldest = std::find_if(events_.begin(), events_.end(),
                                     [&](const NodeEvent& event) { return !is_full_of_kind || event.kind == kind; });
    TULLE_ASSERT(oldest != events_.end());
    --kept_[static_cast<std::size_t>(oldest->kind)];
    events_.erase(oldest);
}

EventLog::Page EventLog::read(std::uint64_t since, std::size_t limit, std::optional<EventKind> kind) const {
    TULLE_ASSERT(limit > 0);
    const std::lock_guard lock(mutex_);
    const std::uint64_t from = since > last_ ? 0 : since;
    auto event = std::upper_bound(events_.begin(), events_.end(), from,
                                  [](std::uint64_t seq, const NodeEvent& each) { return seq < each.seq; });
    const auto there = static_cast<std::uint64_t>(events_.end() - event);
    Page page{.events = {}, .next = last_, .lost = last_ - from - there};
    for (; event != events_.end(); ++event) {
        if (kind && event->kind != *kind) {
            continue;
        }
        if (page.events.size() == limit) {
            // The last event of the page: the next question begins behind that event.
            page.next = page.events.back().seq;
            break;
        }
        page.events.push_back(*event);
    }
    return page;
}

std::vector<NodeEvent> EventLog::latest(std::size_t limit, std::optional<EventKind> kind) const {
    std::vector<NodeEvent> found;
    const std::lock_guard lock(mutex_);
    for (auto event = events_.rbegin(); event != events_.rend() && found.size() < limit; ++event) {
        if (!kind || event->kind == *kind) {
            found.push_back(*event);
        }
    }
    TULLE_ASSERT(found.size() <= limit);
    std::reverse(found.begin(), found.end());
    return found;
}

std::uint64_t EventLog::last() const {
    const std::lock_guard lock(mutex_);
    return last_;
}

void EventLog::on_add(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
}

void EventLog::set_followed(bool is_followed) {
    const std::lock_guard lock(mutex_);
    is_followed_ = is_followed;
}

}  // namespace tulle::node
