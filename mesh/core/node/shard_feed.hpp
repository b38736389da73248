#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mesh/core/node/port.hpp"

namespace tulle::mesh {

/// The way from the hub to a shard: messages are gathered during a turn, and handed over together. The hub never waits:
/// when the shard's mailbox is full, deliveries are lost, counted by channel, and announced as Gap as soon as there is
/// room, before anything later.
///
/// Thread: confined to the hub.
/// Ownership: `box` outlives the feed.
/// Limits: deliveries by the mailbox's capacity; answers are always accepted. Beyond kMaxChannels channels with losses
///         the shard is told that every channel may have been hit. A shard that hosts the hub refuses nothing: its
///         thread takes the mail after each turn of the hub, and the turns bound the mail.
/// Errors: none but losses, see Limits.
class ShardFeed {
public:
    /// Channels with exact counts of losses: bounds the memory of the counts.
    static constexpr std::size_t kMaxChannels = 4096;
    /// Messages handed over without waiting for the end of the turn: in a long turn a shard on another thread then
    /// works at the same time.
    static constexpr std::size_t kMaxGathered = 256;

    explicit ShardFeed(ShardMailbox& box) : box_(&box) {}

    /// Delivers a record, or counts its loss when the mailbox is full.
    void deliver(const RecordPtr& record, const Numbered& numbered = {}) {
        // Losses come first, so a Gap never follows later records.
        announce_losses();
        if (is_host_) {
            answer(Deliver{record, numbered});
        } else if (lossy() || box_->try_claim() == Push::kRefused) {
            lose(*record);
        } else {
            gather(Deliver{record, numbered});
        }
    }

    /// The shard's own thread runs the hub. Call before the first turn.
    void set_host() { is_host_ = true; }

    /// Hands over an answer or another message that must not be lost; the capacity does not count.
    void answer(ToShard message) {
        box_->claim();
        gather(std::move(message));
    }

    /// Ends a turn: announces losses if there is room by now, and hands over the gathered messages.
    void flush() {
        announce_losses();
        box_->push_claimed(gathered_);
    }

    /// True while losses are not announced yet. Deliveries are lost meanwhile, to keep the order.
    [[nodiscard]] bool lossy() const { return !lost_.empty() || lost_elsewhere_ > 0; }
    /// Deliveries that found the mailbox full, since the start.
    [[nodiscard]] std::uint64_t losses() const { return losses_; }

private:
    /// REQUIRES: a place in the mailbox has been claimed for the message.
    void gather(ToShard message) {
        gathered_.push_back(std::move(message));
        if (gathered_.size() >= kMaxGathered) {
            box_->push_claimed(gathered_);
        }
    }

    /// Sends the Gaps if there is room, and forgets the losses.
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

    /// Counts the loss for each channel of the record.
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
    /// Each message has a place claimed in the mailbox.
    std::vector<ToShard> gathered_;
    /// Losses by channel, and on channels beyond kMaxChannels.
    std::map<std::string, std::uint64_t> lost_;
    std::uint64_t lost_elsewhere_ = 0;
    std::uint64_t losses_ = 0;
};

}  // namespace tulle::mesh
