#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "mesh/core/interest/interest_table.hpp"
#include "mesh/core/interest/local_interest.hpp"
#include "mesh/core/retained/retained_table.hpp"

namespace tulle::mesh {

/// Decides for each record: due to a node, or to a shard of this node, or not. Every service that sends, repeats, fills
/// in or delivers a record asks the audience, so that all services decide alike.
///
/// A record is due to a node with interest in at least one channel of the record, and to a node that is a keeper of a
/// retained channel of the record, or of a channel with history. On this node a record is due to the shards with
/// subscribers of at least one channel.
///
/// Thread: confined to the hub.
/// Ownership: the audience reads three tables of other services and owns none. The tables outlive the audience.
class Audience {
public:
    /// A peer in session, by the two names under which the tables know the peer.
    struct Reader {
        OriginId oid;
        InterestSlot slot;
    };
    /// The source of a record's keepers.
    /// kNamed: the nodes that the origin named when the origin accepted the record. Only the origin knows the list.
    /// kPresent: the nodes that rendezvous hashing names among the nodes present now. For records of other origins.
    enum class Keepers : std::uint8_t { kNamed, kPresent };

    Audience(const InterestTable& interest, const RetainedTable& retained, const LocalInterest& local)
        : interest_(&interest), retained_(&retained), local_(&local) {}

    /// True when the reader has interest in `key`: in the messages of a channel or, for a marked key, in the channel's
    /// users or retained event.
    [[nodiscard]] bool wants(const Reader& reader, std::string_view key) const {
        return interest_->interested(reader.slot, key);
    }
    /// True when `record` must reach the reader: by interest in a channel of the record, or as a keeper.
    [[nodiscard]] bool is_due(const Reader& reader, const Record& record, Keepers keepers = Keepers::kNamed) const {
        return is_keeper(reader.oid, record, keepers) ||
               std::any_of(record.channels.begin(), record.channels.end(),
                           [&](const std::string& channel) { return wants(reader, channel); });
    }
    /// True when this node, the record's origin, has named the node as a keeper.
    [[nodiscard]] static bool is_named_keeper(OriginId oid, const Record& record) {
        return std::find(record.keepers.begin(), record.keepers.end(), oid) != record.keepers.end();
    }
    /// is_due() for a record of this node, asked in the other direction. Calls `slot(InterestSlot)` for each peer with
    /// interest in a channel of the record, and `keeper(OriginId)` for each keeper of the record. A keeper may be this
    /// node. A peer with interest in several channels, or a peer that is a keeper too, is named several times: the
    /// caller must tolerate repeats.
    template <class OnSlot, class OnKeeper>
    void each_reader(const Record& record, OnSlot&& slot, OnKeeper&& keeper) const {
        for (const std::string& channel : record.channels) {
            interest_->each_interested(channel, slot);
        }
        for (const OriginId oid : record.keepers) {
            keeper(oid);
        }
    }
    /// The shards of this node with subscribers of a channel of `record`, or of `key`. A mask: bit i stands for shard
    /// i.
    [[nodiscard]] std::uint64_t shards_of(const Record& record) const { return local_->shards_of(record); }
    [[nodiscard]] std::uint64_t shards_of(const std::string& key) const { return local_->shards_of(key); }

private:
    /// True when node `oid` is a keeper of a retained channel of `record`, or of a channel with history.
    [[nodiscard]] bool is_keeper(OriginId oid, const Record& record, Keepers keepers) const {
        if (keepers == Keepers::kNamed) {
            return is_named_keeper(oid, record);
        }
        // The first `record.retained` channels keep the record as their retained event, and some channels in their
        // history: only these channels have keepers.
        const auto end = record.channels.begin() + static_cast<std::ptrdiff_t>(record.retained);
        const auto keeps = [&](const std::string& channel) { return retained_->keeps(oid, channel); };
        return std::any_of(record.channels.begin(), end, keeps) || (record.history && keeps_history(oid, record));
    }
    /// True when node `oid` is a keeper of a channel of `record` with history.
    [[nodiscard]] bool keeps_history(OriginId oid, const Record& record) const {
        for (std::size_t i = 0; i < record.channels.size(); ++i) {
            if (record.history->of(i) != nullptr && retained_->keeps(oid, record.channels[i])) {
                return true;
            }
        }
        return false;
    }

    const InterestTable* interest_;
    const RetainedTable* retained_;
    const LocalInterest* local_;
};

}  // namespace tulle::mesh
