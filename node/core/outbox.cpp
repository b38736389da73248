#include "node/core/outbox.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "node/core/ws_frame.hpp"

namespace tulle::node {
namespace {

/// An emptied queue keeps room for this many ranges; an idle connection should cost next to nothing.
constexpr std::size_t kKeptRanges = 8;

}  // namespace

Room Outbox::push(const SlabRange& range) {
    if (bytes_ + range.size > limits_.max_bytes) {
        return Room::kFull;
    }
    push_unchecked(range);
    return Room::kQueued;
}

void Outbox::push_last(const SlabRange& range) { push_unchecked(range); }

void Outbox::push_unchecked(const SlabRange& range) {
    bytes_ += range.size;
    if (ranges_.size() > first_) {
        SlabRange& last = ranges_.back();
        if (last.slab == range.slab && last.offset + last.size == range.offset) {
            last.size += range.size;
            return;
        }
    }
    ranges_.push_back(range);
}

void Outbox::gather(std::size_t max_parts, std::vector<std::string_view>& out) const {
    out.clear();
    for (std::size_t i = first_; i < ranges_.size() && out.size() < max_parts; ++i) {
        out.push_back(ranges_[i].view().substr(i == first_ ? first_sent_ : 0));
    }
}

void Outbox::on_sent(std::size_t bytes) {
    TULLE_ASSERT(bytes <= bytes_);
    bytes_ -= bytes;
    sent_total_ += bytes;
    while (bytes > 0) {
        const std::size_t rest = ranges_[first_].size - first_sent_;
        if (bytes < rest) {
            first_sent_ += bytes;
            break;
        }
        bytes -= rest;
        first_sent_ = 0;
        ranges_[first_].slab = SlabRef{};
        ++first_;
    }
    if (bytes_ == 0) {
        is_blocked_ = false;
        release_if_large();
    }
}

void Outbox::release_if_large() {
    ranges_.clear();
    first_ = 0;
    first_sent_ = 0;
    if (ranges_.capacity() > kKeptRanges) {
        ranges_.shrink_to_fit();
    }
}

void Outbox::on_blocked(Instant now) {
    if (is_blocked_ && sent_total_ < mark_) {
        return;
    }
    is_blocked_ = true;
    mark_ = sent_total_ + bytes_;
    mark_since_ = now;
    if (first_ > 0) {
        ranges_.erase(ranges_.begin(), ranges_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
    }
}

std::optional<Instant> Outbox::deadline() const {
    if (!is_blocked_) {
        return std::nullopt;
    }
    return mark_since_ + limits_.write_timeout;
}

void Outbox::keep_started_frame_only() {
    if (empty()) {
        return;
    }
    SlabRange head = ranges_[first_];
    std::size_t end = 0;
    while (end < first_sent_) {
        const std::size_t size = frame_size(head.view().substr(end));
        if (size == 0) {
            end = head.size;
            break;
        }
        end += size;
    }
    end = std::min(end, head.size);
    const std::size_t sent = first_sent_;
    clear();
    if (end > sent) {
        head.size = end;
        bytes_ = end - sent;
        first_sent_ = sent;
        ranges_.push_back(std::move(head));
    }
}

void Outbox::clear() {
    bytes_ = 0;
    is_blocked_ = false;
    release_if_large();
}

}  // namespace tulle::node
