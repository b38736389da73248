#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/hash.hpp"
#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

/// Place of a peer in the table; given back when its session ends.
using InterestSlot = Strong<struct InterestSlotTag, std::uint16_t>;

/// What the peers have interest in: channel -> slots. One table for all of them.
///
/// Thread: confined to the hub.
/// Cost:   a lookup is one hash and a scan of that channel's entries. Giving a slot back, and switching to a snapshot,
///         is O(1): entries bear a generation, and those of an old one are swept `sweep_buckets` at a time.
/// Limits: kMaxMembers slots; `interest_channels` and `interest_peer_bytes` of each, which one message may pass
/// (is_over).
class InterestTable {
public:
    explicit InterestTable(const Limits& limits) : limits_(limits) {}

    /// Nothing when all slots are taken.
    [[nodiscard]] std::optional<InterestSlot> take_slot();
    void give_back(InterestSlot slot);

    /// What a delta led to.
    struct Applied {
        bool hole = false;  ///< it starts beyond what we have: pull
        /// Marked keys that were added: the peer is owed what they ask for.
        std::vector<std::string> marked = {};
    };
    Applied apply(InterestSlot slot, const InterestDelta& delta);
    /// Applies the next chunk; false when it does not follow the last one (old, or repeated), or can't be of an honest
    /// peer: its channels are not in byte order, or it is neither the last one nor brings any. The last chunk replaces
    /// what was there.
    bool apply(InterestSlot slot, const InterestChunk& chunk);

    [[nodiscard]] bool interested(InterestSlot slot, std::string_view channel) const;
    /// Calls `visit(slot)` for each peer with interest in `channel`: one hash, however many there are.
    template <class Visit>
    void each_interested(std::string_view channel, Visit&& visit) const {
        const auto found = index_.find(channel);
        if (found == index_.end()) {
            return;
        }
        for (const Entry& entry : found->second) {
            if (entry.generation == slots_[entry.slot].generation) {
                visit(InterestSlot{entry.slot});
            }
        }
    }
    /// Calls `visit(key)` for each marked key that the peer is interested in, in no order. Looks at every channel of
    /// everybody: for what happens when a peer has fallen out of the ring.
    template <class Visit>
    void each_marked(InterestSlot slot, Visit&& visit) const {
        for (const auto& [key, entries] : index_) {
            if (!is_marked_key(key)) {
                continue;
            }
            for (const Entry& entry : entries) {
                if (entry.slot == slot.value && entry.generation == slots_[slot.value].generation) {
                    visit(key);
                }
            }
        }
    }
    /// The version held; nothing before the first answer.
    [[nodiscard]] std::optional<InterestVersion> version(InterestSlot slot) const;
    [[nodiscard]] std::uint64_t digest(InterestSlot slot) const { return slots_[slot.value].digest; }
    [[nodiscard]] std::size_t size(InterestSlot slot) const { return slots_[slot.value].size; }
    /// The peer's interest, or the snapshot of it that is under way, is larger than a peer's may be: the session must
    /// end.
    [[nodiscard]] bool is_over(InterestSlot slot) const;
    /// How to go on with a snapshot that is under way; nothing when there is none.
    [[nodiscard]] std::optional<InterestPull> continuation(InterestSlot slot) const;

    /// Sweeps a slice; false when there is nothing left to sweep.
    bool sweep();
    [[nodiscard]] bool sweeping() const { return sweep_bucket_.has_value(); }
    [[nodiscard]] std::size_t channels() const { return index_.size(); }

private:
    struct Entry {
        std::uint16_t slot;
        std::uint32_t generation;
    };
    struct Slot {
        bool taken = false;
        std::uint32_t generation = 0;  // of the entries that count; 0: none
        std::optional<InterestVersion> version;
        std::uint64_t digest = 0;
        std::size_t size = 0;
        std::size_t bytes = 0;  // of the names
        // the snapshot under way
        std::uint64_t snapshot = 0;
        std::uint32_t new_generation = 0;
        std::uint64_t new_digest = 0;
        std::size_t new_size = 0;
        std::size_t new_bytes = 0;
        std::string after;
    };

    /// A snapshot made of such chunks comes to its end.
    [[nodiscard]] static bool advances(const InterestChunk& chunk);
    bool insert(std::uint16_t slot, std::uint32_t generation, const std::string& channel);
    bool erase(std::uint16_t slot, std::uint32_t generation, const std::string& channel);
    [[nodiscard]] bool alive(const Entry& entry) const;
    /// A sweep that is under way goes on: what makes entries old must not keep it from coming to the later buckets.
    void start_sweep();

    Limits limits_;
    StringMap<std::vector<Entry>> index_;
    std::vector<Slot> slots_;
    std::uint32_t last_generation_ = 0;
    std::optional<std::size_t> sweep_bucket_;
    std::size_t sweep_buckets_total_ = 0;
    bool sweep_again_ = false;  // entries have become old behind the sweep that is under way
};

}  // namespace tulle::mesh
