#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "mesh/base/assert.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/records/record.hpp"
#include "node/edge/clock.hpp"
#include "node/edge/shard_counters.hpp"
#include "node/edge/span_queue.hpp"

namespace tulle::node {

/// The measured messages of a turn, from their delivery to the edges until their frames have been written. Only
/// messages that say when they were numbered are measured (mesh::TimedRecords), so that most messages cost a
/// comparison. The spans of traced messages end with the turn too.
///
/// Thread: the shard's.
/// Limits: kMost messages and kMost spans are held; a further message is not measured, and a further span is dropped
///         and counted.
/// Errors: trace() may throw std::bad_alloc; the other functions throw nothing.
class DeliveryTimes {
public:
    static constexpr std::size_t kMost = 64;

    /// A message goes to the edges.
    void note(const mesh::Numbered& numbered) {
        if (numbered.by != mesh::Numbered::By::kUnknown && held_ < kMost) {
            messages_[held_++] = numbered;
        }
    }
    /// True when the turn can hold one more span. Otherwise counts the span that will be missing.
    [[nodiscard]] bool has_room_for_span() {
        const bool has_room = spans_.size() < kMost;
        missed_spans_ += has_room ? 0 : 1;
        return has_room;
    }
    /// The span of a message that goes to clients, without its end. `queue` outlives the turn. REQUIRES: there is room.
    void trace(Span span, SpanQueue& queue) {
        TULLE_ASSERT(spans_.size() < kMost);
        spans_.emplace_back(std::move(span), &queue);
    }
    [[nodiscard]] bool is_empty() const { return held_ == 0 && spans_.empty() && missed_spans_ == 0; }
    /// Every frame has been written, or waits for a client that takes no more: counts the messages as delivered `now`.
    void tell(Instant now, ShardCounters& counters) noexcept {
        TULLE_ASSERT(held_ <= kMost);
        for (std::size_t i = 0; i < held_; ++i) {
            const bool is_own = messages_[i].by == mesh::Numbered::By::kThisNode;
            (is_own ? counters.delivery_local : counters.delivery_mesh).observe(now - messages_[i].at);
        }
        held_ = 0;
        if (!spans_.empty()) {
            const std::uint64_t wall = wall_ns();
            for (auto& [span, queue] : spans_) {
                // The wall clock may have been set back.
                span.ended_ns = std::max(span.begun_ns, wall);
                queue->add(std::move(span));
            }
            spans_.clear();
        }
        counters.spans_dropped_total.add(std::exchange(missed_spans_, 0));
    }

private:
    std::array<mesh::Numbered, kMost> messages_{};
    std::size_t held_ = 0;
    std::vector<std::pair<Span, SpanQueue*>> spans_;
    std::uint64_t missed_spans_ = 0;
};

}  // namespace tulle::node
