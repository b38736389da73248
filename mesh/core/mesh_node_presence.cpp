#include "mesh/core/mesh_node.hpp"

namespace tulle::mesh {

void MeshNode::join(Instant now, ShardIndex shard, const MemberJoin& wanted, Effects& out) {
    const PresenceMember& member = wanted.member;
    const bool here = (local_.shards_of(presence_key(wanted.channel)) >> shard.value) & 1;
    const bool too_large = member.user.empty() || member.user.size() > kMaxUserBytes ||
                           (member.info && member.info->size() > kMaxUserInfoBytes);
    if (!ready_ || !here || too_large) {
        out.push_back(
            ToPort{shard, MemberJoined{wanted.id, too_large ? JoinOutcome::kTooLarge : JoinOutcome::kNotReady}});
        return;
    }
    PresenceTable::Changes changes;
    const PresenceTable::Joined joined = presence_.join(shard, wanted.channel, member, wanted.max_members, changes);
    if (joined == PresenceTable::Joined::kNew) {
        log_presence(now, wanted.channel, member, false);
    }
    tell(changes, out);
    const bool full = joined == PresenceTable::Joined::kFull;
    out.push_back(ToPort{shard, MemberJoined{wanted.id, full ? JoinOutcome::kFull : JoinOutcome::kJoined}});
}

void MeshNode::leave(Instant now, ShardIndex shard, const MemberLeave& wanted, Effects& out) {
    PresenceTable::Changes changes;
    if (presence_.leave(shard, wanted.channel, wanted.user, changes)) {
        log_presence(now, wanted.channel, {wanted.user, nullptr}, true);
    }
    tell(changes, out);
}

/// A shard has no subscriber left, so it has no user left either; the last shard takes the whole channel with it.
void MeshNode::drop_presence(Instant now, ShardIndex shard, const std::string& channel, Effects& out) {
    const std::string key = presence_key(channel);
    if (local_.shards_of(key) == 0) {
        return;
    }
    for (const PresenceMember& member : presence_.own(channel)) {
        leave(now, shard, {channel, member.user}, out);
    }
    local_.remove(shard, key);
    if (local_.shards_of(key) == 0) {
        presence_.forget(channel);
    }
}

void MeshNode::log_presence(Instant now, const std::string& channel, const PresenceMember& member, bool left) {
    ++counters_.presence_changes;
    static_cast<void>(ring_.append(now, {.n = {},
                                         .channels = {presence_key(channel)},
                                         .body = nullptr,
                                         .exclude_socket = {},
                                         .user = member.user,
                                         .left = left,
                                         .info = left ? nullptr : member.info}));
}

void MeshNode::tell(const PresenceTable::Changes& changes, Effects& out) const {
    for (const MemberChanged& change : changes) {
        const std::uint64_t shards = local_.shards_of(presence_key(change.channel));
        for (std::uint16_t i = 0; i < kMaxShards; ++i) {
            if ((shards >> i) & 1) {
                out.push_back(ToPort{ShardIndex{i}, change});
            }
        }
    }
}

void MeshNode::on_presence_record(Instant now, OriginId from, const Record& record, Effects& out) {
    PresenceTable::Changes changes;
    presence_.apply(from, record, changes);
    tell(changes, out);
    if (presence_.is_over(from, std::string(marked_channel(record.channels.front())))) {
        membership_.give_up_stuck(now, from, "it has more users in a presence channel than a node may", out);
    }
}

void MeshNode::on_members(Instant now, OriginId from, Link& link, const PresencePart& part, Effects& out) {
    link.told_at = now;
    const std::optional<InterestVersion> since = local_.since(presence_key(part.channel));
    if (!since) {
        return;
    }
    PresenceTable::Changes changes;
    const bool complete = presence_.accept(from, part, *since, changes);
    tell(changes, out);
    if (presence_.is_over(from, part.channel)) {
        membership_.give_up_stuck(now, from, "it lists more users of a presence channel than a node may have", out);
    } else if (complete) {
        confirm_told(now, part.channel, out);
    }
}

/// Our list reaches back to the peer's present interest in each channel; also where nobody of ours is: without a list,
/// the peer would take no notice of who comes later.
void MeshNode::owe_all_members(Link& link) {
    const InterestVersion version = table_.version(link.slot).value_or(InterestVersion{});
    table_.each_marked(link.slot, [&](const std::string& key) {
        if (is_presence_key(key)) {
            link.sender.owe(key, version);
        }
    });
}

/// Of every session, also of one whose peer has not fetched our interest yet: it lists its users when it has.
bool MeshNode::all_listed(const std::string& channel) const {
    const InterestVersion since = local_.since(presence_key(channel)).value_or(InterestVersion{});
    for (const auto& [oid, link] : links_) {
        if (!presence_.knows(oid, channel, since)) {
            return false;
        }
    }
    return true;
}

}  // namespace tulle::mesh
