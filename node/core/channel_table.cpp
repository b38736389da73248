#include "node/core/channel_table.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"

namespace tulle::node {

ChannelTable::ChannelId ChannelTable::open_channel(std::string_view channel, ChannelEffects& out) {
    ChannelId id = static_cast<ChannelId>(channels_.size());
    if (free_ids_.empty()) {
        channels_.emplace_back();
    } else {
        id = free_ids_.back();
        free_ids_.pop_back();
    }
    const auto entry = ids_.emplace(std::string(channel), id).first;
    channels_[id].name = &entry->first;
    channels_[id].generation = ++last_generation_;
    channels_[id].is_confirmed = false;
    out.push_back(SubscribeHub{entry->first, last_generation_});
    return id;
}

void ChannelTable::subscribe(Slot slot, std::string_view channel, ChannelEffects& out) {
    const auto known = ids_.find(channel);
    const ChannelId id = known == ids_.end() ? open_channel(channel, out) : known->second;
    Channel& entry = channels_[id];
    if (slots_.size() <= slot.value) {
        slots_.resize(slot.value + 1u);
    }
    std::vector<ChannelId>& mine = slots_[slot.value];
    const Place place{static_cast<std::uint32_t>(entry.subscribers.size()), static_cast<std::uint32_t>(mine.size())};
    if (places_.emplace(place_key(slot, id), place).second) {
        entry.subscribers.push_back(slot);
        mine.push_back(id);
    }
    if (entry.is_confirmed) {
        out.push_back(Confirm{slot, *entry.name});
    }
}

void ChannelTable::unsubscribe(Slot slot, std::string_view channel, ChannelEffects& out) {
    const auto known = ids_.find(channel);
    if (known != ids_.end() && places_.contains(place_key(slot, known->second))) {
        drop(slot, known->second, out);
    }
}

void ChannelTable::remove(Slot slot, ChannelEffects& out) {
    if (slot.value >= slots_.size()) {
        return;
    }
    while (!slots_[slot.value].empty()) {
        drop(slot, slots_[slot.value].back(), out);
    }
    slots_[slot.value].shrink_to_fit();
}

void ChannelTable::drop(Slot slot, ChannelId id, ChannelEffects& out) {
    const auto found = places_.find(place_key(slot, id));
    TULLE_ASSERT(found != places_.end());
    const Place place = found->second;
    places_.erase(found);

    Channel& channel = channels_[id];
    const Slot moved_slot = channel.subscribers.back();
    channel.subscribers[place.in_channel] = moved_slot;
    channel.subscribers.pop_back();
    if (moved_slot != slot) {
        places_.at(place_key(moved_slot, id)).in_channel = place.in_channel;
    }

    std::vector<ChannelId>& mine = slots_[slot.value];
    const ChannelId moved_id = mine.back();
    mine[place.in_slot] = moved_id;
    mine.pop_back();
    if (moved_id != id) {
        places_.at(place_key(slot, moved_id)).in_slot = place.in_slot;
    }

    if (channel.subscribers.empty()) {
        out.push_back(UnsubscribeHub{*channel.name});
        ids_.erase(ids_.find(*channel.name));
        channel = Channel{};
        free_ids_.push_back(id);
    }
}

void ChannelTable::on_subscribed(std::string_view channel, std::uint64_t generation, ChannelEffects& out) {
    const auto known = ids_.find(channel);
    if (known == ids_.end()) {
        return;
    }
    Channel& entry = channels_[known->second];
    if (entry.generation != generation || entry.is_confirmed) {
        return;
    }
    entry.is_confirmed = true;
    for (const Slot slot : entry.subscribers) {
        out.push_back(Confirm{slot, *entry.name});
    }
}

const std::vector<Slot>* ChannelTable::confirmed(std::string_view channel) const {
    const auto known = ids_.find(channel);
    if (known == ids_.end() || !channels_[known->second].is_confirmed) {
        return nullptr;
    }
    return &channels_[known->second].subscribers;
}

bool ChannelTable::is_confirmed(Slot slot, std::string_view channel) const {
    const auto known = ids_.find(channel);
    return known != ids_.end() && channels_[known->second].is_confirmed &&
           places_.contains(place_key(slot, known->second));
}

std::size_t ChannelTable::channels_of(Slot slot) const {
    return slot.value < slots_.size() ? slots_[slot.value].size() : 0;
}

std::vector<ChannelCount> ChannelTable::list(std::string_view prefix) const {
    std::vector<ChannelCount> counts;
    for (const Channel& channel : channels_) {
        if (channel.name != nullptr && channel.is_confirmed && channel.name->starts_with(prefix)) {
            counts.push_back({*channel.name, channel.subscribers.size()});
        }
    }
    std::sort(counts.begin(), counts.end(),
              [](const ChannelCount& a, const ChannelCount& b) { return a.channel < b.channel; });
    return counts;
}

}  // namespace tulle::node
