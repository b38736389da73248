#include "mesh/core/interest/interest_table.hpp"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/base/bytes.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"

// One index for all peers, with generations.
//
// Each entry names a slot and a generation. An entry counts while its generation is the slot's. A snapshot is collected
// under a new generation beside the old entries, and its last chunk makes the new generation the slot's. A slot that is
// given back has generation 0. In both cases all old entries stop to count in O(1). A sweep of bounded slices removes
// the old entries later, so that a peer with a million channels never stops the hub for a whole walk of the table.
namespace tulle::mesh {

static_assert(kMaxMembers <= UINT16_MAX, "a slot is 16 bits");
static_assert(kMaxChannelBytes < Limits{}.interest_bytes, "a chunk takes one name at least");

std::optional<InterestSlot> InterestTable::take_slot() {
    const auto free = std::find_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return !slot.taken; });
    if (free == slots_.end() && slots_.size() == kMaxMembers) {
        return std::nullopt;
    }
    const auto index = static_cast<std::uint16_t>(free - slots_.begin());
    if (free == slots_.end()) {
        slots_.emplace_back();
    }
    TULLE_ASSERT(index < kMaxMembers);
    // A generation never used before: entries of the slot's last peer may still wait for the sweep.
    slots_[index] = Slot{};
    slots_[index].taken = true;
    slots_[index].generation = ++last_generation_;
    return InterestSlot{index};
}

void InterestTable::give_back(InterestSlot slot) {
    TULLE_ASSERT(slots_[slot.value].taken);
    slots_[slot.value] = Slot{};
    start_sweep();
}

InterestTable::Applied InterestTable::apply(InterestSlot slot, const InterestDelta& delta) {
    Slot& state = slots_[slot.value];
    TULLE_ASSERT(state.taken);
    if (state.snapshot != 0) {
        // The snapshot comes first. The peer is asked for deltas when the snapshot is complete.
        return {};
    }
    const InterestVersion have = state.version.value_or(InterestVersion{});
    if (have < delta.base) {
        return {.hole = true};
    }
    Applied applied;
    // A repeated delta may begin before the version held here. Skip the changes that are applied already.
    for (std::size_t i = have.value - delta.base.value; i < delta.changes.size(); ++i) {
        const InterestChange& change = delta.changes[i];
        // add_again() of the peer names a channel that is in the table already, so an addition may change nothing.
        const bool changed = change.add ? insert(slot.value, state.generation, change.channel)
                                        : erase(slot.value, state.generation, change.channel);
        if (changed) {
            TULLE_ASSERT(change.add || (state.size > 0 && state.bytes >= change.channel.size()));
            state.digest ^= stable_hash(change.channel);
            state.size += change.add ? 1u : std::size_t(-1);
            state.bytes += change.add ? change.channel.size() : std::size_t{0} - change.channel.size();
        }
        // A marked key counts even when repeated: the repetition is the peer's request for the users or the event once
        // more.
        if (change.add && is_marked_key(change.channel)) {
            applied.marked.push_back(change.channel);
        }
    }
    state.version = std::max(have, delta.base.plus(delta.changes.size()));
    return applied;
}

bool InterestTable::apply(InterestSlot slot, const InterestChunk& chunk) {
    if (!advances(chunk)) {
        return false;
    }
    Slot& state = slots_[slot.value];
    TULLE_ASSERT(state.taken);
    // A chunk of another snapshot is welcome only as the first chunk of a newer snapshot. Newer: not older than the
    // snapshot under way, nor than the version held.
    if (chunk.snapshot != state.snapshot) {
        const bool older = chunk.snapshot < state.snapshot;
        const bool behind = state.snapshot == 0 && state.version && chunk.base < *state.version;
        if (older || behind || !chunk.after.empty()) {
            return false;
        }
        // The entries of a snapshot that is given up are swept.
        if (state.snapshot != 0) {
            start_sweep();
        }
        state.snapshot = chunk.snapshot;
        state.new_generation = ++last_generation_;
        state.new_digest = 0;
        state.new_size = 0;
        state.new_bytes = 0;
        state.after.clear();
    }
    // Old or repeated: the chunk does not continue where the last chunk ended.
    if (chunk.after != state.after) {
        return false;
    }
    for (const std::string& channel : chunk.channels) {
        if (insert(slot.value, state.new_generation, channel)) {
            state.new_digest ^= stable_hash(channel);
            ++state.new_size;
            state.new_bytes += channel.size();
        }
        state.after = channel;
    }
    // The snapshot is complete: switch to the new generation and leave the old entries to the sweep.
    if (chunk.last) {
        state.generation = state.new_generation;
        state.digest = state.new_digest;
        state.size = state.new_size;
        state.bytes = state.new_bytes;
        state.new_size = 0;
        state.new_bytes = 0;
        state.version = chunk.base;
        state.snapshot = 0;
        state.after.clear();
        start_sweep();
    }
    return true;
}

