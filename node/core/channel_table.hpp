#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mesh/base/hash.hpp"
#include "node/core/slot.hpp"

namespace tulle::node {

/// Tell the hub that this shard has got its first subscriber of `channel`.
struct SubscribeHub {
    std::string channel;
    std::uint64_t generation = 0;
    bool presence = false;  ///< with its members
    bool retained = false;  ///< with its last event
    friend bool operator==(const SubscribeHub&, const SubscribeHub&) = default;
};

/// Tell the hub that this shard has lost its last subscriber of `channel`.
struct UnsubscribeHub {
    std::string channel;
    friend bool operator==(const UnsubscribeHub&, const UnsubscribeHub&) = default;
};

/// Tell the client at `slot` that it is subscribed; from here on the table delivers to it.
struct Confirm {
    Slot slot;
    std::string channel;
    friend bool operator==(const Confirm&, const Confirm&) = default;
};

/// The mesh has confirmed a presence channel: take its user in, then admit the client at `slot`, or unsubscribe it.
struct AskAdmission {
    Slot slot;
    std::string channel;
    friend bool operator==(const AskAdmission&, const AskAdmission&) = default;
};

/// What a channel wants of the mesh beside its messages.
struct ChannelNeeds {
    bool presence = false;  ///< who is in it
    bool retained = false;  ///< its last event
};

using ChannelEffect = std::variant<SubscribeHub, UnsubscribeHub, Confirm, AskAdmission>;
using ChannelEffects = std::vector<ChannelEffect>;

struct ChannelCount {
    std::string channel;  ///< the key
    std::uint64_t subscribers = 0;
    friend bool operator==(const ChannelCount&, const ChannelCount&) = default;
};

/// Who of this shard's connections is subscribed to which channel, and whether the whole mesh knows that we are.
///
/// A channel is pending from its first subscriber until the hub's answer of the same generation; whoever subscribes
/// meanwhile waits for that answer. Confirmation and entry into what `confirmed` returns are one step. Subscribers of a
/// presence channel are held one by one after that, until `admit`.
///
/// Thread: confined to its shard.
/// Order:  run the appended effects in order; `out` is only appended to.
/// Cost:   subscribe, unsubscribe and lookup are O(1); remove is O(channels of the slot).
/// Limits: none of its own; the session bounds channels per connection.
/// Errors: none. Unsubscribing what is not subscribed and an answer to an older generation do nothing.
class ChannelTable {
public:
    /// A repeated subscription of a confirmed channel is confirmed again, of a pending one not. `needs`: always the
    /// same for one channel; those of its first subscriber hold.
    void subscribe(Slot slot, std::string_view channel, const ChannelNeeds& needs, ChannelEffects& out);
    void unsubscribe(Slot slot, std::string_view channel, ChannelEffects& out);
    /// The connection has gone.
    void remove(Slot slot, ChannelEffects& out);
    /// The hub's answer. False: it is to an older subscription, or has come before.
    bool on_subscribed(std::string_view channel, std::uint64_t generation, ChannelEffects& out);

    /// The client at `slot`, which AskAdmission had named and which has not left since, is taken in.
    void admit(Slot slot, std::string_view channel, ChannelEffects& out);

    /// The subscribers to deliver to. Valid until the next change of the table.
    [[nodiscard]] std::span<const Slot> confirmed(std::string_view channel) const;
    [[nodiscard]] bool is_confirmed(Slot slot, std::string_view channel) const;
    /// Channels of one connection, pending ones included.
    [[nodiscard]] std::size_t channels_of(Slot slot) const;
    /// Their keys, in no order. Valid until the next change of the table.
    [[nodiscard]] std::vector<std::string_view> keys_of(Slot slot) const;
    /// Channels with confirmed subscribers whose key starts with `prefix`, sorted by key.
    [[nodiscard]] std::vector<ChannelCount> list(std::string_view prefix) const;
    [[nodiscard]] std::size_t size() const { return ids_.size(); }
    [[nodiscard]] std::size_t subscriptions() const { return places_.size(); }

private:
    using ChannelId = std::uint32_t;

    struct Channel {
        const std::string* name = nullptr;  ///< the key in ids_; null in a free entry
        std::uint64_t generation = 0;
        bool is_confirmed = false;
        bool is_presence = false;
        std::uint32_t admitted = 0;  ///< of the subscribers the first so many
        std::vector<Slot> subscribers;
    };

    /// Where a subscription stands in the lists of its channel and of its slot.
    struct Place {
        std::uint32_t in_channel = 0;
        std::uint32_t in_slot = 0;
    };

    [[nodiscard]] static std::uint64_t place_key(Slot slot, ChannelId id) {
        return (static_cast<std::uint64_t>(slot.value) << 32) | id;
    }
    ChannelId open_channel(std::string_view channel, const ChannelNeeds& needs, ChannelEffects& out);
    void swap_subscribers(ChannelId id, std::uint32_t a, std::uint32_t b);
    void drop(Slot slot, ChannelId id, ChannelEffects& out);

    StringMap<ChannelId> ids_;
    std::vector<Channel> channels_;
    std::vector<ChannelId> free_ids_;
    std::vector<std::vector<ChannelId>> slots_;
    IdMap<Place> places_;
    std::uint64_t last_generation_ = 0;
};

}  // namespace tulle::node
