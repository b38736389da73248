#include "node/redis/core/realm_table.hpp"

#include <memory>
#include <utility>
#include <variant>

#include "mesh/base/assert.hpp"

namespace tulle::node::redis {

bool RealmTable::holds(Kind kind, Slot slot, std::string_view name) const {
    return of(kind).is_confirmed(slot, name);
}

void RealmTable::add(Kind kind, Slot slot, std::string_view name) {
    TULLE_ASSERT(!holds(kind, slot, name));
    // A pattern comes into patterns_ first. An exception in here takes the pattern out again.
    const bool is_new_pattern = kind == Kind::kPattern && !pattern_places_.contains(name);
    std::unique_ptr<RealmTable, void (*)(RealmTable*)> undo(nullptr, [](RealmTable* table) {
        table->pattern_places_.erase(table->patterns_.back());
        table->patterns_.pop_back();
    });
    if (is_new_pattern) {
        patterns_.emplace_back(name);
        undo.reset(this);
        pattern_places_.emplace(patterns_.back(), patterns_.size() - 1);
    }
    ChannelTable& table = of(kind);
    effects_.clear();
    table.subscribe(slot, name, {}, effects_);
    (void)undo.release();
    // The first subscriber opens the channel. The whole mesh knows the realm's interest already, so the channel is
    // confirmed here and now.
    if (const auto* first = effects_.empty() ? nullptr : std::get_if<SubscribeHub>(&effects_.front())) {
        const std::uint64_t generation = first->generation;
        table.on_subscribed(name, generation, effects_);
    }
}

bool RealmTable::remove(Kind kind, Slot slot, std::string_view name) {
    ChannelTable& table = of(kind);
    const std::size_t before = table.channels_of(slot);
    effects_.clear();
    table.unsubscribe(slot, name, effects_);
    follow(kind);
    return table.channels_of(slot) < before;
}

std::vector<std::string> RealmTable::names_of(Kind kind, Slot slot) const {
    const std::vector<std::string_view> keys = of(kind).keys_of(slot);
    return {keys.begin(), keys.end()};
}

void RealmTable::follow(Kind kind) {
    if (kind != Kind::kPattern) {
        return;
    }
    for (const ChannelEffect& effect : effects_) {
        if (const auto* last = std::get_if<UnsubscribeHub>(&effect)) {
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