bool InterestTable::advances(const InterestChunk& chunk) {
    // Strictly ascending from `after`, so a chunk can't lead back and the snapshot can't go in circles.
    const std::string* last = &chunk.after;
    for (const std::string& channel : chunk.channels) {
        if (channel <= *last) {
            return false;
        }
        last = &channel;
    }
    return chunk.last || !chunk.channels.empty();
}

bool InterestTable::insert(std::uint16_t slot, std::uint32_t generation, const std::string& channel) {
    TULLE_ASSERT(generation != 0);
    std::vector<Entry>& entries = index_[channel];
    for (const Entry& entry : entries) {
        if (entry.slot == slot && entry.generation == generation) {
            return false;
        }
    }
    entries.push_back({slot, generation});
    return true;
}

bool InterestTable::erase(std::uint16_t slot, std::uint32_t generation, const std::string& channel) {
    const auto found = index_.find(channel);
    if (found == index_.end()) {
        return false;
    }
    std::vector<Entry>& entries = found->second;
    const auto entry = std::find_if(entries.begin(), entries.end(),
                                    [&](const Entry& e) { return e.slot == slot && e.generation == generation; });
    if (entry == entries.end()) {
        return false;
    }
    entries.erase(entry);
    if (entries.empty()) {
        index_.erase(found);
    }
    return true;
}

bool InterestTable::interested(InterestSlot slot, std::string_view channel) const {
    const auto found = index_.find(channel);
    if (found == index_.end()) {
        return false;
    }
    const std::uint32_t generation = slots_[slot.value].generation;
    return std::any_of(found->second.begin(), found->second.end(),
                       [&](const Entry& entry) { return entry.slot == slot.value && entry.generation == generation; });
}

bool InterestTable::is_over(InterestSlot slot) const {
    const Slot& state = slots_[slot.value];
    return std::max(state.size, state.new_size) > limits_.interest_channels ||
           std::max(state.bytes, state.new_bytes) > limits_.interest_peer_bytes;
}

std::optional<InterestVersion> InterestTable::version(InterestSlot slot) const {
    return slots_[slot.value].version;
}

std::optional<InterestPull> InterestTable::continuation(InterestSlot slot) const {
    const Slot& state = slots_[slot.value];
    if (state.snapshot == 0) {
        return std::nullopt;
    }
    return InterestPull{
        .have = state.version.value_or(InterestVersion{}), .snapshot = state.snapshot, .after = state.after};
}

bool InterestTable::alive(const Entry& entry) const {
    const Slot& slot = slots_[entry.slot];
    return entry.generation == slot.generation || (slot.snapshot != 0 && entry.generation == slot.new_generation);
}

void InterestTable::start_sweep() {
    // A sweep with a valid position is under way: finish first, then sweep once more.
    if (sweep_bucket_ && sweep_buckets_total_ == index_.bucket_count()) {
        sweep_again_ = true;
        return;
    }
    sweep_again_ = false;
    sweep_bucket_ = 0;
    sweep_buckets_total_ = index_.bucket_count();
}

bool InterestTable::sweep() {
    if (!sweep_bucket_) {
        return false;
    }
    if (sweep_buckets_total_ != index_.bucket_count()) {
        // The table has grown and its buckets have been made again: begin from the first bucket.
        start_sweep();
    }
    const std::size_t end = std::min(*sweep_bucket_ + limits_.sweep_buckets, sweep_buckets_total_);
    // Channels without entries are erased after the walk, because erasing would invalidate the bucket's iterators.
    std::vector<std::string> emptied;
    for (std::size_t bucket = *sweep_bucket_; bucket < end; ++bucket) {
        for (auto it = index_.begin(bucket); it != index_.end(bucket); ++it) {
            std::erase_if(it->second, [this](const Entry& entry) { return !alive(entry); });
            if (it->second.empty()) {
                emptied.push_back(it->first);
            }
        }
    }
    for (const std::string& channel : emptied) {
        index_.erase(channel);
    }
    sweep_bucket_ = end;
    if (end == sweep_buckets_total_) {
        sweep_bucket_ = std::exchange(sweep_again_, false) ? std::optional<std::size_t>(0) : std::nullopt;
    }
    return sweep_bucket_.has_value();
}

}  // namespace tulle::mesh
