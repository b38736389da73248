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

/// This shard now holds so much of `item` under `key`.
struct TellDuty {
    std::string key;   ///< of the channel
    std::string item;  ///< empty: its subscribers; else one of its users, see duty_item
    std::uint64_t count = 0;
    SharedBytes card;  ///< of the user
    friend bool operator==(const TellDuty& a, const TellDuty& b) {
        return a.key == b.key && a.item == b.item && a.count == b.count && (!a.card) == (!b.card) &&
               (!a.card || *a.card == *b.card);
    }
};

/// A user as an item of its channel, and back; an item that is no user gives an empty text.
[[nodiscard]] std::string duty_item(std::string_view user);
[[nodiscard]] std::string_view user_of_duty_item(std::string_view item);

/// What a shard tells the mesh of its channels, for webhooks and for counting subscriptions: of the channels that an
/// app wants watched the number of subscribers, or, if nobody counts them, whether there are any; and the users that
/// its connections have brought to presence channels.
///
/// Marks are cheap and may be repeated; what they come to is looked up at the flush, so a channel that has been left
/// and entered between two flushes has not changed.
///
/// Thread: confined to its shard.
/// Limits: none of its own: an entry for each channel and user of the shard that is watched.
/// Errors: none.
class DutyReport {
public:
    void mark_channel(std::string_view key) { channels_.emplace(key); }
    void mark_member(std::string_view key, std::string_view user) { members_.emplace(key, user); }
    /// The apps have changed: everything is looked at anew.
    void mark_all(const ChannelTable& channels, const PresenceRooms& rooms);
    void flush(const AppTable& apps, const ChannelTable& channels, const PresenceRooms& rooms,
               std::vector<TellDuty>& out);

private:
    struct Told {
        std::uint64_t count = 0;
        SharedBytes card;
    };

    void tell(std::string_view key, std::string item, std::uint64_t count, SharedBytes card,
              std::vector<TellDuty>& out);

    std::set<std::string, std::less<>> channels_;
    std::set<std::pair<std::string, std::string>> members_;
    std::map<std::pair<std::string, std::string>, Told> told_;  ///< by key and item; what is not 0
};

}  // namespace tulle::node
