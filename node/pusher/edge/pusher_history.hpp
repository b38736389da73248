#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/hash.hpp"
#include "mesh/core/node/port.hpp"
#include "node/core/slot.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/reactor.hpp"
#include "node/pusher/core/history_rule.hpp"
#include "node/pusher/wire/history_position.hpp"

namespace tulle::node {

/// Subscribers of this shard that want the history of their channel first.
///
/// Such a subscriber is held back by the ChannelTable until the hub has answered. The hub's answer comes in the order
/// of deliveries: what is delivered before the answer is in the answer, and what comes after the answer the subscriber
/// gets by delivery. Some of that the subscriber may have already, from another node; skips() names who must not get
/// it.
///
/// Thread: the shard's. Channels are named by their keys.
/// Limits: a wish for each subscription that waits. An answer has at most kMaxReplayEvents events, and half of the
/// bytes
///         that may wait for a client. A skip ends after kSkipFor.
/// Errors: none. An answer for a subscription that has ended is ignored.
class PusherHistory {
public:
    PusherHistory(Reactor& reactor, HubPort& hub) : reactor_(reactor), hub_(hub) {}

    /// The answer about a subscription.
    struct Replay {
        pusher::HistoryAnswer told;
        std::vector<mesh::HistoryItem> items;
        /// True when the client has the event, or gets it by `items`.
        [[nodiscard]] bool has(const mesh::Stamp& stamp) const;
    };

    /// A subscription has been entered, held back. `rule`: null, or without a size, for a channel without history.
    /// `most_bytes`: bytes that may wait for the client.
    void want(Slot slot, const std::string& channel, const pusher::HistoryWish& wish, const HistoryRule* rule,
              std::size_t most_bytes);
    /// The mesh has confirmed the channel. True when the hub has been asked, and the subscription must go on waiting;
    /// false when there is nothing to wait for.
    [[nodiscard]] bool ask(Slot slot, const std::string& channel);
    /// Takes the hub's answer in, and returns the subscription that may be admitted now.
    [[nodiscard]] std::optional<std::pair<Slot, std::string>> on_resumed(mesh::Resumed& answer);
    /// The answer about a subscription that is confirmed now, once; nothing for a subscription without a wish.
    [[nodiscard]] std::optional<Replay> take(Slot slot, std::string_view channel);
    /// The subscription has ended.
    void forget(Slot slot, std::string_view channel) noexcept;
    /// All wishes of a connection that has ended.
    void forget_wishes(Slot slot) noexcept;
    /// True when forget() has nothing to do, whatever the subscription.
    [[nodiscard]] bool is_idle() const { return wishes_.empty() && skips_.empty(); }

    /// Those of the subscribers that may get the message; nothing when all may. To be called for each delivery of a
    /// message with history.
    [[nodiscard]] std::optional<std::vector<Slot>> without_skips(std::string_view channel, const mesh::Stamp& stamp,
                                                                 std::span<const Slot> subscribers);

    /// Messages that a client may have already come within this time.
    static constexpr Duration kSkipFor = mesh::Limits{}.ring_age;

private:
    struct Wish {
        std::string channel;
        pusher::HistoryWish wish;
        mesh::HistoryLimits limits;
        std::size_t most_bytes = 0;
        /// The id of the question to the hub; 0: not asked.
        std::uint64_t id = 0;
        std::optional<Replay> answer = {};
    };
    /// Messages of the origin up to the stamp are not for the client.
    struct Skip {
        Slot slot;
        mesh::Stamp upto;
        Instant until{};
    };

    [[nodiscard]] Wish* find(Slot slot, std::string_view channel);

    Reactor& reactor_;
    HubPort& hub_;
    /// By slot.
    IdMap<std::vector<Wish>> wishes_;
    /// The questions under way, by id.
    std::map<std::uint64_t, std::pair<Slot, std::string>> asked_;
    std::uint64_t last_id_ = 0;
    /// By channel.
    StringMap<std::vector<Skip>> skips_;
};

}  // namespace tulle::node
