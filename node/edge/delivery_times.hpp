#pragma once

#include <array>
#include <cstddef>

#include "mesh/base/assert.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/records/record.hpp"
#include "node/edge/shard_counters.hpp"

namespace tulle::node {

/// The measured messages of a turn, from their delivery to the edges until their frames have been written. Only
/// messages that say when they were numbered are measured (mesh::TimedRecords), so that most messages cost a
/// comparison.
///
/// Thread: the shard's.
/// Limits: kMost messages are held; a further message is not measured.
/// Errors: none.
class DeliveryTimes {
public:
    static constexpr std::size_t kMost = 64;

    /// A message goes to the edges.
    void note(const mesh::Numbered& numbered) {
        if (numbered.by != mesh::Numbered::By::kUnknown && held_ < kMost) {
            messages_[held_++] = numbered;
        }
    }
    [[nodiscard]] bool is_empty() const { return held_ == 0; }
    /// Every frame has been written, or waits for a client that takes no more: counts the messages as delivered `now`.
    void tell(Instant now, ShardCounters& counters) {
        TULLE_ASSERT(held_ <= kMost);
        for (std::size_t i = 0; i < held_; ++i) {
            const bool is_own = messages_[i].by == mesh::Numbered::By::kThisNode;
            (is_own ? counters.delivery_local : counters.delivery_mesh).observe(now - messages_[i].at);
        }
        held_ = 0;
    }

private:
    std::array<mesh::Numbered, kMost> messages_{};
    std::size_t held_ = 0;
};

}  // namespace tulle::node
