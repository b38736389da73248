#include "tests/sim/roster.hpp"

#include <algorithm>

namespace tulle::sim {

void Roster::join(mesh::ShardIndex shard, const std::string& channel, const std::string& user, const Ask& ask) {
    const auto [found, fresh] = shards_[shard.value].try_emplace(channel);
    Room& room = found->second;
    // A further connection of a user changes nothing.
    if (!room.users.try_emplace(user, State::kWaiting).second) {
        return;  // one more connection of the same user changes nothing
    }
    // The first user on the shard subscribes to the channel, and joins after the confirmation.
    if (fresh) {
        room.generation = ++last_generation_;
        ask(shard, mesh::Subscribe{channel, room.generation, true});
    } else if (room.confirmed) {
        ask_for(shard, channel, room, user, ask);
    }
}

void Roster::ask_for(mesh::ShardIndex shard, const std::string& channel, Room& room, const std::string& user,
                     const Ask& ask) {
    room.users[user] = State::kAsked;
    had_.emplace(channel, user);
    asked_[++last_id_] = {channel, user, room.generation};
    ask(shard, mesh::MemberJoin{last_id_, channel, {user, share("{}")}, 1000});
}

void Roster::leave(Instant now, mesh::ShardIndex shard, const std::string& channel, const std::string& user,
                   const Ask& ask) {
    const auto found = shards_[shard.value].find(channel);
    if (found == shards_[shard.value].end()) {
        return;
    }
    const auto who = found->second.users.find(user);
    if (who == found->second.users.end()) {
        return;
    }
    // The hub knows only of users asked for.
    if (who->second != State::kWaiting) {
        ask(shard, mesh::MemberLeave{channel, user});
    }
    found->second.users.erase(who);
    gone_[{channel, user}] = now;
    // Erased for the other shard as well: the judge then waits a while longer.
    in_since_.erase({channel, user});
    if (found->second.users.empty()) {
        shards_[shard.value].erase(found);
        ask(shard, mesh::Unsubscribe{channel});
    }
}

void Roster::on_subscribed(Instant now, mesh::ShardIndex shard, const mesh::Subscribed& answer, const Ask& ask,
                           const Violation& violation) {
    const auto found = shards_[shard.value].find(answer.channel);
    if (found == shards_[shard.value].end() || found->second.generation != answer.generation) {
        return;
    }
    Room& room = found->second;
    if (room.confirmed || !answer.members) {
        violation("P2 " + answer.channel + " was confirmed twice, or without its members");
        return;
    }
    room.confirmed = now;
    for (const mesh::PresenceMember& member : *answer.members) {
        room.list.insert(member.user);
    }
    // A copy: ask_for() changes the states.
    for (const auto& [user, state] : std::map(room.users)) {
        ask_for(shard, answer.channel, room, user, ask);
    }
}

void Roster::on_joined(Instant now, mesh::ShardIndex shard, const mesh::MemberJoined& answer,
                       const Violation& violation) {
    const auto asked = asked_.find(answer.id);
    if (asked == asked_.end()) {
        violation("P2 a join was answered twice");
        return;
    }
    const Asked what = asked->second;
    asked_.erase(asked);
    const auto room = shards_[shard.value].find(what.channel);
    // The channel was left, or left and entered again, while the question was under way.
    if (room == shards_[shard.value].end() || room->second.generation != what.generation) {
        return;
    }
    const auto user = room->second.users.find(what.user);
    if (user == room->second.users.end() || user->second != State::kAsked) {
        return;
    }
    // The node does not serve. Clients of such a node go, or try again.
    if (answer.outcome != mesh::JoinOutcome::kJoined) {
        user->second = State::kWaiting;  // the node does not serve: its clients go, or try again
        return;
    }
    user->second = State::kIn;
    in_since_[{what.channel, what.user}] = now;
    // The change must have reached the list before the answer.
    if (!room->second.list.contains(what.user)) {
        violation("P1 " + what.user + " has joined " + what.channel + " and is not in its own list");
    }
}

void Roster::on_ready(const Ask& ask) {
    for (std::uint16_t shard = 0; shard < std::size(shards_); ++shard) {
        for (auto& [channel, room] : shards_[shard]) {
            for (const auto& [user, state] : std::map(room.users)) {
                if (room.confirmed && state == State::kWaiting) {
                    ask_for(mesh::ShardIndex{shard}, channel, room, user, ask);
                }
            }
        }
    }
}

bool Roster::on_changed(mesh::ShardIndex shard, const mesh::MemberChanged& change, const Violation& violation) {
    const auto found = shards_[shard.value].find(change.channel);
    if (found == shards_[shard.value].end() || !found->second.confirmed) {
        return false;  // no client has a list yet
    }
    // Each change must change the list.
    const bool changed = change.joined ? found->second.list.insert(change.member.user).second
                                       : found->second.list.erase(change.member.user) == 1;
    if (!changed) {
        violation("P2 " + change.member.user + (change.joined ? " joins " : " leaves ") + change.channel + " twice");
    }
    return true;
}

std::optional<Instant> Roster::in_since(const std::string& channel, const std::string& user) const {
    const auto found = in_since_.find({channel, user});
    return found == in_since_.end() ? std::nullopt : std::optional(found->second);
}

void Roster::add_present(std::map<std::string, std::set<std::string>>& by_channel) const {
    for (const auto& shard : shards_) {
        for (const auto& [channel, room] : shard) {
            for (const auto& [user, state] : room.users) {
                if (state == State::kIn) {
                    by_channel[channel].insert(user);
                }
            }
        }
    }
}

void Roster::for_each_in(const std::string& channel,
                         const std::function<void(const std::string& user, Instant since)>& visit) const {
    for (auto it = in_since_.lower_bound({channel, {}}); it != in_since_.end() && it->first.first == channel; ++it) {
        visit(it->first.second, it->second);
    }
}

bool Roster::has(const std::string& channel, const std::string& user) const {
    return std::any_of(std::begin(shards_), std::end(shards_), [&](const auto& shard) {
        const auto room = shard.find(channel);
        return room != shard.end() && room->second.users.contains(user);
    });
}

std::optional<Instant> Roster::gone_since(const std::string& channel, const std::string& user) const {
    const auto found = gone_.find({channel, user});
    return found == gone_.end() ? std::nullopt : std::optional(found->second);
}

void Roster::for_each_list(const std::function<void(const List&)>& visit) const {
    for (const auto& shard : shards_) {
        for (const auto& [channel, room] : shard) {
            if (room.confirmed) {
                visit({channel, room.list, *room.confirmed});
            }
        }
    }
}

bool Roster::is_waiting() const {
    for (const auto& shard : shards_) {
        for (const auto& [channel, room] : shard) {
            for (const auto& [user, state] : room.users) {
                if (state != State::kIn) {
                    return true;
                }
            }
        }
    }
    return false;
}

}  // namespace tulle::sim
