#include "node/redis/core/realm_table.hpp"

#include <utility>
#include <variant>

#include "mesh/base/assert.hpp"

namespace tulle::node::redis {

bool RealmTable::add(Kind kind, Slot slot, std::string_view name) {
    ChannelTable& table = of(kind);
    const std::size_t before = table.channels_of(slot);
    effects_.clear();
    table.subscribe(slot, name, {}, effects_);
    // The first subscriber opens the channel. The whole mesh knows the realm's interest already, so the channel is
    // confirmed here and now.
    if (const auto* first = effects_.empty() ? nullptr : std::get_if<SubscribeHub>(&effects_.front())) {
        const std::uint64_t generation = first->generation;
        table.on_subscribed(name, generation, effects_);
    }
    follow(kind);
    return table.channels_of(slot) > before;
}

bool RealmTable::remove(Kind kind, Slot slot, std::string_view name) {
    ChannelTable& table = of(kind);
    const std::size_t before = table.channels_of(slot);
    effects_.clear();
    table.unsubscribe(slot, name, effects_);
    follow(kind);
    return table.channels_of(slot) < before;
}

std::array<std::vector<std::string>, kKinds> RealmTable::remove_all(Slot slot) {
    std::array<std::vector<std::string>, kKinds> names;
    for (std::size_t i = 0; i < kKinds; ++i) {
        const Kind kind = static_cast<Kind>(i);
        names[i] = names_of(kind, slot);
        effects_.clear();
        of(kind).remove(slot, effects_);
        follow(kind);
    }
    return names;
}

std::vector<std::string> RealmTable::names_of(Kind kind, Slot slot) const {
    const std::vector<std::string_view> keys = of(kind).keys_of(slot);
    return {keys.begin(), keys.end()};
}

std::size_t RealmTable::subscriptions() const {
    std::size_t sum = 0;
    for (const ChannelTable& table : tables_) {
        sum += table.subscriptions();
    }
    return sum;
}

std::size_t RealmTable::names() const {
    std::size_t sum = 0;
    for (const ChannelTable& table : tables_) {
        sum += table.size();
    }
    return sum;
}

void RealmTable::follow(Kind kind) {
    if (kind != Kind::kPattern) {
        return;
    }
    for (const ChannelEffect& effect : effects_) {
        if (const auto* first = std::get_if<SubscribeHub>(&effect)) {
            pattern_places_.emplace(first->channel, patterns_.size());
            patterns_.push_back(first->channel);
        } else if (const auto* last = std::get_if<UnsubscribeHub>(&effect)) {
            const auto entry = pattern_places_.find(last->channel);
            TULLE_ASSERT(entry != pattern_places_.end());
            const std::size_t place = entry->second;
            pattern_places_.erase(entry);
            // The last pattern takes the free place.
            if (place + 1 != patterns_.size()) {
                patterns_[place] = std::move(patterns_.back());
                pattern_places_.find(patterns_[place])->second = place;
            }
            patterns_.pop_back();
        }
    }
}

}  // namespace tulle::node::redis
