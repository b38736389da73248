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

/// Place of a peer in the table. The session gives the slot back when the session ends.
using InterestSlot = Strong<struct InterestSlotTag, std::uint16_t>;

/// The interest of all peers: for each channel the slots of the interested peers. One table for all peers makes the
/// audience of a record a single lookup per channel.
///
/// Thread: confined to the hub.
/// Cost:   a lookup is one hash and a scan of the channel's entries. To give a slot back, or to switch to a complete
///         snapshot, is O(1): entries bear a generation, and sweep() removes entries of old generations,
///         `sweep_buckets` buckets a turn.
/// Limits: kMaxMembers slots. Each peer may hold `interest_channels` channels and `interest_peer_bytes` bytes of names.
///         A single message may overshoot; is_over() then tells the caller to end the session.
class InterestTable {
public:
    explicit InterestTable(const Limits& limits) : limits_(limits) {}

    /// A free slot for a new session. Nothing when all kMaxMembers slots are taken.
    [[nodiscard]] std::optional<InterestSlot> take_slot();
    /// Frees the slot of an ended session. The interest of the peer stops to count at once. REQUIRES: the slot is
    /// taken.
    void give_back(InterestSlot slot);

    /// The result of a delta.
    struct Applied {
        /// True when the delta begins beyond the version held here. The delta was not applied: the caller pulls.
        bool hole = false;
        /// Marked keys that the delta added. The caller owes the peer the users, or the retained event, of each key.
        std::vector<std::string> marked = {};
    };
    /// Applies the part of `delta` beyond the version held. Ignores the delta while a snapshot is under way: deltas are
    /// pulled after the snapshot. REQUIRES: the slot is taken.
    Applied apply(InterestSlot slot, const InterestDelta& delta);
    /// Applies the next chunk of a snapshot. The last chunk replaces the interest held before. False, with the interest
    /// unchanged, when the chunk does not follow the previous chunk (old or repeated), or when no honest peer sends
    /// such a chunk: channels out of byte order, or no channel in a chunk that is not the last. REQUIRES: the slot is
    /// taken.
    bool apply(InterestSlot slot, const InterestChunk& chunk);

    /// True when the peer has interest in `channel`. A snapshot under way does not count yet.
    [[nodiscard]] bool interested(InterestSlot slot, std::string_view channel) const;
    /// Calls `visit(slot)` for each peer with interest in `channel`. One hash lookup, whatever the number of peers.
    template <class Visit>
    void each_interested(std::string_view channel, Visit&& visit) const {
        if (index_.empty()) {
            // A node alone: the hash would be for nothing.
            return;
        }
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
    /// Calls `visit(key)` for each marked key with interest of the peer, in no promised order. Walks the whole table,
    /// so only for the rare case of a peer that has fallen out of the record ring.
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
    /// The version of the peer's interest held here. Nothing before the first answer of the peer.
    [[nodiscard]] std::optional<InterestVersion> version(InterestSlot slot) const;
    /// XOR of the hashes of the peer's channels, to be compared with the digest in the peer's heartbeat.
    [[nodiscard]] std::uint64_t digest(InterestSlot slot) const { return slots_[slot.value].digest; }
    [[nodiscard]] std::size_t size(InterestSlot slot) const { return slots_[slot.value].size; }
    /// True when the peer's interest, or the snapshot under way, exceeds the limits of the class. The caller must end
    /// the session.
    [[nodiscard]] bool is_over(InterestSlot slot) const;
    /// The pull for the next chunk of the snapshot under way. Nothing when no snapshot is under way.
    [[nodiscard]] std::optional<InterestPull> continuation(InterestSlot slot) const;

    /// Removes old entries from the next `sweep_buckets` buckets. False when no old entries are left.
    bool sweep();
    [[nodiscard]] bool sweeping() const { return sweep_bucket_.has_value(); }
    /// Channels in the table, including channels with only old entries until the sweep has come by.
    [[nodiscard]] std::size_t channels() const { return index_.size(); }

private:
    /// The interest of one peer in one channel. Counts only while `generation` is the generation of the slot.
    struct Entry {
        std::uint16_t slot;
        std::uint32_t generation;
    };
    /// A peer's place.
    struct Slot {
        bool taken = false;
        /// The generation of the entries that count. 0: no entry counts.
        std::uint32_t generation = 0;
        std::optional<InterestVersion> version;
        std::uint64_t digest = 0;
        std::size_t size = 0;
        /// Sum of the lengths of the channels' names.
        std::size_t bytes = 0;
        /// Number of the snapshot under way. 0: no snapshot is under way, and the following fields are unused.
        std::uint64_t snapshot = 0;
        std::uint32_t new_generation = 0;
        std::uint64_t new_digest = 0;
        std::size_t new_size = 0;
        std::size_t new_bytes = 0;
        /// The last channel of the last chunk.
        std::string after;
    };

    /// True when a snapshot of such chunks comes to an end: channels ascend, and only the last chunk may be empty.
    [[nodiscard]] static bool advances(const InterestChunk& chunk);
    /// Adds or removes an entry. False when the table is as wanted already.
    bool insert(std::uint16_t slot, std::uint32_t generation, const std::string& channel);
    bool erase(std::uint16_t slot, std::uint32_t generation, const std::string& channel);
    /// True when the entry counts, or will count after the snapshot under way.
    [[nodiscard]] bool alive(const Entry& entry) const;
    /// Starts a sweep over all buckets. A sweep under way goes on instead, followed by a second sweep: a peer that
    /// makes entries old again and again must not keep the sweep from the later buckets.
    void start_sweep();

    Limits limits_;
    StringMap<std::vector<Entry>> index_;
    // By InterestSlot. Grows to the greatest number of sessions at a time, at most kMaxMembers.
    std::vector<Slot> slots_;
    std::uint32_t last_generation_ = 0;
    // The next bucket to sweep. Nothing when no sweep is under way.
    std::optional<std::size_t> sweep_bucket_;
    // The number of buckets when the sweep began: a table that grows meanwhile has other buckets.
    std::size_t sweep_buckets_total_ = 0;
    // True when entries became old behind the position of the sweep under way.
    bool sweep_again_ = false;
};

}  // namespace tulle::mesh
