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

/// Which shards of this node have subscribers of a channel, and since which version the peers are told so.
///
/// Subscriptions come and go as fast as clients like, but a change gets a version only while the peers keep up: while
/// the log reaches no further than `window_end`. Beyond that, what has changed waits, one entry for each channel, in
/// the order in which the channels changed; a channel that was added and removed meanwhile is never told of. So what
/// the peers have still to acknowledge is bounded, no peer is ever overtaken by the log, and a new channel waits for no
/// more than the channels before it that differ from what the peers know: at most those with subscribers now, and those
/// that the peers were told of.
///
/// Each change takes a ticket when it is made. Tickets are given their versions in their order, so that who has
/// acknowledged a version is known to hold every earlier ticket too (covered).
/// Thread: confined to the hub.
class LocalInterest {
public:
    explicit LocalInterest(const Limits& limits) : log_(limits) {}

    /// The ticket that must be covered before the subscription is confirmed. Idempotent per shard.
    InterestTicket add(ShardIndex shard, const std::string& channel);
    void remove(ShardIndex shard, const std::string& channel);

    /// Changes may get versions up to `end`; those that have waited do at once.
    void open_window(InterestVersion end);
    /// Some changes wait for their version.
    [[nodiscard]] bool is_backed_up() const { return !pending_.empty(); }
    [[nodiscard]] std::size_t pending() const { return pending_.size(); }
    /// The last ticket of those that are all contained in version `acked`, or are void.
    [[nodiscard]] InterestTicket covered(InterestVersion acked) const;

    /// The shards that have subscribers of any channel of `record`, as a mask.
    [[nodiscard]] std::uint64_t shards_of(const Record& record) const;
    [[nodiscard]] std::uint64_t shards_of(const std::string& channel) const;
    /// The version that brought our present interest in `channel`; nothing without any, or when the peers are still to
    /// be told.
    [[nodiscard]] std::optional<InterestVersion> since(const std::string& channel) const;

    /// Channels with subscribers here, and those that the peers have still to be told to be without.
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] const InterestLog& log() const { return log_; }

private:
    struct Entry {
        std::uint64_t shards = 0;
        InterestVersion since;    // of the peers' being told, when is_told
        InterestTicket told;      // the ticket of that
        InterestTicket waiting;   // the key in pending_, when is_waiting
        bool is_told = false;     // the log contains the channel
        bool is_waiting = false;  // it must be told again, or must be told to be gone
    };
    using Entries = StringMap<Entry>;

    static std::uint64_t bit(ShardIndex shard) {
        TULLE_ASSERT(shard.value < kMaxShards);
        return std::uint64_t{1} << shard.value;
    }
    void wait(Entries::value_type& entry);
    void stop_waiting(Entry& entry);
    void commit();

    InterestLog log_;
    Entries entries_;
    std::map<InterestTicket, Entries::value_type*> pending_;
    InterestTicket last_ticket_;
    InterestVersion window_end_;
};

}  // namespace tulle::mesh
