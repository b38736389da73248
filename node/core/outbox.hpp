#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/slab.hpp"

namespace tulle::node {

struct OutboxLimits {
    std::size_t max_bytes = 0;
    Duration write_timeout{};
};

enum class Room : bool { kQueued, kFull };

/// What waits to be written to one client: ranges of slabs, in order, adjacent ones merged.
///
/// Nearly always that is nothing, or one range for the rest of a turn. So one range has its place here, and what a slow
/// client needs besides (more ranges, a deadline) is allocated when there is some and freed when all has been taken: a
/// broadcast touches these 48 bytes of a client and no memory behind them.
///
/// Thread: confined to its shard.
/// Time:   `now` is an argument and must not go backwards.
/// Memory: what waits keeps slabs in place that others have long been sent. The share of a slab that a piece keeps is
///         at most kMaxPinFactor times its size, but for the last kRecentPieces and for one slab: with each further
///         piece three of those that wait are looked at, and what keeps more is copied out.
/// Limits: `max_bytes` by push, which refuses beyond it; push_last ignores that, for the frames that end a connection.
///         What had been queued when the peer stopped taking bytes must be sent within `write_timeout`; see deadline().
class Outbox {
public:
    explicit Outbox(const OutboxLimits& limits) : limits_(&limits) {}

    /// `range` holds whole frames and is not empty. Refused: the outbox is as before.
    [[nodiscard]] Room push(const SlabRange& range) {
        if (std::size_t{bytes_} + range.size > limits_->max_bytes) {
            return Room::kFull;
        }
        push_last(range);
        return Room::kQueued;
    }

    void push_last(const SlabRange& range) {
        if (bytes_ == 0) {
            first_ = range;
            bytes_ = range.size;
        } else {
            append(range);
        }
    }

    /// Moves out all that waits if it is one range that nothing has been taken of yet, so that it can be written
    /// without a look at the outbox; otherwise `out` stays as it is. What the peer does not take is put_back before
    /// anything else.
    void take_whole(SlabRange& out) {
        if (bytes_ == first_.size && !more_) {
            bytes_ = 0;
            out = std::move(first_);
        }
    }
    /// Of what take_whole gave the peer has taken `sent` bytes, not all.
    void put_back(SlabRange range, std::size_t sent) {
        first_ = std::move(range);
        first_sent_ = static_cast<std::uint32_t>(sent);
        bytes_ = first_.size - first_sent_;
    }

    /// The bytes to be written next, in one piece. REQUIRES: not empty.
    [[nodiscard]] std::string_view front() const { return first_.view().substr(first_sent_); }
    /// Whether front() is all.
    [[nodiscard]] bool has_one_part() const { return bytes_ == first_.size - first_sent_; }
    /// Replaces `out` by the first ranges to be written, at most `max_parts`.
    void gather(std::size_t max_parts, std::vector<std::string_view>& out) const;

    /// The peer has taken `bytes` of what front or gather gave.
    void on_sent(std::size_t bytes) {
        if (bytes == bytes_ && !more_) {
            forget();
        } else {
            advance(bytes);
        }
    }
    /// The peer takes no more for now.
    void on_blocked(Instant now);

    [[nodiscard]] bool empty() const { return bytes_ == 0; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    /// When the peer counts as too slow; nothing while it is not blocked.
    [[nodiscard]] std::optional<Instant> deadline() const;

    /// Bytes of memory that are kept in place by what waits.
    [[nodiscard]] std::size_t pinned() const;

    /// Bytes of the frame that the text begins with; 0 when that cannot be told.
    using FrameSize = std::function<std::size_t(std::string_view)>;
    /// Forgets all that waits but the rest of the frame that the peer has already got a part of.
    void keep_started_frame_only(const FrameSize& frame_size);
    void clear();

private:
    /// What only a client has that did not take all at once.
    struct More {
        std::vector<SlabRange> ranges;  ///< after first_
        std::size_t next = 0;           ///< ranges before it have become first_
        std::size_t checked = 0;        ///< the next one to be looked at, whether it keeps too much in place
        SlabRef copies;                 ///< where what did so is copied to
        std::size_t owed = 0;           ///< bytes that must be taken …
        Instant owed_since{};           ///< … within the write timeout from here; 0: it is not blocked
    };

    void append(const SlabRange& range);
    void let_go_of_slabs();
    void advance(std::size_t bytes);
    void forget() {
        bytes_ = 0;
        first_.slab.reset();
        first_sent_ = 0;
    }

    const OutboxLimits* limits_;
    SlabRange first_;
    std::uint32_t first_sent_ = 0;  ///< bytes taken of first_
    std::uint32_t bytes_ = 0;
    std::unique_ptr<More> more_;
};

}  // namespace tulle::node
