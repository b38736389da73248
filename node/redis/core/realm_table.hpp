#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/hash.hpp"
#include "node/core/channel_table.hpp"
#include "node/core/slot.hpp"

namespace tulle::node::redis {

/// The three name spaces of Redis' publish and subscribe. A channel and a shard channel of equal name are two.
enum class Kind : std::uint8_t {
    /// SUBSCRIBE, PUBLISH.
    kChannel,
    /// PSUBSCRIBE: receives what is published to the channels that match.
    kPattern,
    /// SSUBSCRIBE, SPUBLISH.
    kShardChannel
};
inline constexpr std::size_t kKinds = 3;

/// The subscriptions that this shard's connections have in one realm.
///
/// A subscription counts at once: every node gets every publish of a realm (RedisEdge), so no answer of the mesh is
/// waited for.
///
/// Thread: confined to its shard.
/// Cost:   add, remove and subscribers are O(1); names_of is O(names of the slot).
/// Limits: none of its own; the session bounds the subscriptions of a connection.
/// Errors: throws std::bad_alloc. An exception of add leaves no subscription behind.
class RealmTable {
public:
    /// True: the connection is subscribed to the name.
    [[nodiscard]] bool holds(Kind kind, Slot slot, std::string_view name) const;
    /// Adds a subscription. REQUIRES: !holds(kind, slot, name).
    void add(Kind kind, Slot slot, std::string_view name);
    /// True: the connection was subscribed to the name.
    bool remove(Kind kind, Slot slot, std::string_view name);

    /// The connections to deliver to. Valid until the next change of the table.
    [[nodiscard]] std::span<const Slot> subscribers(Kind kind, std::string_view name) const {
        // Messages to one channel follow each other.
        if (!last_.is_known || last_.kind != kind || last_.name != name) {
            last_.is_known = false;
            last_.slots = of(kind).confirmed(name);
            last_.kind = kind;
            last_.name.assign(name);
            last_.is_known = true;
        }
        return last_.slots;
    }
    /// The names that a connection is subscribed to, in no particular order.
    [[nodiscard]] std::vector<std::string> names_of(Kind kind, Slot slot) const;
    /// Every pattern with a subscriber on this shard, once each. Valid until the next change of the table.
    [[nodiscard]] const std::vector<std::string>& patterns() const { return patterns_; }

private:
    [[nodiscard]] ChannelTable& of(Kind kind) {
        last_.is_known = false;
        return tables_[static_cast<std::size_t>(kind)];
    }
    [[nodiscard]] const ChannelTable& of(Kind kind) const { return tables_[static_cast<std::size_t>(kind)]; }
    /// Takes a pattern that has lost its last subscriber out of patterns_.
    void follow(Kind kind);

    std::array<ChannelTable, kKinds> tables_;
    std::vector<std::string> patterns_;
    /// The place of each pattern in patterns_.
    StringMap<std::size_t> pattern_places_;
    /// The effects of the last change. A member, so that the memory is used again.
    ChannelEffects effects_;
    /// The last result of subscribers(). Any change forgets the result.
    struct Last {
        bool is_known = false;
        Kind kind = Kind::kChannel;
        std::string name;
        std::span<const Slot> slots;
    };
    mutable Last last_;
};

}  // namespace tulle::node::redis
