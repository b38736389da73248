#include "mesh/core/presence/presence_table.hpp"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/port.hpp"

// The union of all origins' users.
//
// Each user of a channel counts the places that have the user: shards of this node and other origins. The first place
// brings MemberChanged{joined}, the last takes the user away again. A loss does not take users away at once: lose()
// opens a new epoch for the origin, so that everything told before is void, and on_deadline() marks the users that no
// place has any more with the end of their grace. A list in the new epoch, or another origin, lifts the mark before
// anybody was told.
namespace tulle::mesh {
static_assert(Limits{}.presence_slice > 0, "a loss must come to its end");
static_assert(kMaxShards <= 64, "the shards of a user are bits of a word");

namespace {

std::uint64_t bit(ShardIndex shard) {
    TULLE_ASSERT(shard.value < kMaxShards);
    return std::uint64_t{1} << shard.value;
}

}  // namespace

// ---- our own users
// ---------------------------------------------------------------------------------------------------

PresenceTable::Joined PresenceTable::join(ShardIndex shard, const std::string& channel, const PresenceMember& member,
                                          std::size_t max, Changes& out) {
    Channel& state = channels_[channel];
    const auto found = state.users.find(member.user);
    if (found == state.users.end() && state.users.size() >= max) {
        return Joined::kFull;
    }
    const bool ours = found != state.users.end() && found->second.shards != 0;
    add(channel, state, member, self_, out);
    state.users[member.user].shards |= bit(shard);
    state.own += ours ? 0u : 1u;
    return ours ? Joined::kAgain : Joined::kNew;
}

bool PresenceTable::leave(ShardIndex shard, const std::string& channel, const std::string& user, Changes& out) {
    const auto state = channels_.find(channel);
    if (state == channels_.end()) {
        return false;
    }
    const auto found = state->second.users.find(user);
    if (found == state->second.users.end() || (found->second.shards & bit(shard)) == 0) {
        return false;
    }
    found->second.shards &= ~bit(shard);
    if (found->second.shards != 0) {
        return false;
    }
    TULLE_ASSERT(state->second.own > 0);
    --state->second.own;
    take(channel, state->second, found, self_, out);
    return true;
}

std::vector<PresenceMember> PresenceTable::own(const std::string& channel) const {
    std::vector<PresenceMember> members;
    if (const auto state = channels_.find(channel); state != channels_.end()) {
        members.reserve(state->second.own);
        for (const auto& [user, held] : state->second.users) {
            if (held.shards != 0) {
                members.push_back({user, held.info});
            }
        }
    }
    return members;
}

bool PresenceTable::has_own(const std::string& channel) const {
    const auto state = channels_.find(channel);
    return state != channels_.end() && state->second.own != 0;
}

void PresenceTable::forget(const std::string& channel) {
    const auto state = channels_.find(channel);
    if (state == channels_.end()) {
        return;
    }
    TULLE_ASSERT(state->second.own == 0);
    for (const auto& [origin, remote] : state->second.remotes) {
        if (const auto names = channels_of_.find(origin); names != channels_of_.end()) {
            names->second.erase(channel);
        }
    }
    TULLE_ASSERT(state->second.users.size() <= users_);
    users_ -= state->second.users.size();
    channels_.erase(state);
}

// ---- others' users
// ---------------------------------------------------------------------------------------------------

std::uint64_t PresenceTable::epoch(OriginId from) const {
    const auto found = epochs_.find(from);
    return found == epochs_.end() ? 0 : found->second;
}

bool PresenceTable::is_complete(OriginId from, const Remote& remote) const {
    return remote.version != InterestVersion{} && remote.epoch == epoch(from);
}

bool PresenceTable::knows(OriginId from, const std::string& channel, InterestVersion since) const {
    const auto state = channels_.find(channel);
    if (state == channels_.end()) {
        return false;
    }
    const auto remote = state->second.remotes.find(from);
    return remote != state->second.remotes.end() && is_complete(from, remote->second) &&
           remote->second.version >= since;
}

void PresenceTable::apply(OriginId from, const Record& record, Changes& out) {
    const auto state = channels_.find(std::string(marked_channel(record.channels.front())));
    if (state == channels_.end()) {
        return;
    }
    const auto remote = state->second.remotes.find(from);
    const bool told = remote != state->second.remotes.end() && is_complete(from, remote->second);
    if (!told || record.n <= remote->second.at) {
        // Without a complete list: the list to come holds the change. Otherwise the list that came holds the change
        // already.
        return;
    }
    if (!record.left) {
        add(state->first, state->second, {record.user, record.info}, from, out);
    } else if (const auto user = state->second.users.find(record.user); user != state->second.users.end()) {
        take(state->first, state->second, user, from, out);
    }
}

bool PresenceTable::accept(OriginId from, const PresencePart& part, InterestVersion since, Changes& out) {
    if (part.version < since) {
        // The list was made for an interest that has ended since: the users may be outdated.
        return false;
    }
    Channel& state = channels_[part.channel];
    Remote& remote = state.remotes[from];
    channels_of_[from].insert(part.channel);
    if (part.first) {
        remote.building.clear();
        remote.building_bytes = 0;
        remote.building_version = part.version;
        remote.building_epoch = epoch(from);
    } else if (remote.building_version != part.version || remote.building_epoch != epoch(from)) {
        // A piece of a list without the first piece, or of another list: wait for the next list.
        return false;
    }
    remote.building.insert(remote.building.end(), part.members.begin(), part.members.end());
    for (const PresenceMember& member : part.members) {
        remote.building_bytes += member.user.size() + (member.info ? member.info->size() : 0);
    }
    if (is_over(from, part.channel)) {
        return false;
    }
    if (!part.last) {
        return false;
    }
    // The list is complete. The building fields are reset, but the number of users held stays for replace() to adjust.
    const std::vector<PresenceMember> members = std::move(remote.building);
    remote = Remote{.version = part.version,
                    .at = part.at,
                    .epoch = epoch(from),
                    .held = remote.held,
                    .building = {},
                    .building_version = {}};
    replace(part.channel, state, from, members, out);
    return true;
}

bool PresenceTable::is_over(OriginId from, const std::string& channel) const {
    const auto state = channels_.find(channel);
    if (state == channels_.end()) {
        return false;
    }
    const auto found = state->second.remotes.find(from);
    return found != state->second.remotes.end() &&
           (std::max(found->second.held, found->second.building.size()) > most_users_ ||
            found->second.building_bytes > most_bytes_);
}

void PresenceTable::replace(const std::string& name, Channel& channel, OriginId origin,
                            const std::vector<PresenceMember>& members, Changes& out) {
    // Users that the list lacks leave. Users in the list and already here are left alone, so nobody is told twice.
    std::set<std::string_view> present;
    for (const PresenceMember& member : members) {
        present.insert(member.user);
    }
    for (auto user = channel.users.begin(); user != channel.users.end();) {
        // take() may erase the user.
        const auto next = std::next(user);
        if (!present.contains(user->first)) {
            take(name, channel, user, origin, out);
        }
        user = next;
    }
    for (const PresenceMember& member : members) {
        add(name, channel, member, origin, out);
    }
}

void PresenceTable::add(const std::string& name, Channel& channel, const PresenceMember& member, OriginId origin,
                        Changes& out) {
    const auto [user, fresh] = channel.users.try_emplace(member.user);
    User& held = user->second;
    if (fresh) {
        ++users_;
        held.info = member.info;
        out.push_back({name, member, true});
    }
    // The user is here again: the grace ends without a word.
    held.leaving_at.reset();
    if (origin != self_ && std::find(held.origins.begin(), held.origins.end(), origin) == held.origins.end()) {
        held.origins.push_back(origin);
        ++channel.remotes[origin].held;
    }
}

void PresenceTable::take(const std::string& name, Channel& channel, Users::iterator user, OriginId origin,
                         Changes& out) {
    TULLE_ASSERT(origin != self_ || user->second.shards == 0);
    const std::size_t others = std::erase(user->second.origins, origin);
    if (others > 0) {
        TULLE_ASSERT(channel.remotes[origin].held > 0);
        --channel.remotes[origin].held;
    }
    // Only a place that had the user can end the user's presence.
    if ((others > 0 || origin == self_) && !user->second.held()) {
        gone(name, channel, user, out);
    }
}

void PresenceTable::end_graces(const std::string& channel, Changes& out) {
    const auto state = channels_.find(channel);
    if (leaving_.empty() || state == channels_.end()) {
        return;
    }
    for (auto user = state->second.users.begin(); user != state->second.users.end();) {
        // gone() erases the user.
        const auto next = std::next(user);
        if (user->second.leaving_at && !user->second.held()) {
            gone(channel, state->second, user, out);
        }
        user = next;
    }
}

void PresenceTable::gone(const std::string& name, Channel& channel, Users::iterator user, Changes& out) {
    TULLE_ASSERT(!user->second.held() && users_ > 0);
    out.push_back({name, {user->first, nullptr}, false});
    channel.users.erase(user);
    --users_;
}

// ---- losses
// ----------------------------------------------------------------------------------------------------------

void PresenceTable::lose(Instant now, OriginId from) {
    const auto names = channels_of_.find(from);
    if (names == channels_of_.end()) {
        return;
    }
    // All graces are equally long, so later losses end later.
    TULLE_ASSERT(losses_.empty() || losses_.back().until <= now + grace_);
    const std::uint64_t ended = epochs_[from]++;
    losses_.push_back({from, std::move(names->second), ended, now + grace_});
    channels_of_.erase(names);
}

std::size_t PresenceTable::lose_slice(Loss& loss) {
    std::size_t done = 0;
    while (!loss.channels.empty() && done < slice_) {
        done += 1 + lose_channel(loss, *loss.channels.begin());
        loss.channels.erase(loss.channels.begin());
    }
    return done;
}

std::size_t PresenceTable::lose_channel(const Loss& loss, const std::string& name) {
    const auto state = channels_.find(name);
    if (state == channels_.end()) {
        return 0;
    }
    const auto remote = state->second.remotes.find(loss.origin);
    if (remote == state->second.remotes.end() || remote->second.epoch > loss.epoch) {
        // The channel was forgotten meanwhile, or a list of the new epoch has come.
        return 0;
    }
    for (auto& [user, held] : state->second.users) {
        if (std::erase(held.origins, loss.origin) > 0 && !held.held()) {
            // No place has the user any more: the grace runs.
            held.leaving_at = loss.until;
            TULLE_ASSERT(leaving_.empty() || leaving_.back().at <= loss.until);
            leaving_.push_back({loss.until, name, user});
        }
    }
    remote->second.held = 0;
    // No list of the new epoch is under way, so nothing of the origin is left.
    if (remote->second.building_epoch <= loss.epoch) {
        state->second.remotes.erase(remote);
    }
    return state->second.users.size();
}

void PresenceTable::forget_epoch(OriginId origin) {
    const auto same = [&](const Loss& loss) { return loss.origin == origin; };
    if (!channels_of_.contains(origin) && std::none_of(losses_.begin(), losses_.end(), same)) {
        epochs_.erase(origin);
    }
}

void PresenceTable::on_deadline(Instant now, Changes& out) {
    for (std::size_t done = 0; !losses_.empty() && done < slice_;) {
        done += 1 + lose_slice(losses_.front());
        if (losses_.front().channels.empty()) {
            const OriginId origin = losses_.front().origin;
            losses_.pop_front();
            forget_epoch(origin);
        }
    }
    // All users of a lost node leave at a single moment, in slices as well: the next turn goes on.
    for (std::size_t done = 0; done < slice_ && !leaving_.empty() && leaving_.front().at <= now; ++done) {
        const Leaving due = std::move(leaving_.front());
        leaving_.pop_front();
        const auto state = channels_.find(due.channel);
        if (state == channels_.end()) {
            continue;
        }
        const auto user = state->second.users.find(due.user);
        // Another time, or none: somebody has brought the user again since.
        if (user != state->second.users.end() && user->second.leaving_at == due.at) {
            gone(due.channel, state->second, user, out);
        }
    }
}

std::optional<Instant> PresenceTable::next_deadline() const {
    if (!losses_.empty()) {
        return Instant{};
    }
    return leaving_.empty() ? std::nullopt : std::optional(leaving_.front().at);
}

PresenceTable::Members PresenceTable::members(const std::string& channel) const {
    auto members = std::make_shared<std::vector<PresenceMember>>();
    if (const auto state = channels_.find(channel); state != channels_.end()) {
        members->reserve(state->second.users.size());
        for (const auto& [user, held] : state->second.users) {
            members->push_back({user, held.info});
        }
    }
    return members;
}

}  // namespace tulle::mesh
