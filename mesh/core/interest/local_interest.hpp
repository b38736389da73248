#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "mesh/base/assert.hpp"
#include "mesh/base/hash.hpp"
#include "mesh/core/interest/interest_log.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::mesh {

/// The shards of this node with subscribers, by channel, and for each channel the version by which the peers were told.
///
/// Subscriptions come and go as fast as clients like. A change gets a version only while the peers keep up: while the
/// log has not passed `window_end`. Beyond, changed channels wait in the order of their changes, each channel once. A
/// channel that was added and removed while waiting is never told at all. So the number of unacknowledged changes is
/// bounded, the log never overtakes a peer, and a new channel waits for at most the channels before it that differ from
/// the peers' knowledge: channels with subscribers now, and channels that the peers were told of.
///
/// Each change takes a ticket when the change is made. Tickets get their versions in ticket order. A peer with a
/// version therefore holds every earlier ticket too, and covered() can translate a version into a ticket.
///
/// Thread: confined to the hub.
/// Limits: one entry for each channel with subscribers here or known to the peers. The limits on subscriptions at the
///         edge bound the number of channels.
class LocalInterest {
public:
    explicit LocalInterest(const Limits& limits) : log_(limits) {}

    /// Notes a subscriber of `channel` on `shard`. Returns the ticket that must be covered before the subscription may
    /// be confirmed. A second call for the same shard and channel changes nothing.
    InterestTicket add(ShardIndex shard, const std::string& channel);
    /// Notes: `shard` has no subscriber of `channel` any more. Without effect when the shard had none.
    void remove(ShardIndex shard, const std::string& channel);

    /// Changes may get versions up to `end`. Waiting changes get theirs at once, as far as the window reaches.
    void open_window(InterestVersion end);
    /// True when some changes wait for a version because the window is closed.
    [[nodiscard]] bool is_backed_up() const { return !pending_.empty(); }
    [[nodiscard]] std::size_t pending() const { return pending_.size(); }
    /// The greatest ticket T such that each ticket up to T is contained in version `acked`, or has become void.
    [[nodiscard]] InterestTicket covered(InterestVersion acked) const;

    /// The shards with subscribers of a channel of `record`, or of `channel`. A mask: bit i stands for shard i.
    [[nodiscard]] std::uint64_t shards_of(const Record& record) const;
    [[nodiscard]] std::uint64_t shards_of(const std::string& channel) const;
    /// The version that told the peers of the present interest in `channel`. Nothing without interest, or while the
    /// peers are still to be told.
    [[nodiscard]] std::optional<InterestVersion> since(const std::string& channel) const;

    /// Channels with subscribers here, and channels that the peers still believe to have subscribers here.
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] const InterestLog& log() const { return log_; }

private:
    /// The state of one channel.
    struct Entry {
        /// Shards with subscribers. 0: only the removal is still to be told.
        std::uint64_t shards = 0;
        /// The version that told the peers of the channel. Valid when `is_told`.
        InterestVersion since;
        /// The ticket of version `since`.
        InterestTicket told;
        /// The key of this entry in `pending_`. Valid when `is_waiting`.
        InterestTicket waiting;
        /// True when the log contains the channel.
        bool is_told = false;
        /// True when the peers must be told of the channel, or of its removal.
        bool is_waiting = false;
    };
    using Entries = StringMap<Entry>;

    static std::uint64_t bit(ShardIndex shard) {
        TULLE_ASSERT(shard.value < kMaxShards);
        return std::uint64_t{1} << shard.value;
    }
    /// Gives the entry a new ticket and a place at the end of `pending_`. REQUIRES: the entry does not wait.
    void wait(Entries::value_type& entry);
    /// Removes the entry from `pending_`. The ticket becomes void. REQUIRES: the entry waits.
    void stop_waiting(Entry& entry);
    /// Gives waiting changes their versions, in ticket order, while the window is open.
    void commit();

    InterestLog log_;
    Entries entries_;
    // The entries without a version for their last change. The pointers stay valid: a StringMap never moves its nodes.
    std::map<InterestTicket, Entries::value_type*> pending_;
    InterestTicket last_ticket_;
    InterestVersion window_end_;
};

}  // namespace tulle::mesh
