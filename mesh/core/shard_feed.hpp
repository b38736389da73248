#pragma once

#include <map>
#include <string>
#include <utility>

#include "mesh/core/port.hpp"

namespace tulle::mesh {

/// What goes from the hub to one shard. The hub never waits: when the shard's mailbox is full, messages are lost, counted
/// by channel, and announced as Gap as soon as there is room, before anything that comes later.
///
/// Thread: confined to the hub; `box` outlives this.
/// Limits: deliveries by the mailbox's capacity; answers are always accepted. Beyond kMaxChannels channels with losses
///         the shard is told that every channel may have been hit.
class ShardFeed {
public:
    static constexpr std::size_t kMaxChannels = 4096;

    explicit ShardFeed(ShardMailbox& box) : box_(&box) {}

    void deliver(const RecordPtr& record) {
        flush();
        if (lossy() || box_->try_push(Deliver{record}) == Push::kRefused) {
            lose(*record);
        }
    }

    void answer(ToShard message) { box_->push_reserved(std::move(message)); }

    /// Announces what was lost, if there is room by now.
    void flush() {
        if (!lossy() || !box_->has_room()) {
            return;
        }
        for (auto& [channel, missing] : lost_) {
            box_->push_reserved(Gap{channel, missing});
        }
        if (lost_elsewhere_ > 0) {
            box_->push_reserved(Gap{{}, lost_elsewhere_});
        }
        lost_.clear();
        lost_elsewhere_ = 0;
    }

    [[nodiscard]] bool lossy() const { return !lost_.empty() || lost_elsewhere_ > 0; }
    /// Deliveries that found the mailbox full, ever.
    [[nodiscard]] std::uint64_t losses() const { return losses_; }

private:
    void lose(const Record& record) {
        ++losses_;
        for (const std::string& channel : record.channels) {
            if (lost_.size() < kMaxChannels || lost_.contains(channel)) {
                ++lost_[channel];
            } else {
                ++lost_elsewhere_;
            }
        }
    }

    ShardMailbox* box_;
    std::map<std::string, std::uint64_t> lost_;
    std::uint64_t lost_elsewhere_ = 0;
    std::uint64_t losses_ = 0;
};

}  // namespace tulle::mesh
