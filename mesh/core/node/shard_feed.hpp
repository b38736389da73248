#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mesh/core/node/port.hpp"

namespace tulle::mesh {

/// What goes from the hub to one shard: gathered while a turn lasts, and handed over together. The hub never waits:
/// when the shard's mailbox is full, messages are lost, counted by channel, and announced as Gap as soon as there is
/// room, before anything that comes later.
///
/// Thread: confined to the hub; `box` outlives this.
/// Limits: deliveries by the mailbox's capacity; answers are always accepted. Beyond kMaxChannels channels with losses
///         the shard is told that every channel may have been hit. A shard that hosts the hub refuses nothing: its
///         thread takes the mail after each turn of the hub's, and the turns bound it.
class ShardFeed {
public:
    static constexpr std::size_t kMaxChannels = 4096;
    /// Handed over without waiting for the end of the turn: a long one then has a shard on another thread at work
    /// meanwhile.
    static constexpr std::size_t kMaxGathered = 256;

    explicit ShardFeed(ShardMailbox& box) : box_(&box) {}

    void deliver(const RecordPtr& record) {
        announce_losses();
        if (is_host_) {
            answer(Deliver{record});
        } else if (lossy() || box_->try_claim() == Push::kRefused) {
            lose(*record);
        } else {
            gather(Deliver{record});
        }
    }

    /// Before the first turn: the shard's thread runs the hub.
    void set_host() { is_host_ = true; }

    void answer(ToShard message) {
        box_->claim();
        gather(std::move(message));
    }

    /// The turn ends: announces what was lost, if there is room by now, and hands over what was gathered.
    void flush() {
        announce_losses();
        box_->push_claimed(gathered_);
    }

    [[nodiscard]] bool lossy() const { return !lost_.empty() || lost_elsewhere_ > 0; }
    /// Deliveries that found the mailbox full, ever.
    [[nodiscard]] std::uint64_t losses() const { return losses_; }

private:
    void gather(ToShard message) {
        gathered_.push_back(std::move(message));
        if (gathered_.size() >= kMaxGathered) {
            box_->push_claimed(gathered_);
        }
    }

    void announce_losses() {
        if (!lossy() || !box_->has_room()) {
            return;
        }
        for (auto& [channel, missing] : lost_) {
            answer(Gap{channel, missing});
        }
        if (lost_elsewhere_ > 0) {
            answer(Gap{{}, lost_elsewhere_});
        }
        lost_.clear();
        lost_elsewhere_ = 0;
    }

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
    bool is_host_ = false;
    std::vector<ToShard> gathered_;  ///< each with a place claimed in the mailbox
    std::map<std::string, std::uint64_t> lost_;
    std::uint64_t lost_elsewhere_ = 0;
    std::uint64_t losses_ = 0;
};

}  // namespace tulle::mesh
