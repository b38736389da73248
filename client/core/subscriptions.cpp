#include "client/core/subscriptions.hpp"

namespace tulle::client {

bool SubscriptionBook::add(std::string_view channel) {
    // Searching by string_view first saves a copy of the name for a known channel.
    auto it = entries_.find(channel);
    if (it == entries_.end()) {
        it = entries_.emplace(std::string(channel), Entry{}).first;
    }
    return ++it->second.holders == 1;
}

bool SubscriptionBook::remove(std::string_view channel, SubscriptionState& was) {
    const auto it = entries_.find(channel);
    if (it == entries_.end() || --it->second.holders > 0) {
        return false;
    }
    was = it->second.state;
    entries_.erase(it);
    return true;
}

std::optional<SubscriptionState> SubscriptionBook::state(std::string_view channel) const {
    const auto it = entries_.find(channel);
    if (it == entries_.end()) {
        return std::nullopt;
    }
    return it->second.state;
}

void SubscriptionBook::set_state(std::string_view channel, SubscriptionState state) {
    const auto it = entries_.find(channel);
    if (it != entries_.end()) {
        it->second.state = state;
    }
}

void SubscriptionBook::reset() {
    for (auto& [channel, entry] : entries_) {
        entry.state = SubscriptionState::kIdle;
    }
}

std::vector<std::string> SubscriptionBook::channels() const {
    std::vector<std::string> names;
    names.reserve(entries_.size());
    for (const auto& [channel, entry] : entries_) {
        names.push_back(channel);
    }
    return names;
}

}  // namespace tulle::client
