#include "node/pusher/core/count_teller.hpp"

#include "node/pusher/core/webhook_limits.hpp"

namespace tulle::node {

void CountTeller::touch(Instant now, const std::string& key, Entry& entry) {
    due_.erase({entry.told_at + kCountInterval, key});
    entry.told_at = now;
    due_.emplace(now + kCountInterval, key);
}

void CountTeller::on_count(Instant now, std::string_view key, std::uint64_t count, std::vector<TellCount>& out) {
    auto found = entries_.find(key);
    const bool is_new = found == entries_.end();
    if (is_new) {
        found = entries_.emplace(std::string(key), Entry{}).first;
    }
    Entry& entry = found->second;
    // The new number replaces a waiting number.
    entry.waiting.reset();
    if (!is_new && count == entry.told) {
        return;
    }
    // A crowded channel was told a moment ago: the number waits for on_deadline().
    if (!is_new && count > kEagerSubscribers && now < entry.told_at + kCountInterval) {
        entry.waiting = count;
        return;
    }
    entry.told = count;
    touch(now, found->first, entry);
    // With no subscriber left nobody is there to be told.
    if (count > 0) {
        out.push_back({found->first, count});
    }
}

void CountTeller::on_deadline(Instant now, std::vector<TellCount>& out) {
    while (!due_.empty() && due_.begin()->first <= now) {
        const auto found = entries_.find(due_.begin()->second);
        Entry& entry = found->second;
        // A waiting number is told and starts a new interval; an entry without a waiting number has served its purpose.
        if (const std::optional<std::uint64_t> waiting = std::exchange(entry.waiting, std::nullopt)) {
            entry.told = *waiting;
            touch(now, found->first, entry);
            out.push_back({found->first, entry.told});
        } else {
            due_.erase(due_.begin());
            entries_.erase(found);
        }
    }
}

std::optional<Instant> CountTeller::next_deadline() const {
    return due_.empty() ? std::nullopt : std::optional(due_.begin()->first);
}

}  // namespace tulle::node
