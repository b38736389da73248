#include "mesh/core/interest/local_interest.hpp"

#include "mesh/base/assert.hpp"
#include "mesh/core/node/port.hpp"

// Tickets and versions.
//
// A change takes a ticket at once and a version when the window lets it. Between the two the entry waits in `pending_`.
// A change that is undone meanwhile leaves `pending_`, and the ticket is void: a void ticket counts as covered as soon
// as all earlier tickets are, so nobody waits for a change that no peer will ever hear of.
namespace tulle::mesh {

static_assert(kMaxShards <= 64, "the shards of a channel are bits of a word");

InterestTicket LocalInterest::add(ShardIndex shard, const std::string& channel) {
    Entries::value_type& found = *entries_.try_emplace(channel).first;
    Entry& entry = found.second;
    // The first shard: the channel is new, or the removal of the channel has not been told yet.
    if (entry.shards == 0) {
        if (!entry.is_told) {
            wait(found);
        } else if (is_marked_key(channel)) {
            // The peers' answers about a marked key were dropped with the last subscriber. The peers repeat lists and
            // events only for a new version of the key, so a withdrawn removal is not enough: tell the key once more.
            stop_waiting(entry);
            wait(found);
        } else {
            // The peers still believe in the interest: withdraw the removal, and there is nothing to tell.
            stop_waiting(entry);
        }
    }
    entry.shards |= bit(shard);
    commit();
    return entry.is_waiting ? entry.waiting : entry.told;
}

void LocalInterest::remove(ShardIndex shard, const std::string& channel) {
    const auto found = entries_.find(channel);
    if (found == entries_.end() || found->second.shards == 0) {
        return;
    }
    Entry& entry = found->second;
    entry.shards &= ~bit(shard);
    if (entry.shards != 0) {
        return;
    }
    // No peer has heard of the channel: forget the channel without a word.
    if (!entry.is_told) {
        stop_waiting(entry);
        entries_.erase(found);
        return;
    }
    // An entry that waits for a repetition keeps its ticket: commit() looks at the shards and logs the removal instead.
    if (!entry.is_waiting) {
        wait(*found);
    }
    commit();
}

void LocalInterest::open_window(InterestVersion end) {
    window_end_ = end;
    commit();
}

void LocalInterest::wait(Entries::value_type& entry) {
    TULLE_ASSERT(!entry.second.is_waiting);
    last_ticket_ = last_ticket_.next();
    entry.second.waiting = last_ticket_;
    entry.second.is_waiting = true;
    pending_.emplace(last_ticket_, &entry);
}

void LocalInterest::stop_waiting(Entry& entry) {
    const std::size_t erased = pending_.erase(entry.waiting);
    TULLE_ASSERT(entry.is_waiting && erased == 1);
    entry.is_waiting = false;
}

void LocalInterest::commit() {
    while (!pending_.empty() && log_.version() < window_end_) {
        auto& [channel, entry] = *pending_.begin()->second;
        const InterestTicket ticket = entry.waiting;
        stop_waiting(entry);
        // No subscriber is left when the version is given: the change is a removal.
        if (entry.shards == 0) {
            TULLE_ASSERT(entry.is_told);
            log_.remove(channel, ticket);
            entries_.erase(entries_.find(channel));
        } else {
            entry.since = entry.is_told ? log_.add_again(channel, ticket) : log_.add(channel, ticket);
            entry.told = ticket;
            entry.is_told = true;
        }
    }
}

InterestTicket LocalInterest::covered(InterestVersion acked) const {
    if (acked < log_.version()) {
        return log_.covered(acked);
    }
    // The peers hold everything in the log, so only the waiting tickets are not covered.
    return pending_.empty() ? last_ticket_ : InterestTicket{pending_.begin()->first.value - 1};
}

std::uint64_t LocalInterest::shards_of(const Record& record) const {
    std::uint64_t shards = 0;
    for (const std::string& channel : record.channels) {
        shards |= shards_of(channel);
    }
    return shards;
}

std::uint64_t LocalInterest::shards_of(const std::string& channel) const {
    const auto found = entries_.find(channel);
    return found == entries_.end() ? 0 : found->second.shards;
}

std::optional<InterestVersion> LocalInterest::since(const std::string& channel) const {
    const auto found = entries_.find(channel);
    const bool is_known = found != entries_.end() && found->second.shards != 0 && !found->second.is_waiting;
    return is_known ? std::optional(found->second.since) : std::nullopt;
}

}  // namespace tulle::mesh
