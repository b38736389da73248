#include "mesh/core/presence/presence.hpp"

#include "mesh/core/node/tell.hpp"

namespace tulle::mesh {

void Presence::on(Instant now, ShardIndex shard, const MemberJoin& wanted, Effects& out) {
    const PresenceMember& member = wanted.member;
    // The interest in the presence key, not in the channel, says whether the shard subscribed as to a presence channel.
    const bool here = (local_.shards_of(presence_key(wanted.channel)) >> shard.value) & 1;
    const bool too_large = member.user.empty() || member.user.size() > kMaxUserBytes ||
                           (member.info && member.info->size() > kMaxUserInfoBytes);
    if (!serving_.is_on() || !here || too_large) {
        out.push_back(
            ToPort{shard, MemberJoined{wanted.id, too_large ? JoinOutcome::kTooLarge : JoinOutcome::kNotReady}});
        return;
    }
    PresenceTable::Changes changes;
    const PresenceTable::Joined joined = table_.join(shard, wanted.channel, member, wanted.max_members, changes);
    // Only a user new on this node is news for the peers.
    if (joined == PresenceTable::Joined::kNew) {
        log(now, wanted.channel, member, false);
    }
    // The change precedes the answer, so that the shard's list holds the user when the answer comes.
    tell(changes, out);
    const bool full = joined == PresenceTable::Joined::kFull;
    out.push_back(ToPort{shard, MemberJoined{wanted.id, full ? JoinOutcome::kFull : JoinOutcome::kJoined}});
}

void Presence::on(Instant now, ShardIndex shard, const MemberLeave& wanted, Effects& out) {
    leave(now, shard, wanted.channel, wanted.user, out);
}

void Presence::leave(Instant now, ShardIndex shard, const std::string& channel, const std::string& user, Effects& out) {
    PresenceTable::Changes changes;
    if (table_.leave(shard, channel, user, changes)) {
        log(now, channel, {user, nullptr}, true);
    }
    tell(changes, out);
}

void Presence::drop(Instant now, ShardIndex shard, const std::string& channel, Effects& out) {
    const std::string key = presence_key(channel);
    if (local_.shards_of(key) == 0) {
        return;
    }
    // A loop over a copy of all own users; leave() ignores users of other shards.
    for (const PresenceMember& member : table_.own(channel)) {
        leave(now, shard, channel, member.user, out);
    }
    local_.remove(shard, key);
    if (local_.shards_of(key) == 0) {
        table_.forget(channel);
    }
}

void Presence::log(Instant now, const std::string& channel, const PresenceMember& member, bool left) {
    ++changes_;
    static_cast<void>(ring_.append(now, {.n = {},
                                         .channels = {presence_key(channel)},
                                         .body = nullptr,
                                         .exclude_socket = {},
                                         .user = member.user,
                                         .left = left,
                                         .info = left ? nullptr : member.info}));
}

void Presence::tell(const PresenceTable::Changes& changes, Effects& out) const {
    for (const MemberChanged& change : changes) {
        tell_shards(context_.audience().shards_of(presence_key(change.channel)), change, out);
    }
}

void Presence::on_record(Instant now, OriginId from, const Record& record, Effects& out) {
    PresenceTable::Changes changes;
    table_.apply(from, record, changes);
    tell(changes, out);
    if (table_.is_over(from, std::string(marked_channel(record.channels.front())))) {
        context_.give_up(now, from, "it has more users in a presence channel than a node may", out);
    }
}

bool Presence::accept(Instant now, OriginId from, const PresencePart& part, Effects& out) {
    const std::optional<InterestVersion> since = local_.since(presence_key(part.channel));
    // Nobody here asks for the users any more, or the peer answers an interest that has not been told yet.
    if (!since) {
        return false;
    }
    PresenceTable::Changes changes;
    const bool complete = table_.accept(from, part, *since, changes);
    if (complete && is_settled(now, part.channel)) {
        table_.end_graces(part.channel, changes);
    }
    tell(changes, out);
    if (table_.is_over(from, part.channel)) {
        context_.give_up(now, from, "it lists more users of a presence channel than a node may have", out);
        return false;
    }
    return complete;
}

void Presence::tick(Instant now, Effects& out) {
    PresenceTable::Changes changes;
    table_.on_deadline(now, changes);
    std::erase_if(away_, [now](const auto& gone) { return gone.second <= now; });
    tell(changes, out);
}

void Presence::owe_all(Session& session) const {
    const InterestSlot slot = session.interest.slot;
    const InterestVersion version = interest_.version(slot).value_or(InterestVersion{});
    interest_.each_marked(slot, [&](const std::string& key) {
        if (is_presence_key(key)) {
            session.data.sender.owe(key, version);
        }
    });
}

bool Presence::is_settled(Instant now, const std::string& channel) const {
    const Sessions& sessions = context_.sessions();
    return all_listed(channel) && std::none_of(away_.begin(), away_.end(), [&](const auto& gone) {
               return gone.second > now && !sessions.contains(gone.first);
           });
}

bool Presence::all_listed(const std::string& channel) const {
    const InterestVersion since = local_.since(presence_key(channel)).value_or(InterestVersion{});
    const Sessions& sessions = context_.sessions();
    return std::all_of(sessions.begin(), sessions.end(),
                       [&](const auto& entry) { return table_.knows(entry.first, channel, since); });
}

}  // namespace tulle::mesh
