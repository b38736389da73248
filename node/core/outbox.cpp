#include "node/core/outbox.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"

namespace tulle::node {

static_assert(kMaxRunBytes < kMaxOutboxBytes, "an outbox that is empty has room for a run");
static_assert(kMaxRunBytes <= kSlabBytes, "a run lies in one slab");
static_assert(kMaxOutboxBytes + kOutboxReserveBytes <= UINT32_MAX, "an outbox counts its bytes in 32 bits");

void Outbox::append(const SlabRange& range) {
    // Ranges before `next` have moved to first_. Without a range behind first_, first_ is the last range.
    const bool is_alone = !more_ || more_->next == more_->ranges.size();
    SlabRange& last = is_alone ? first_ : more_->ranges.back();
    // Adjacent ranges of a slab become a single range: a burst then needs no list.
    if (last.join(range, kSlabBytes)) {
        bytes_ += range.size;
        return;
    }
    if (!more_) {
        more_ = std::make_unique<More>();
    }
    more_->ranges.push_back(range);
    // Counted last: a range without memory for its place does not count.
    bytes_ += range.size;
    let_go_of_slabs();
}

/// Looks at the piece that has just ceased to be one of the last kRecentPieces, and at some of the other pieces, round
/// and round: a slab with many users today may later be kept in place for this client alone.
void Outbox::let_go_of_slabs() {
    constexpr int kLooks = 2;
    More& more = *more_;
    if (more.ranges.size() - more.next <= kRecentPieces) {
        // The last pieces share slabs with outboxes that are about to be written.
        return;
    }
    const std::size_t end = more.ranges.size() - kRecentPieces;
    TULLE_ASSERT(end > 0 && more.next < end);
    more.ranges[end - 1].move_out(more.copies);
    for (int i = 0; i < kLooks; ++i) {
        // The round begins again at the first piece that has not become first_.
        if (more.checked < more.next || more.checked >= end) {
            more.checked = more.next;
        }
        more.ranges[more.checked++].move_out(more.copies);
    }
}

std::size_t Outbox::pinned() const {
    if (empty()) {
        return 0;
    }
    std::size_t bytes = first_.pinned();
    for (std::size_t i = more_ ? more_->next : 0; more_ && i < more_->ranges.size(); ++i) {
        bytes += more_->ranges[i].pinned();
    }
    return bytes;
}

void Outbox::gather(std::size_t max_parts, std::vector<std::string_view>& out) const {
    out.clear();
    if (empty()) {
        return;
    }
    out.push_back(front());
    if (more_) {
        for (std::size_t i = more_->next; i < more_->ranges.size() && out.size() < max_parts; ++i) {
            out.push_back(more_->ranges[i].view());
        }
    }
}

void Outbox::advance(std::size_t bytes) {
    TULLE_ASSERT(bytes <= bytes_);
    bytes_ -= static_cast<std::uint32_t>(bytes);
    // Everything is taken: the memory for a slow client is freed as well.
    if (bytes_ == 0) {
        clear();
        return;
    }
    // The peer pays off the bytes of the time-out. on_blocked begins another time-out when nothing is owed.
    if (more_) {
        more_->owed -= std::min(more_->owed, bytes);
    }
    // Whole ranges go; the next range becomes first_.
    while (bytes >= first_.size - first_sent_) {
        bytes -= first_.size - first_sent_;
        first_ = std::move(more_->ranges[more_->next++]);
        first_sent_ = 0;
    }
    first_sent_ += static_cast<std::uint32_t>(bytes);
}

void Outbox::on_blocked(Instant now) {
    if (!more_) {
        more_ = std::make_unique<More>();
    }
    // The time-out of an earlier call still runs.
    if (more_->owed > 0) {
        return;
    }
    more_->owed = bytes_;
    more_->owed_since = now;
    // The ranges that have become first_ are erased here and not in advance(), so that erasing costs once per blocked
    // write.
    more_->ranges.erase(more_->ranges.begin(), more_->ranges.begin() + static_cast<std::ptrdiff_t>(more_->next));
    more_->next = 0;
    more_->checked = 0;
}

std::optional<Instant> Outbox::deadline() const {
    if (!more_ || more_->owed_since == Instant{}) {
        return std::nullopt;
    }
    return more_->owed_since + limits_->write_timeout;
}

void Outbox::keep_started_frame_only(const FrameSize& frame_size) {
    if (empty()) {
        return;
    }
    // Finds the end of the frame that holds the last sent byte, frame by frame from the beginning of the range: a range
    // holds whole frames.
    SlabRange head = first_;
    std::uint32_t end = 0;
    while (end < first_sent_) {
        // A frame without a known size counts as reaching to the end of the range.
        const std::size_t size = frame_size(head.view().substr(end));
        if (size == 0) {
            end = head.size;
            break;
        }
        end += static_cast<std::uint32_t>(std::min<std::size_t>(size, head.size));
    }
    end = std::min(end, head.size);
    const std::uint32_t sent = first_sent_;
    clear();
    // The rest of the frame is copied out, so that a large slab does not stay in place for a few bytes.
    if (end > sent) {
        head.size = end;
        SlabRef copies;
        head.move_out(copies);
        bytes_ = end - sent;
        first_sent_ = sent;
        first_ = std::move(head);
    }
}

void Outbox::clear() {
    forget();
    more_.reset();
}

}  // namespace tulle::node
