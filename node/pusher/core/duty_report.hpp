#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/bytes.hpp"
#include "node/core/channel_table.hpp"
#include "node/core/presence_rooms.hpp"
#include "node/pusher/core/apps.hpp"

namespace tulle::node {

/// Effect: report to the mesh that this shard holds `count` of `item` under the channel `key`.
struct TellDuty {
    /// Of the channel.
    std::string key;
    /// Empty: the subscribers of the channel; else a user of the channel, see duty_item().
    std::string item;
    std::uint64_t count = 0;
    /// Of the user; null for the subscribers.
    SharedBytes card;
    friend bool operator==(const TellDuty& a, const TellDuty& b) {
        return a.key == b.key && a.item == b.item && a.count == b.count && (!a.card) == (!b.card) &&
               (!a.card || *a.card == *b.card);
    }
};

/// The item that stands for `user` in a TellDuty. Never empty, so a user is never mistaken for the subscribers.
[[nodiscard]] std::string duty_item(std::string_view user);
/// The user of an item made by duty_item(); empty for the item of the subscribers. The view is valid as long as `item`.
[[nodiscard]] std::string_view user_of_duty_item(std::string_view item);

/// Decides a shard's reports to the mesh about channels, for webhooks and for counting subscriptions. For each channel
/// that an app wants watched, the report holds the number of subscribers, or only 0 or 1 when nobody counts
/// subscribers; for each watched presence channel, the users that connections of this shard have brought.
///
/// Marks are cheap and may be repeated. The present state is looked up at the flush, so a channel left and entered
/// again between two flushes has not changed, and is not reported.
///
/// Thread: confined to its shard.
/// Order:  `out` is only appended to; run the effects in order.
/// Limits: none of its own: an entry for each watched channel and user of the shard.
/// Errors: none.
class DutyReport {
public:
    /// The subscribers of the channel may have changed.
    void mark_channel(std::string_view key) { channels_.emplace(key); }
    /// The user may have come to the presence channel or left.
    void mark_member(std::string_view key, std::string_view user) { members_.emplace(key, user); }
    /// A subscriber that counted leaves the channel, and counts on until release().
    void hold(std::string_view key) { ++held_[std::string(key)]; }
    void release(std::string_view key);
    /// The same for the last connection of a user of a presence channel.
    void hold_member(std::string_view key, std::string_view user) {
        ++held_members_[{std::string(key), std::string(user)}];
    }
    void release_member(std::string_view key, std::string_view user);
    /// The configuration of the apps has changed: marks every reported and every present item, so that the next flush
    /// finds the differences. O(channels and users of the shard).
    void mark_all(const ChannelTable& channels, const PresenceRooms& rooms);
    /// Appends a TellDuty for each marked item with another count than reported last, and forgets the marks. An item of
    /// an unknown app, or of an app without an interest in the item, counts as 0.
    void flush(const AppTable& apps, const ChannelTable& channels, const PresenceRooms& rooms,
               std::vector<TellDuty>& out);

private:
    /// The last report of an item to the mesh.
    struct Told {
        std::uint64_t count = 0;
        SharedBytes card;
    };

    /// Reports an item if its count differs from the reported count. A count of 0 is reported with the card of the last
    /// report, as the user has left and has no card any more.
    void tell(std::string_view key, std::string item, std::uint64_t count, SharedBytes card,
              std::vector<TellDuty>& out);

    [[nodiscard]] std::uint64_t held(const std::string& key) const;

    /// Subscribers and users that count on, by channel, and by channel and user.
    std::map<std::string, std::uint64_t> held_;
    std::map<std::pair<std::string, std::string>, std::uint64_t> held_members_;
    std::set<std::string, std::less<>> channels_;
    std::set<std::pair<std::string, std::string>> members_;
    /// By key and item; items with a count of 0 have no entry.
    std::map<std::pair<std::string, std::string>, Told> told_;
};

}  // namespace tulle::node
