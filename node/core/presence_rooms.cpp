#include "node/core/presence_rooms.hpp"

#include <algorithm>
#include <set>

#include "mesh/base/assert.hpp"

namespace tulle::node {

// The way of a connection: enter() puts the connection among the waiting connections of its user. ask() has the hub
// take the user in, once for all connections of the user. on_joined() admits all waiting connections; later connections
// of the user are admitted by ask() at once. drop() ends a connection's stay, and the user's with the last connection.

void PresenceRooms::enter(Slot slot, std::string_view channel, Member member) {
    Room& room = rooms_[std::string(channel)];
    // A connection that is in the room already keeps its user.
    if (!room.users_by_slot.emplace(slot.value, member.user).second) {
        return;
    }
    channels_by_slot_[slot.value].emplace_back(channel);
    Local& local = room.locals[std::move(member.user)];
    // The card of the first connection holds: other connections of the user bring the same user.
    if (local.connections++ == 0) {
        local.card = share(std::move(member.card));
    }
    local.waiting.push_back(slot);
}

void PresenceRooms::on_listed(std::string_view channel, Users users) {
    const auto room = rooms_.find(channel);
    if (room != rooms_.end()) {
        room->second.users = std::move(users);
        room->second.is_listed = true;
    }
}

void PresenceRooms::ask(Slot slot, std::string_view channel, PresenceEffects& out) {
    const auto room = rooms_.find(channel);
    TULLE_ASSERT(room != rooms_.end() && room->second.is_listed);
    const std::string& user = room->second.users_by_slot.at(slot.value);
    const auto known = room->second.locals.find(user);
    TULLE_ASSERT(known != room->second.locals.end());
    Local& local = known->second;
    if (local.is_in) {
        // The hub has taken the user in for an earlier connection.
        std::erase(local.waiting, slot);
        out.push_back(Admit{slot, room->first});
    } else if (local.join_id == 0) {
        // A question without an answer holds for this connection too.
        local.join_id = ++last_id_;
        joins_.emplace(local.join_id, std::pair(room->first, user));
        out.push_back(JoinHub{local.join_id, room->first, {user, *local.card}});
    }
}

void PresenceRooms::on_joined(std::uint64_t id, PresenceEffects& out) {
    const auto join = joins_.find(id);
    // The user's last connection has left meanwhile: LeaveHub is under way.
    if (join == joins_.end()) {
        return;
    }
    const auto& [channel, user] = join->second;
    const auto room = rooms_.find(channel);
    TULLE_ASSERT(room != rooms_.end() && room->second.locals.contains(user));
    Local& local = room->second.locals.find(user)->second;
    TULLE_ASSERT(!local.is_in && local.join_id == id);
    local.is_in = true;
    for (const Slot slot : std::exchange(local.waiting, {})) {
        out.push_back(Admit{slot, channel});
    }
    joins_.erase(join);
}

void PresenceRooms::on_refused(std::uint64_t id, JoinRefusal reason, PresenceEffects& out) {
    const auto join = joins_.find(id);
    // The user's last connection has left meanwhile.
    if (join == joins_.end()) {
        return;
    }
    const auto room = rooms_.find(join->second.first);
    TULLE_ASSERT(room != rooms_.end());
    const auto local = room->second.locals.find(join->second.second);
    TULLE_ASSERT(local != room->second.locals.end() && !local->second.is_in);
    // Without the user in the hub's list no connection of the user can stay. Connections that are not waiting cannot
    // exist: nobody is admitted before the hub's answer.
    for (const Slot slot : local->second.waiting) {
        out.push_back(TurnAway{slot, room->first, reason});
        room->second.users_by_slot.erase(slot.value);
        forget_channel(slot, room->first);
    }
    room->second.locals.erase(local);
    if (room->second.users_by_slot.empty()) {
        rooms_.erase(room);
    }
    joins_.erase(join);
}

void PresenceRooms::on_changed(std::string_view channel, Member member, bool joined, PresenceEffects& out) {
    const auto room = rooms_.find(channel);
    if (room == rooms_.end() || !room->second.is_listed) {
        return;
    }
    Users& users = room->second.users;
    const auto known = users.find(member.user);
    // Only a change of the list is told: a user in the list has been announced already.
    if (joined && known == users.end()) {
        users.emplace(member.user, share(member.card));
        out.push_back(TellMember{room->first, std::move(member), true});
    } else if (!joined && known != users.end()) {
        out.push_back(TellMember{room->first, {known->first, *known->second}, false});
        users.erase(known);
    }
}

void PresenceRooms::leave(Slot slot, std::string_view channel, PresenceEffects& out) {
    const auto room = rooms_.find(channel);
    if (room == rooms_.end() || !room->second.users_by_slot.contains(slot.value)) {
        return;
    }
    forget_channel(slot, channel);
    drop(slot, room, out);
}

void PresenceRooms::forget_channel(Slot slot, std::string_view channel) {
    const auto mine = channels_by_slot_.find(slot.value);
    TULLE_ASSERT(mine != channels_by_slot_.end());
    const std::size_t erased = std::erase(mine->second, channel);
    TULLE_ASSERT(erased == 1);
    if (mine->second.empty()) {
        channels_by_slot_.erase(mine);
    }
}

void PresenceRooms::remove(Slot slot, PresenceEffects& out) {
    const auto mine = channels_by_slot_.find(slot.value);
    if (mine == channels_by_slot_.end()) {
        return;
    }
    for (const std::string& channel : mine->second) {
        drop(slot, rooms_.find(channel), out);
    }
    channels_by_slot_.erase(mine);
}

void PresenceRooms::drop(Slot slot, Rooms::iterator room, PresenceEffects& out) {
    TULLE_ASSERT(room != rooms_.end());
    const auto place = room->second.users_by_slot.find(slot.value);
    TULLE_ASSERT(place != room->second.users_by_slot.end());
    const auto local = room->second.locals.find(place->second);
    TULLE_ASSERT(local != room->second.locals.end() && local->second.connections > 0);
    std::erase(local->second.waiting, slot);
    if (--local->second.connections == 0) {
        // A user whose join is under way must leave as well: the hub takes in join and leave in order.
        if (local->second.is_in || local->second.join_id != 0) {
            out.push_back(LeaveHub{room->first, local->first});
        }
        joins_.erase(local->second.join_id);
        room->second.locals.erase(local);
    }
    room->second.users_by_slot.erase(place);
    if (room->second.users_by_slot.empty()) {
        rooms_.erase(room);
    }
}

const PresenceRooms::Users* PresenceRooms::users(std::string_view channel) const {
    const auto room = rooms_.find(channel);
    return room == rooms_.end() || !room->second.is_listed ? nullptr : &room->second.users;
}

const std::string* PresenceRooms::user_of(Slot slot, std::string_view channel) const {
    // Asked for each event of a client, and most shards have no room: the hash would be for nothing.
    const auto room = rooms_.empty() ? rooms_.end() : rooms_.find(channel);
    if (room == rooms_.end()) {
        return nullptr;
    }
    const auto user = room->second.users_by_slot.find(slot.value);
    return user == room->second.users_by_slot.end() ? nullptr : &user->second;
}

const std::string* PresenceRooms::card_of(Slot slot, std::string_view channel) const {
    const std::string* user = user_of(slot, channel);
    return user == nullptr ? nullptr : rooms_.find(channel)->second.locals.find(*user)->second.card.get();
}

std::vector<Slot> PresenceRooms::connections(std::string_view prefix, std::string_view user) const {
    // The map of users by slot has no order, so a set orders the slots.
    std::set<Slot> found;
    for (const auto& [channel, room] : rooms_) {
        if (!channel.starts_with(prefix) || room.locals.find(user) == room.locals.end()) {
            continue;
        }
        for (const auto& [slot, brought] : room.users_by_slot) {
            if (brought == user) {
                found.insert(Slot{slot});
            }
        }
    }
    return {found.begin(), found.end()};
}

std::vector<std::string_view> PresenceRooms::own_cards(std::string_view channel) const {
    std::vector<std::string_view> cards;
    if (const auto room = rooms_.find(channel); room != rooms_.end()) {
        for (const auto& [user, local] : room->second.locals) {
            if (local.is_in) {
                cards.push_back(*local.card);
            }
        }
    }
    return cards;
}

std::vector<std::string_view> PresenceRooms::own_ids(std::string_view channel, std::size_t most,
                                                     std::size_t& number) const {
    std::vector<std::string_view> ids;
    number = 0;
    if (const auto room = rooms_.find(channel); room != rooms_.end()) {
        for (const auto& [user, local] : room->second.locals) {
            number += local.is_in ? 1 : 0;
            if (local.is_in && ids.size() < most) {
                ids.push_back(user);
            }
        }
    }
    return ids;
}

const std::string* PresenceRooms::any_user_of(Slot slot) const {
    const auto channels = channels_by_slot_.find(slot.value);
    return channels == channels_by_slot_.end() || channels->second.empty() ? nullptr
                                                                           : user_of(slot, channels->second.front());
}

SharedBytes PresenceRooms::own_card(std::string_view channel, std::string_view user) const {
    const auto room = rooms_.find(channel);
    if (room == rooms_.end()) {
        return nullptr;
    }
    const auto local = room->second.locals.find(user);
    return local == room->second.locals.end() || !local->second.is_in ? nullptr : local->second.card;
}

std::vector<std::pair<std::string, std::string>> PresenceRooms::own_users() const {
    std::vector<std::pair<std::string, std::string>> users;
    for (const auto& [channel, room] : rooms_) {
        for (const auto& [user, local] : room.locals) {
            if (local.is_in) {
                users.emplace_back(channel, user);
            }
        }
    }
    // The order of the tables differs between processes.
    std::sort(users.begin(), users.end());
    return users;
}

}  // namespace tulle::node
