#include "mesh/core/interest/interest_log.hpp"

#include "mesh/base/assert.hpp"

// The set of channels and the latest changes of the set.
//
// Version v stands at index v - floor_ - 1 of `changes_`, so the change after version `have` stands at have - floor_.
namespace tulle::mesh {

InterestVersion InterestLog::add(const std::string& channel, InterestTicket ticket) {
    const bool fresh = channels_.insert(channel).second;
    TULLE_ASSERT(fresh);
    digest_ ^= stable_hash(channel);
    log(true, channel, ticket);
    return version_;
}

InterestVersion InterestLog::add_again(const std::string& channel, InterestTicket ticket) {
    TULLE_ASSERT(channels_.contains(channel));
    log(true, channel, ticket);
    return version_;
}

void InterestLog::remove(const std::string& channel, InterestTicket ticket) {
    const std::size_t erased = channels_.erase(channel);
    TULLE_ASSERT(erased == 1);
    digest_ ^= stable_hash(channel);
    log(false, channel, ticket);
}

void InterestLog::log(bool add, const std::string& channel, InterestTicket ticket) {
    TULLE_ASSERT(changes_.empty() || changes_.back().ticket < ticket);
    version_ = version_.next();
    changes_.push_back({{add, channel}, ticket});
    if (changes_.size() > limits_.interest_log) {
        changes_.pop_front();
        floor_ = floor_.next();
    }
    TULLE_ASSERT(floor_.plus(changes_.size()) == version_);
}

bool InterestLog::reaches(InterestVersion have) const {
    return floor_ <= have && have <= version_;
}

InterestTicket InterestLog::covered(InterestVersion have) const {
    // The tickets of such old versions have been dropped from the log.
    if (have < floor_) {
        return {};
    }
    TULLE_ASSERT(have < version_);
    // The first change beyond `have` is not contained, but every ticket before that change is.
    return InterestTicket{changes_[have.value - floor_.value].ticket.value - 1};
}

InterestDelta InterestLog::changes_after(InterestVersion have) const {
    TULLE_ASSERT(reaches(have));
    InterestDelta delta{.base = have, .changes = {}, .current = version_};
    std::size_t bytes = 0;
    for (std::size_t i = have.value - floor_.value; i < changes_.size(); ++i) {
        const InterestChange& change = changes_[i].change;
        bytes += interest_bytes(change.channel);
        // The rest of the changes goes in further messages: `current` tells the peer to ask for more.
        if (delta.changes.size() == limits_.delta_changes || bytes > limits_.interest_bytes) {
            break;
        }
        delta.changes.push_back(change);
    }
    return delta;
}

InterestChunk InterestLog::chunk(std::uint64_t snapshot, InterestVersion base, const std::string& after) const {
    InterestChunk chunk{
        .snapshot = snapshot, .base = base, .after = after, .channels = {}, .last = true, .current = version_};
    std::size_t bytes = 0;
    // The start is found by name, so channels that were added or removed between two chunks do no harm.
    for (auto it = channels_.upper_bound(after); it != channels_.end(); ++it) {
        bytes += interest_bytes(*it);
        if (bytes > limits_.interest_bytes) {
            chunk.last = false;
            break;
        }
        chunk.channels.push_back(*it);
    }
    return chunk;
}

}  // namespace tulle::mesh
