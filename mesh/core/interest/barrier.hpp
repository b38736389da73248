#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/assert.hpp"
#include "mesh/base/hash.hpp"
#include "mesh/core/interest/local_interest.hpp"
#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::mesh {

/// Holds subscriptions until every peer has acknowledged the change of interest that added the channel. Without the
/// barrier a client could hear `subscription_succeeded` while some node does not yet send the channel's records here.
///
/// Thread: confined to the hub.
/// Order:  subscriptions are released by ascending ticket. Within a ticket the order of arrival counts.
/// Limits: entries only for channels with subscribers on a shard now: forget() removes an ended subscription.
class Barrier {
public:
    /// A subscription behind the barrier, with the answer for its shard.
    struct Waiting {
        ShardIndex shard;
        Subscribed answer;
        /// True for a presence channel: behind the barrier the subscription also waits for every peer's list of users.
        bool presence = false;
        /// True for a channel with a retained event: behind the barrier the subscription also waits for every peer's
        /// answer about the event.
        bool retained = false;
        /// Start of the wait for the peers' lists and answers. Instant{} while the subscription is still behind the
        /// barrier.
        Instant untold_since = {};
    };

    /// Puts a subscription behind the barrier. release() returns the subscription as soon as `ticket` is covered.
    void wait(InterestTicket ticket, Waiting waiting) {
        places_[waiting.answer.channel].emplace_back(waiting.shard, ticket);
        waiting_[ticket].push_back(std::move(waiting));
        ++waits_;
        ++size_;
    }

    /// Removes the subscriptions of `shard` to `channel`, because the shard has no subscriber of the channel left.
    void forget(ShardIndex shard, const std::string& channel) {
        const auto found = places_.find(channel);
        if (found == places_.end()) {
            return;
        }
        for (const auto& [waiter, ticket] : found->second) {
            if (waiter == shard) {
                drop(ticket, shard, channel);
            }
        }
        std::erase_if(found->second, [shard](const auto& place) { return place.first == shard; });
        if (found->second.empty()) {
            places_.erase(found);
        }
    }

    /// Removes and returns all subscriptions with a ticket of at most `covered`. The caller confirms the returned
    /// subscriptions.
    [[nodiscard]] std::vector<Waiting> release(InterestTicket covered) {
        std::vector<Waiting> released;
        while (!waiting_.empty() && waiting_.begin()->first <= covered) {
            for (Waiting& waiting : waiting_.begin()->second) {
                forget_place(waiting.answer.channel, {waiting.shard, waiting_.begin()->first});
                released.push_back(std::move(waiting));
            }
            waiting_.erase(waiting_.begin());
        }
        TULLE_ASSERT(released.size() <= size_);
        size_ -= released.size();
        TULLE_ASSERT(waiting_.empty() == (size_ == 0));
        return released;
    }

    [[nodiscard]] bool empty() const { return waiting_.empty(); }
    [[nodiscard]] std::size_t size() const { return size_; }
    /// Subscriptions ever put behind the barrier. The counter only grows.
    [[nodiscard]] std::uint64_t waits() const { return waits_; }

private:
    /// Where a channel's subscription waits: the shard and the ticket.
    using Place = std::pair<ShardIndex, InterestTicket>;

    /// Removes one entry of `places_` after release.
    void forget_place(const std::string& channel, const Place& place) {
        const auto found = places_.find(channel);
        if (found == places_.end()) {
            // Absent when the shard subscribed twice: the first entry has removed the place already.
            return;
        }
        std::erase(found->second, place);
        if (found->second.empty()) {
            places_.erase(found);
        }
    }

    /// Removes the subscriptions of one shard to one channel from the group of `ticket`.
    void drop(InterestTicket ticket, ShardIndex shard, const std::string& channel) {
        const auto group = waiting_.find(ticket);
        if (group == waiting_.end()) {
            // Absent when the shard subscribed twice: the first place has removed the whole group already.
            return;
        }
        size_ -= std::erase_if(group->second, [&](const Waiting& waiting) {
            return waiting.shard == shard && waiting.answer.channel == channel;
        });
        if (group->second.empty()) {
            waiting_.erase(group);
        }
    }

    // The subscriptions behind the barrier, by ticket.
    std::map<InterestTicket, std::vector<Waiting>> waiting_;
    // By channel: where the channel's subscriptions stand in `waiting_`. Makes forget() independent of the number of
    // subscriptions behind the barrier.
    StringMap<std::vector<Place>> places_;
    std::size_t size_ = 0;
    std::uint64_t waits_ = 0;
};

}  // namespace tulle::mesh
