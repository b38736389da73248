#include "node/pusher/core/user_table.hpp"

#include <utility>

#include "node/pusher/core/channel_name.hpp"

namespace tulle::node {
namespace {

/// The user of an `online_key`.
std::string user_of(std::string_view key) {
    return std::string(user_of_online_key(key).value_or(std::string_view{}));
}

}  // namespace

UserTable::User& UserTable::open(const std::string& key, UserEffects& out) {
    const auto [entry, is_new] = users_.try_emplace(key);
    if (is_new) {
        entry->second.generation = ++last_generation_;
        out.emplace_back(SubscribeHub{key, last_generation_, true});
    }
    return entry->second;
}

void UserTable::close_if_unused(const std::string& key, UserEffects& out) {
    const auto entry = users_.find(key);
    if (entry->second.connections.empty() && entry->second.watchers.empty()) {
        users_.erase(entry);
        out.push_back(UnsubscribeHub{key});
    }
}

void UserTable::sign_in(Slot slot, std::string_view app_id, std::string_view user,
                        const std::vector<std::string>& watchlist, UserEffects& out) {
    const auto [entry, is_new] = connections_.try_emplace(slot.value);
    Connection& mine = entry->second;
    // The first sign-in of the connection stands.
    if (!is_new) {
        if (mine.is_signed_in) {
            out.push_back(SignedIn{slot});
        }
        return;
    }
    mine.key = online_key(app_id, user);
    User& own = open(mine.key, out);
    signed_in_users_ += own.connections.empty() ? 1u : 0u;
    // The connection belongs to the user at once: terminating a user ends connections in the middle of a sign-in, too.
    own.connections.insert(slot);
    for (const std::string& watched : watchlist) {
        std::string key = online_key(app_id, watched);
        User& other = open(key, out);
        // A name given twice in the watchlist counts once.
        if (other.watchers.insert(slot).second) {
            mine.watched.push_back(std::move(key));
            mine.unconfirmed += other.is_confirmed ? 0u : 1u;
        }
    }
    // The first connection of the user asks the hub. Later connections need no further answer. Before the confirmation
    // of the channel nobody asks: on_subscribed() does.
    if (own.is_in) {
        complete(slot, out);
    } else if (own.is_confirmed) {
        ask(mine.key, own, out);
    }
}

void UserTable::ask(const std::string& key, User& user, UserEffects& out) {
    if (user.join_id == 0) {
        user.join_id = ++last_id_;
        joins_.emplace(last_id_, key);
        out.emplace_back(JoinHub{last_id_, key, {user_of(key), {}}});
    }
}

void UserTable::complete(Slot slot, UserEffects& out) {
    Connection& connection = connections_.at(slot.value);
    if (!connection.is_signed_in && connection.is_reachable) {
        connection.is_signed_in = true;
        out.push_back(SignedIn{slot});
        tell_snapshot(slot, connection, out);
    }
}

void UserTable::on_reachable(Slot slot, UserEffects& out) {
    const auto found = connections_.find(slot.value);
    if (found == connections_.end()) {
        return;
    }
    found->second.is_reachable = true;
    if (users_.find(found->second.key)->second.is_in) {
        complete(slot, out);
    }
}

/// The snapshot is told once, when the connection is signed in and every watched user is confirmed.
void UserTable::tell_snapshot(Slot slot, Connection& connection, UserEffects& out) {
    if (connection.has_snapshot || !connection.is_signed_in || connection.unconfirmed > 0 ||
        connection.watched.empty()) {
        return;
    }
    // Set first of all: from here on the connection is told each change.
    connection.has_snapshot = true;
    TellWatchers snapshot;
    snapshot.slots.push_back(slot);
    for (const std::string& key : connection.watched) {
        (users_.find(key)->second.is_online ? snapshot.online : snapshot.offline).push_back(user_of(key));
    }
    out.emplace_back(std::move(snapshot));
}

void UserTable::on_subscribed(std::string_view key, std::uint64_t generation, bool online, UserEffects& out) {
    const auto entry = users_.find(key);
    // The answer may be to an earlier subscription of the same user.
    if (entry == users_.end() || entry->second.generation != generation || entry->second.is_confirmed) {
        return;
    }
    User& user = entry->second;
    user.is_confirmed = true;
    user.is_online = online;
    for (const Slot slot : user.watchers) {
        Connection& watcher = connections_.at(slot.value);
        --watcher.unconfirmed;
        tell_snapshot(slot, watcher, out);
    }
    // A user without a connection here is only watched, and not brought into the channel.
    if (!user.connections.empty()) {
        ask(entry->first, user, out);
    }
}

/// The user of an answered join; null when nobody waits for the answer any more.
UserTable::User* UserTable::take_join(std::uint64_t id) {
    const auto join = joins_.extract(id);
    if (!join) {
        return nullptr;
    }
    User& user = users_.find(join.mapped())->second;
    user.join_id = 0;
    return &user;
}

void UserTable::on_joined(std::uint64_t id, UserEffects& out) {
    if (User* user = take_join(id)) {
        user->is_in = true;
        for (const Slot slot : user->connections) {
            complete(slot, out);
        }
    }
}

void UserTable::on_refused(std::uint64_t id, UserEffects& out) {
    if (const User* user = take_join(id)) {
        for (const Slot slot : user->connections) {
            out.push_back(SignInFailed{slot});
        }
    }
}

void UserTable::on_changed(std::string_view key, bool online, UserEffects& out) {
    const auto entry = users_.find(key);
    if (entry == users_.end() || !entry->second.is_confirmed || entry->second.is_online == online) {
        return;
    }
    entry->second.is_online = online;
    TellWatchers change;
    for (const Slot slot : entry->second.watchers) {
        // A connection without a snapshot learns the new state from the snapshot.
        if (connections_.at(slot.value).has_snapshot) {
            change.slots.push_back(slot);
        }
    }
    if (!change.slots.empty()) {
        (online ? change.online : change.offline).push_back(user_of(key));
        out.emplace_back(std::move(change));
    }
}

void UserTable::remove(Slot slot, UserEffects& out) {
    const auto gone = connections_.find(slot.value);
    if (gone == connections_.end()) {
        return;
    }
    const Connection connection = std::move(gone->second);
    connections_.erase(gone);
    User& own = users_.find(connection.key)->second;
    own.connections.erase(slot);
    // The last connection has gone. LeaveHub also takes back an unanswered join; a late answer finds no entry in
    // `joins_`.
    if (own.connections.empty()) {
        --signed_in_users_;
        if (own.is_in || own.join_id != 0) {
            out.push_back(LeaveHub{connection.key, user_of(connection.key)});
        }
        joins_.erase(own.join_id);
        own.join_id = 0;
        own.is_in = false;
    }
    for (const std::string& key : connection.watched) {
        users_.find(key)->second.watchers.erase(slot);
        // The connection's own user is closed once, at the end: a user may be on the own watchlist.
        if (key != connection.key) {
            close_if_unused(key, out);
        }
    }
    close_if_unused(connection.key, out);
}

std::vector<Slot> UserTable::connections(std::string_view key) const {
    const auto entry = users_.find(key);
    if (entry == users_.end()) {
        return {};
    }
    return {entry->second.connections.begin(), entry->second.connections.end()};
}

}  // namespace tulle::node
