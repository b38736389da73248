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

/// Limits that all outboxes of an edge share. The configuration sets `max_bytes` (`outbox_bytes`).
struct OutboxLimits {
    std::size_t max_bytes = 0;
    Duration write_timeout{};
};

enum class Room : bool { kQueued, kFull };

/// The bytes that wait to be written to a client: ranges of slabs, in order, adjacent ranges merged.
///
/// An outbox is nearly always empty, or holds a single range for the rest of a turn. So the first range is a member,
/// and the needs of a slow client (further ranges, a deadline) are allocated only for a slow client and freed when the
/// client has taken everything. A broadcast touches the 40 bytes of an outbox and no memory behind them.
///
/// Thread: confined to its shard.
/// Time:   `now` is an argument and must not go backwards.
/// Memory: waiting ranges keep slabs in place that have long been sent to other clients. The share of a slab that a
///         piece keeps is at most kMaxPinFactor times the size of the piece, except for the first piece, the last
///         kRecentPieces pieces and the slab of copies: with each further piece three of the waiting pieces are looked
///         at, and a piece that keeps more is copied out.
/// Limits: push refuses beyond `max_bytes`. push_last ignores the limit, for the frames that end a connection. The
///         bytes that were queued when the peer stopped taking bytes must be sent within `write_timeout`; see
///         deadline().
/// Errors: push, push_last and on_blocked throw std::bad_alloc. A range without memory for its place does not count in
///         bytes().
class Outbox {
public:
    /// `limits` must outlive the outbox.
    explicit Outbox(const OutboxLimits& limits) : limits_(&limits) {}

    /// Replaces the limits, which must outlive the outbox. The waiting bytes stay.
    void limit_by(const OutboxLimits& limits) { limits_ = &limits; }

    /// Queues `range`, which holds whole frames and is not empty. kFull: the outbox is unchanged, and the client is too
    /// slow.
    [[nodiscard]] Room push(const SlabRange& range) {
        if (std::size_t{bytes_} + range.size > limits_->max_bytes) {
            return Room::kFull;
        }
        push_last(range);
        return Room::kQueued;
    }

    /// Queues `range` whatever the limit says.
    void push_last(const SlabRange& range) {
        if (bytes_ == 0) {
            first_ = range;
            bytes_ = range.size;
        } else {
            append(range);
        }
    }

    /// Moves the waiting bytes to `out` when they are a single range of which the peer has taken nothing, so that the
    /// range can be written without a look at the outbox. Otherwise `out` stays unchanged. The caller gives the bytes
    /// that the peer does not take back by put_back, before any other call.
    void take_whole(SlabRange& out) {
        if (bytes_ == first_.size && !more_) {
            bytes_ = 0;
            out = std::move(first_);
        }
    }
    /// Gives the range of take_whole back; the peer has taken `sent` bytes, fewer than all.
    void put_back(SlabRange range, std::size_t sent) {
        first_ = std::move(range);
        first_sent_ = static_cast<std::uint32_t>(sent);
        bytes_ = first_.size - first_sent_;
    }

    /// The bytes to be written next, in a single piece. REQUIRES: not empty.
    [[nodiscard]] std::string_view front() const { return first_.view().substr(first_sent_); }
    /// True when front() holds all waiting bytes.
    [[nodiscard]] bool has_one_part() const { return bytes_ == first_.size - first_sent_; }
    /// Replaces `out` by the first waiting ranges, at most `max_parts`. The views are valid until the next change of
    /// the outbox.
    void gather(std::size_t max_parts, std::vector<std::string_view>& out) const;

    /// The peer has taken `bytes` bytes of the result of front or gather.
    void on_sent(std::size_t bytes) {
        if (bytes == bytes_ && !more_) {
            forget();
        } else {
            advance(bytes);
        }
    }
    /// The peer takes no more bytes for the moment. Begins the time-out of deadline(), unless bytes of an earlier call
    /// are still owed.
    void on_blocked(Instant now);

    [[nodiscard]] bool empty() const { return bytes_ == 0; }
    /// The number of waiting bytes.
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    /// The instant from which the peer counts as too slow. Nothing while the peer is not blocked.
    [[nodiscard]] std::optional<Instant> deadline() const;

    /// Bytes of memory that the waiting ranges keep in place.
    [[nodiscard]] std::size_t pinned() const;

    /// Returns the size in bytes of the frame at the beginning of the text, or 0 when the text does not tell the size.
    using FrameSize = std::function<std::size_t(std::string_view)>;
    /// Forgets the waiting bytes, except the rest of a frame of which the peer has already got a part: a stream with
    /// half a frame could carry no last words.
    void keep_started_frame_only(const FrameSize& frame_size);
    /// Forgets all waiting bytes.
    void clear();

private:
    /// The needs of a client that did not take everything at once.
    struct More {
        /// The ranges after first_.
        std::vector<SlabRange> ranges;
        /// The ranges before `next` have become first_ already.
        std::size_t next = 0;
        /// The next range to look at for too much memory kept in place.
        std::size_t checked = 0;
        /// The slab of the copies of such ranges.
        SlabRef copies;
        /// Bytes that the peer must take until the deadline.
        std::size_t owed = 0;
        /// The beginning of the write time-out; Instant{}: the peer is not blocked.
        Instant owed_since{};
    };

    /// Queues a range behind waiting bytes.
    void append(const SlabRange& range);
    /// Copies out pieces that keep too much of a slab in place.
    void let_go_of_slabs();
    /// The peer has taken a part of the waiting bytes, or there are several ranges.
    void advance(std::size_t bytes);
    /// Empties the outbox without a look at more_.
    void forget() {
        bytes_ = 0;
        first_.slab.reset();
        first_sent_ = 0;
    }

    const OutboxLimits* limits_;
    SlabRange first_;
    /// Bytes of first_ that the peer has taken.
    std::uint32_t first_sent_ = 0;
    /// All waiting bytes, of first_ and of the ranges in more_.
    std::uint32_t bytes_ = 0;
    std::unique_ptr<More> more_;
};

}  // namespace tulle::node
