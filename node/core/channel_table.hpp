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

/// Effect: tell the hub about the first subscriber of `channel` on this shard.
struct SubscribeHub {
    std::string channel;
    /// The number of this opening of the channel. The hub's answer carries the same number.
    std::uint64_t generation = 0;
    /// The answer must bring the users of the channel.
    bool presence = false;
    /// The answer must bring the last event of the channel.
    bool retained = false;
    friend bool operator==(const SubscribeHub&, const SubscribeHub&) = default;
};

/// Effect: tell the hub that this shard has lost the last subscriber of `channel`.
struct UnsubscribeHub {
    std::string channel;
    friend bool operator==(const UnsubscribeHub&, const UnsubscribeHub&) = default;
};

/// Effect: tell the client at `slot` about the successful subscription. From here on `confirmed` returns the slot.
struct Confirm {
    Slot slot;
    std::string channel;
    friend bool operator==(const Confirm&, const Confirm&) = default;
};

/// Effect: the mesh has confirmed a channel whose subscriber waits individually: for the user of the connection to be
/// taken into a presence channel, or as the subscription is held. Then call `admit` for `slot`, or unsubscribe the
/// slot.
struct AskAdmission {
    Slot slot;
    std::string channel;
    friend bool operator==(const AskAdmission&, const AskAdmission&) = default;
};

/// Needs of a channel beside messages; both follow from the name of the channel.
struct ChannelNeeds {
    /// The users of the channel.
    bool presence = false;
    /// The last event of the channel.
    bool retained = false;
};

using ChannelEffect = std::variant<SubscribeHub, UnsubscribeHub, Confirm, AskAdmission>;
using ChannelEffects = std::vector<ChannelEffect>;

/// A channel with the number of confirmed subscribers on this shard.
struct ChannelCount {
    /// The key of the channel: app id and name.
    std::string channel;
    std::uint64_t subscribers = 0;
    friend bool operator==(const ChannelCount&, const ChannelCount&) = default;
};

/// Knows the subscriptions of this shard's connections, and whether the whole mesh knows about the interest of this
/// shard.
///
/// A channel is pending from its first subscriber until the hub's answer with the same generation. Every subscriber of
/// a pending channel waits for that answer. Confirmation and entry into the result of `confirmed` are a single step, so
/// a client gets every message after the confirmation and none before. Subscribers of a presence channel, and those
/// that were held, then wait individually for `admit`.
///
/// Thread: confined to its shard.
/// Order:  run the appended effects in order; `out` is only appended to.
/// Cost:   subscribe, unsubscribe and lookup are O(1); remove is O(channels of the slot).
/// Limits: none of its own; the session bounds channels per connection.
/// Errors: none. An unsubscription without a subscription and an answer to an older generation do nothing.
class ChannelTable {
public:
    /// Adds a subscription. A repeated subscription of a confirmed channel is confirmed again; a repeated subscription
    /// of a pending channel changes nothing. `needs` must always be equal for a channel: the needs of the first
    /// subscriber hold. `is_held`: the subscriber must be admitted individually, on whatever channel; without effect
    /// for a repeated subscription.
    void subscribe(Slot slot, std::string_view channel, const ChannelNeeds& needs, ChannelEffects& out,
                   bool is_held = false);
    /// Ends a subscription, confirmed or not.
    void unsubscribe(Slot slot, std::string_view channel, ChannelEffects& out);
    /// Ends all subscriptions of a connection that has gone.
    void remove(Slot slot, ChannelEffects& out);
    /// Takes the hub's answer in: confirms the channel. False: the answer belongs to an older generation, or is a
    /// repetition.
    bool on_subscribed(std::string_view channel, std::uint64_t generation, ChannelEffects& out);

    /// Confirms a subscriber that waits individually. REQUIRES: AskAdmission has named slot and channel, and the
    /// subscription still stands.
    void admit(Slot slot, std::string_view channel, ChannelEffects& out);

    /// The subscribers to deliver to, admitted subscribers only. Valid until the next change of the table.
    [[nodiscard]] std::span<const Slot> confirmed(std::string_view channel) const;
    /// True when `confirmed(channel)` includes the slot.
    [[nodiscard]] bool is_confirmed(Slot slot, std::string_view channel) const;
    /// True when the slot is subscribed to the channel, confirmed or not.
    [[nodiscard]] bool is_known(Slot slot, std::string_view channel) const {
        const auto known = ids_.find(channel);
        return known != ids_.end() && places_.contains(place_key(slot, known->second));
    }
    /// The number of channels of a connection, pending channels included.
    [[nodiscard]] std::size_t channels_of(Slot slot) const;
    /// The keys of the channels of a connection, in no particular order. Valid until the next change of the table.
    [[nodiscard]] std::vector<std::string_view> keys_of(Slot slot) const;
    /// The channels with confirmed subscribers and a key that starts with `prefix`, sorted by key. O(channels of the
    /// shard).
    [[nodiscard]] std::vector<ChannelCount> list(std::string_view prefix) const;
    /// Calls `visit` with the key and the number of confirmed subscribers of each channel that has some, in no
    /// particular order. O(channels of the shard).
    template <class Visit>
    void each(Visit&& visit) const {
        for (const Channel& channel : channels_) {
            if (channel.name != nullptr && channel.admitted > 0) {
                visit(std::string_view(*channel.name), channel.admitted);
            }
        }
    }
    /// The number of channels with a subscriber, pending channels included.
    [[nodiscard]] std::size_t size() const { return ids_.size(); }
    /// The number of subscriptions, pending subscriptions included.
    [[nodiscard]] std::size_t subscriptions() const { return places_.size(); }

private:
    /// An index into channels_, used again after the channel has lost its last subscriber.
    using ChannelId = std::uint32_t;

    /// An entry of channels_.
    struct Channel {
        /// The key inside ids_; null in a free entry.
        const std::string* name = nullptr;
        /// The number in SubscribeHub; the hub's answer must match.
        std::uint64_t generation = 0;
        bool is_confirmed = false;
        bool is_presence = false;
        /// Subscribers that are held and not admitted.
        std::uint32_t held = 0;
        /// The first `admitted` entries of `subscribers` are confirmed. So `confirmed` is a prefix of the list, without
        /// a copy.
        std::uint32_t admitted = 0;
        std::vector<Slot> subscribers;
    };

    /// The positions of a subscription in the list of its channel and in the list of its slot: removal needs no search.
    struct Place {
        std::uint32_t in_channel = 0;
        std::uint32_t in_slot = 0;
        bool is_held = false;
    };

    /// The key of a subscription in places_.
    [[nodiscard]] static std::uint64_t place_key(Slot slot, ChannelId id) {
        return (static_cast<std::uint64_t>(slot.value) << 32) | id;
    }
    /// Takes a free entry for the channel and appends SubscribeHub.
    ChannelId open_channel(std::string_view channel, const ChannelNeeds& needs, ChannelEffects& out);
    /// Exchanges two subscribers of a channel, and their places.
    void swap_subscribers(ChannelId id, std::uint32_t a, std::uint32_t b);
    /// Ends the existing subscription; appends UnsubscribeHub for the last subscriber.
    void drop(Slot slot, ChannelId id, ChannelEffects& out);

    StringMap<ChannelId> ids_;
    std::vector<Channel> channels_;
    std::vector<ChannelId> free_ids_;
    /// The channels of each slot, by slot.
    std::vector<std::vector<ChannelId>> slots_;
    /// All subscriptions, by place_key.
    IdMap<Place> places_;
    std::uint64_t last_generation_ = 0;
};

}  // namespace tulle::node
