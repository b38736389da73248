#include "node/core/last_events.hpp"

#include <utility>

namespace tulle::node {

void LastEvents::open(std::string_view channel) {
    entries_.try_emplace(std::string(channel));
}

void LastEvents::close(std::string_view channel) {
    if (const auto entry = entries_.find(channel); entry != entries_.end()) {
        entries_.erase(entry);
    }
}

void LastEvents::on_confirmed(std::string_view channel, std::optional<LastEvent> last) {
    const auto entry = entries_.find(channel);
    if (entry == entries_.end() || !last) {
        return;
    }
    entry->second.brought = last->stamp;
    put(entry->second, std::move(*last));
}

void LastEvents::on_found(std::string_view channel, LastEvent event) {
    if (const auto entry = entries_.find(channel); entry != entries_.end()) {
        put(entry->second, std::move(event));
    }
}

void LastEvents::put(Entry& entry, LastEvent event) {
    if (entry.last.stamp < event.stamp) {
        entry.last = std::move(event);
    }
}

bool LastEvents::on_delivered(std::string_view channel, LastEvent event) {
    const auto entry = entries_.find(channel);
    if (entry == entries_.end()) {
        return true;
    }
    if (event.stamp == entry->second.brought) {
        return false;
    }
    put(entry->second, std::move(event));
    return true;
}

SharedBody LastEvents::last(std::string_view channel, Instant now) {
    const auto entry = entries_.find(channel);
    if (entry == entries_.end()) {
        return nullptr;
    }
    if (entry->second.last.until <= now) {
        entry->second.last.body = nullptr;
    }
    return entry->second.last.body;
}

}  // namespace tulle::node
