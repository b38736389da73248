#include "node/core/channel_table.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"

namespace tulle::node {

// How the lists work. `channels_` has an entry for each channel, with the list of the channel's subscribers. The first
// `admitted` subscribers of the list are confirmed, the others wait. To confirm or to remove a subscriber, the table
// swaps the subscriber with the subscriber at the border between the two parts, or at the end of the list, and moves
// the border or shortens the list. `places_` knows the position of each subscription in both of its lists, so no
// operation searches a list.

ChannelTable::ChannelId ChannelTable::open_channel(std::string_view channel, const ChannelNeeds& needs,
                                                   ChannelEffects& out) {
    ChannelId id = static_cast<ChannelId>(channels_.size());
    if (free_ids_.empty()) {
        channels_.emplace_back();
    } else {
        id = free_ids_.back();
        free_ids_.pop_back();
    }
    const auto entry = ids_.emplace(std::string(channel), id).first;
    Channel& opened = channels_[id];
    TULLE_ASSERT(opened.name == nullptr && opened.subscribers.empty());
    // The name points to the key in ids_: keys of a node-based map keep their address.
    opened.name = &entry->first;
    opened.generation = ++last_generation_;
    opened.is_presence = needs.presence;
    out.push_back(SubscribeHub{entry->first, last_generation_, needs.presence, needs.retained});
    return id;
}

void ChannelTable::subscribe(Slot slot, std::string_view channel, const ChannelNeeds& needs, ChannelEffects& out,
                             bool is_held) {
    const auto known = ids_.find(channel);
    const ChannelId id = known == ids_.end() ? open_channel(channel, needs, out) : known->second;
    Channel& entry = channels_[id];
    if (slots_.size() <= slot.value) {
        slots_.resize(slot.value + 1u);
    }
    std::vector<ChannelId>& mine = slots_[slot.value];
    const Place place{static_cast<std::uint32_t>(entry.subscribers.size()), static_cast<std::uint32_t>(mine.size()),
                      is_held};
    // A repeated subscription keeps the place that the subscription already has.
    const auto [held, is_new] = places_.emplace(place_key(slot, id), place);
    if (is_new) {
        entry.subscribers.push_back(slot);
        mine.push_back(id);
        entry.held += is_held ? 1u : 0u;
    }
    // Pending: on_subscribed will look at every subscriber of the list.
    if (!entry.is_confirmed) {
        return;
    }
    if (is_new && (entry.is_presence || is_held)) {
        out.push_back(AskAdmission{slot, *entry.name});
    } else if (is_new) {
        admit(slot, channel, out);
    } else if (held->second.in_channel < entry.admitted) {
        // A client that subscribes again is told again. A subscriber without admission hears when admitted.
        out.push_back(Confirm{slot, *entry.name});
    }
}

void ChannelTable::admit(Slot slot, std::string_view channel, ChannelEffects& out) {
    const auto known = ids_.find(channel);
    TULLE_ASSERT(known != ids_.end());
    const ChannelId id = known->second;
    Channel& entry = channels_[id];
    Place& place = places_.at(place_key(slot, id));
    const std::uint32_t at = place.in_channel;
    TULLE_ASSERT(entry.is_confirmed && at >= entry.admitted);
    entry.held -= place.is_held ? 1u : 0u;
    place.is_held = false;
    // The subscriber changes places with the first waiting subscriber; then the border moves.
    swap_subscribers(id, at, entry.admitted);
    ++entry.admitted;
    out.push_back(Confirm{slot, *entry.name});
}

void ChannelTable::swap_subscribers(ChannelId id, std::uint32_t a, std::uint32_t b) {
    if (a != b) {
        std::vector<Slot>& subscribers = channels_[id].subscribers;
        std::swap(subscribers[a], subscribers[b]);
        places_.at(place_key(subscribers[a], id)).in_channel = a;
        places_.at(place_key(subscribers[b], id)).in_channel = b;
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
    // `drop` takes the last channel of the list each time, so nothing in the list moves.
    while (!slots_[slot.value].empty()) {
        drop(slot, slots_[slot.value].back(), out);
    }
    slots_[slot.value].shrink_to_fit();
}

void ChannelTable::drop(Slot slot, ChannelId id, ChannelEffects& out) {
    const auto found = places_.find(place_key(slot, id));
    TULLE_ASSERT(found != places_.end());
    const Place place = found->second;
    Channel& channel = channels_[id];
    std::uint32_t at = place.in_channel;
    // A confirmed subscriber first moves to the border, so that the confirmed part stays without a hole.
    if (at < channel.admitted) {
        --channel.admitted;
        swap_subscribers(id, at, channel.admitted);
        at = channel.admitted;
    }
    TULLE_ASSERT(channel.admitted < channel.subscribers.size() && channel.held >= (place.is_held ? 1u : 0u));
    channel.held -= place.is_held ? 1u : 0u;
    swap_subscribers(id, at, static_cast<std::uint32_t>(channel.subscribers.size() - 1));
    channel.subscribers.pop_back();
    places_.erase(place_key(slot, id));

    // The last channel of the slot takes the place of the dropped channel.
    std::vector<ChannelId>& mine = slots_[slot.value];
    TULLE_ASSERT(place.in_slot < mine.size());
    const ChannelId moved_id = mine.back();
    mine[place.in_slot] = moved_id;
    mine.pop_back();
    if (moved_id != id) {
        places_.at(place_key(slot, moved_id)).in_slot = place.in_slot;
    }

    // Without a subscriber the entry becomes free. A later subscription opens the channel with a new generation, so the
    // hub's answer to this opening is recognised as late.
    if (channel.subscribers.empty()) {
        out.push_back(UnsubscribeHub{*channel.name});
        ids_.erase(ids_.find(*channel.name));
        channel = Channel{};
        free_ids_.push_back(id);
    }
}

bool ChannelTable::on_subscribed(std::string_view channel, std::uint64_t generation, ChannelEffects& out) {
    const auto known = ids_.find(channel);
    if (known == ids_.end()) {
        return false;
    }
    Channel& entry = channels_[known->second];
    // The answer belongs to an opening that has ended, or has come before.
    if (entry.generation != generation || entry.is_confirmed) {
        return false;
    }
    TULLE_ASSERT(entry.admitted == 0);
    entry.is_confirmed = true;
    if (!entry.is_presence && entry.held == 0) {
        for (const Slot slot : entry.subscribers) {
            out.push_back(Confirm{slot, *entry.name});
        }
        entry.admitted = static_cast<std::uint32_t>(entry.subscribers.size());
        return true;
    }
    // A copy, as an admission moves subscribers.
    const std::vector<Slot> subscribers = entry.subscribers;
    for (const Slot slot : subscribers) {
        if (entry.is_presence || places_.at(place_key(slot, known->second)).is_held) {
            out.push_back(AskAdmission{slot, *entry.name});
        } else {
            admit(slot, channel, out);
        }
    }
    return true;
}

std::span<const Slot> ChannelTable::confirmed(std::string_view channel) const {
    const auto known = ids_.find(channel);
    if (known == ids_.end()) {
        return {};
    }
    const Channel& entry = channels_[known->second];
    return std::span(entry.subscribers).first(entry.admitted);
}

bool ChannelTable::is_confirmed(Slot slot, std::string_view channel) const {
    const auto known = ids_.find(channel);
    if (known == ids_.end()) {
        return false;
    }
    const auto place = places_.find(place_key(slot, known->second));
    return place != places_.end() && place->second.in_channel < channels_[known->second].admitted;
}

std::size_t ChannelTable::channels_of(Slot slot) const {
    return slot.value < slots_.size() ? slots_[slot.value].size() : 0;
}

std::vector<std::string_view> ChannelTable::keys_of(Slot slot) const {
    std::vector<std::string_view> keys;
    if (slot.value < slots_.size()) {
        for (const ChannelId id : slots_[slot.value]) {
            keys.emplace_back(*channels_[id].name);
        }
    }
    return keys;
}

std::vector<ChannelCount> ChannelTable::list(std::string_view prefix) const {
    std::vector<ChannelCount> counts;
    for (const Channel& channel : channels_) {
        if (channel.name != nullptr && channel.admitted > 0 && channel.name->starts_with(prefix)) {
            counts.push_back({*channel.name, channel.admitted});
        }
    }
    // Entries have no useful order: a free entry is used again for any channel.
    std::sort(counts.begin(), counts.end(),
              [](const ChannelCount& a, const ChannelCount& b) { return a.channel < b.channel; });
    return counts;
}

}  // namespace tulle::node
