#include "node/pusher/core/duty_report.hpp"

#include "mesh/base/assert.hpp"
#include "node/pusher/core/app_webhooks.hpp"
#include "node/pusher/core/channel_name.hpp"

namespace tulle::node {
namespace {

/// Begins the item of a user, so that an item of a user is never empty.
constexpr char kUserMark = 'u';

}  // namespace

std::string duty_item(std::string_view user) {
    return std::string(1, kUserMark).append(user);
}

std::string_view user_of_duty_item(std::string_view item) {
    return item.starts_with(kUserMark) ? item.substr(1) : std::string_view{};
}

void DutyReport::mark_all(const ChannelTable& channels, const PresenceRooms& rooms) {
    // An item may have been reported under the old configuration and be unwatched under the new configuration: such an
    // item must be taken back with a count of 0.
    for (const auto& [where, told] : told_) {
        if (where.second.empty()) {
            mark_channel(where.first);
        } else {
            mark_member(where.first, user_of_duty_item(where.second));
        }
    }
    for (const ChannelCount& channel : channels.list({})) {
        mark_channel(channel.channel);
    }
    for (const auto& [key, user] : rooms.own_users()) {
        mark_member(key, user);
    }
}

void DutyReport::release(std::string_view key) {
    const auto found = held_.find(std::string(key));
    TULLE_ASSERT(found != held_.end());
    if (--found->second == 0) {
        held_.erase(found);
    }
    mark_channel(key);
}

void DutyReport::release_member(std::string_view key, std::string_view user) {
    const auto found = held_members_.find({std::string(key), std::string(user)});
    TULLE_ASSERT(found != held_members_.end());
    if (--found->second == 0) {
        held_members_.erase(found);
    }
    mark_member(key, user);
}

std::uint64_t DutyReport::held(const std::string& key) const {
    const auto found = held_.find(key);
    return found == held_.end() ? 0 : found->second;
}

void DutyReport::flush(const AppTable& apps, const ChannelTable& channels, const PresenceRooms& rooms,
                       std::vector<TellDuty>& out) {
    for (const std::string& key : channels_) {
        const auto app = apps.find_by_id(app_of_key(key));
        std::uint64_t count = channels.confirmed(key).size() + held(key);
        // Nobody watches the channel: a count of 0 takes back an earlier report.
        if (app == nullptr || !watches_channel(*app, channel_of_key(key))) {
            count = 0;
        } else if (count > 0 && !counts_subscriptions(*app, channel_of_key(key))) {
            // Occupied or not is all that anybody wants to know. A constant 1 saves the mesh a report for each further
            // subscriber.
            count = 1;
        }
        tell(key, {}, count, nullptr, out);
    }
    channels_.clear();
    for (const auto& [key, user] : members_) {
        const auto app = apps.find_by_id(app_of_key(key));
        const bool is_watched = app != nullptr && watches_members(*app, channel_of_key(key));
        SharedBytes card = is_watched ? rooms.own_card(key, user) : nullptr;
        if (is_watched && !card && held_members_.contains({key, user})) {
            // Told as before until the release, which marks the user again.
            continue;
        }
        const std::uint64_t count = card ? 1 : 0;
        tell(key, duty_item(user), count, std::move(card), out);
    }
    members_.clear();
}

void DutyReport::tell(std::string_view key, std::string item, std::uint64_t count, SharedBytes card,
                      std::vector<TellDuty>& out) {
    std::pair<std::string, std::string> where(key, std::move(item));
    const auto told = told_.find(where);
    if (count == (told == told_.end() ? 0 : told->second.count)) {
        return;
    }
    if (count == 0) {
        card = std::move(told->second.card);
        told_.erase(told);
    } else {
        told_[where] = {count, card};
    }
    out.push_back({std::move(where.first), std::move(where.second), count, std::move(card)});
}

}  // namespace tulle::node
