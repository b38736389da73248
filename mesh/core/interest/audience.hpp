#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "mesh/core/interest/interest_table.hpp"
#include "mesh/core/interest/local_interest.hpp"
#include "mesh/core/retained/retained_table.hpp"

namespace tulle::mesh {

/// Whom a record is due to. Whoever sends, repeats, fills in or delivers a record asks here, and nowhere else.
///
/// A record is due to a node that has interest in one of the record's channels, and to a node that is to keep the last
/// event of one of them. On this node it is due to the shards that have subscribers of one of the channels.
///
/// Thread: confined to the hub. The three tables outlive the audience.
class Audience {
public:
    /// A peer in session, by the names that the tables know it under.
    struct Reader {
        OriginId oid;
        InterestSlot slot;
    };
    /// Who is to keep a record's channels: the nodes that the origin named when it accepted the record (only the origin
    /// knows them), or, of another origin's record, those that rendezvous hashing names among the present nodes.
    enum class Keepers : std::uint8_t { kNamed, kPresent };

    Audience(const InterestTable& interest, const RetainedTable& retained, const LocalInterest& local)
        : interest_(&interest), retained_(&retained), local_(&local) {}

    /// The reader asks for what `key` stands for: the messages of a channel, or, of a marked key, what is told beside.
    [[nodiscard]] bool wants(const Reader& reader, std::string_view key) const {
        return interest_->interested(reader.slot, key);
    }
    [[nodiscard]] bool is_due(const Reader& reader, const Record& record, Keepers keepers = Keepers::kNamed) const {
        return is_keeper(reader.oid, record, keepers) ||
               std::any_of(record.channels.begin(), record.channels.end(),
                           [&](const std::string& channel) { return wants(reader, channel); });
    }
    /// is_due() of a record of our own, asked the other way round: calls `slot(InterestSlot)` for each peer with
    /// interest and `keeper(OriginId)` for each node that keeps a channel, this node perhaps included. A peer may be
    /// named several times.
    template <class OnSlot, class OnKeeper>
    void each_reader(const Record& record, OnSlot&& slot, OnKeeper&& keeper) const {
        for (const std::string& channel : record.channels) {
            interest_->each_interested(channel, slot);
        }
        for (const OriginId oid : record.keepers) {
            keeper(oid);
        }
    }
    /// The shards of this node that a record, or what is told of a key, is due to, as a mask.
    [[nodiscard]] std::uint64_t shards_of(const Record& record) const { return local_->shards_of(record); }
    [[nodiscard]] std::uint64_t shards_of(const std::string& key) const { return local_->shards_of(key); }

private:
    [[nodiscard]] bool is_keeper(OriginId oid, const Record& record, Keepers keepers) const {
        if (keepers == Keepers::kNamed) {
            return std::find(record.keepers.begin(), record.keepers.end(), oid) != record.keepers.end();
        }
        const auto end = record.channels.begin() + static_cast<std::ptrdiff_t>(record.retained);
        return std::any_of(record.channels.begin(), end,
                           [&](const std::string& channel) { return retained_->keeps(oid, channel); });
    }

    const InterestTable* interest_;
    const RetainedTable* retained_;
    const LocalInterest* local_;
};

}  // namespace tulle::mesh
