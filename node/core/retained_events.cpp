#include "node/core/retained_events.hpp"

#include <utility>

namespace tulle::node {

void RetainedEvents::open(std::string_view channel) {
    entries_.try_emplace(std::string(channel));
}

void RetainedEvents::close(std::string_view channel) {
    if (const auto entry = entries_.find(channel); entry != entries_.end()) {
        entries_.erase(entry);
    }
}

void RetainedEvents::on_confirmed(std::string_view channel, std::optional<RetainedEvent> last) {
    const auto entry = entries_.find(channel);
    // A channel without a last event, or without subscribers by now.
    if (entry == entries_.end() || !last) {
        return;
    }
    entry->second.brought = last->stamp;
    put(entry->second, std::move(*last));
}

void RetainedEvents::on_found(std::string_view channel, RetainedEvent event) {
    if (const auto entry = entries_.find(channel); entry != entries_.end()) {
        put(entry->second, std::move(event));
    }
}

void RetainedEvents::put(Entry& entry, RetainedEvent event) {
    // Delivery and confirmation may cross: the greatest stamp wins, whatever the order of the calls.
    if (entry.last.stamp < event.stamp) {
        entry.last = std::move(event);
    }
}

bool RetainedEvents::on_delivered(std::string_view channel, RetainedEvent event) {
    const auto entry = entries_.find(channel);
    if (entry == entries_.end()) {
        return true;
    }
    // The confirmation has shown this event to the waiting subscribers.
    if (event.stamp == entry->second.brought) {
        return false;
    }
    put(entry->second, std::move(event));
    return true;
}

SharedBody RetainedEvents::last(std::string_view channel, Instant now) {
    const auto entry = entries_.find(channel);
    if (entry == entries_.end()) {
        return nullptr;
    }
    // The body is freed; the stamp stays, so that an older event cannot come back.
    if (entry->second.last.until <= now) {
        entry->second.last.body = nullptr;
    }
    return entry->second.last.body;
}

}  // namespace tulle::node
