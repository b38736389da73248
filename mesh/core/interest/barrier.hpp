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

/// Subscriptions that wait until every member has acknowledged the change of interest that added their channel.
/// Thread: confined to the hub. Order: released by ticket, and in the order of arrival within one.
/// Limits: one entry for each channel that a shard has subscribers of now: a subscription that has ended is forgotten.
class Barrier {
public:
    struct Waiting {
        ShardIndex shard;
        Subscribed answer;
        bool presence = false;      ///< then for the members' lists of their users …
        bool retained = false;      ///< … or for their last events of the channel …
        Instant untold_since = {};  ///< … from this moment on
    };

    void wait(InterestTicket ticket, Waiting waiting) {
        places_[waiting.answer.channel].emplace_back(waiting.shard, ticket);
        waiting_[ticket].push_back(std::move(waiting));
        ++waits_;
        ++size_;
    }

    /// The shard has no subscriber of the channel left.
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

    /// All that waited for a ticket up to `covered`.
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
    /// Subscriptions that had to wait, ever.
    [[nodiscard]] std::uint64_t waits() const { return waits_; }

private:
    using Place = std::pair<ShardIndex, InterestTicket>;

    void forget_place(const std::string& channel, const Place& place) {
        const auto found = places_.find(channel);
        if (found == places_.end()) {
            return;  // the shard had asked twice
        }
        std::erase(found->second, place);
        if (found->second.empty()) {
            places_.erase(found);
        }
    }

    void drop(InterestTicket ticket, ShardIndex shard, const std::string& channel) {
        const auto group = waiting_.find(ticket);
        if (group == waiting_.end()) {
            return;  // the shard had asked twice
        }
        size_ -= std::erase_if(group->second, [&](const Waiting& waiting) {
            return waiting.shard == shard && waiting.answer.channel == channel;
        });
        if (group->second.empty()) {
            waiting_.erase(group);
        }
    }

    std::map<InterestTicket, std::vector<Waiting>> waiting_;
    StringMap<std::vector<Place>> places_;  // of the waiting, by channel
    std::size_t size_ = 0;
    std::uint64_t waits_ = 0;
};

}  // namespace tulle::mesh
