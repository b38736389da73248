#pragma once

#include <map>
#include <string>
#include <vector>

#include "mesh/core/messages.hpp"
#include "mesh/core/port.hpp"

namespace tulle::mesh {

/// Subscriptions that wait until every member has acknowledged the version that added their channel.
/// Thread: confined to the hub. Order: released by version, and in the order of arrival within one.
class Barrier {
public:
    struct Waiting {
        ShardIndex shard;
        Subscribed answer;
        bool presence = false;  ///< then for the members' lists of their users …
        bool kept = false;      ///< … or for their last events of the channel
    };

    void wait(InterestVersion version, Waiting waiting) {
        waiting_[version].push_back(std::move(waiting));
        ++waits_;
    }

    /// All that waited for a version up to `acked`.
    [[nodiscard]] std::vector<Waiting> release(InterestVersion acked) {
        std::vector<Waiting> released;
        while (!waiting_.empty() && waiting_.begin()->first <= acked) {
            auto& group = waiting_.begin()->second;
            released.insert(released.end(), std::make_move_iterator(group.begin()), std::make_move_iterator(group.end()));
            waiting_.erase(waiting_.begin());
        }
        return released;
    }

    [[nodiscard]] bool empty() const { return waiting_.empty(); }
    /// Subscriptions that had to wait, ever.
    [[nodiscard]] std::uint64_t waits() const { return waits_; }

private:
    std::map<InterestVersion, std::vector<Waiting>> waiting_;
    std::uint64_t waits_ = 0;
};

}  // namespace tulle::mesh
