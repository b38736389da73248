#include "mesh/core/retained/retained_table.hpp"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/rendezvous.hpp"

// Kept events and their keepers.
//
// set_members() queues a change of members with the set before and after. move_slice() goes through all events for each
// change, in slices, and hand_on() compares the keepers before and after. A second change before the first slice of the
// last change is merged into the last change. Sweeps run only when no change is queued.
namespace tulle::mesh {
static_assert(kKeepers < kMaxMembers);
static_assert(Limits{}.retained_slice > 0);
static_assert(Limits{}.ring_age <= Timing{}.retained_transit, "an event is held until the ring has sent it");

namespace {

bool contains(const std::vector<OriginId>& members, OriginId who) {
    return std::find(members.begin(), members.end(), who) != members.end();
}

/// Notes that the kept event has come again. Without a teller the event came by a way that reaches others as well, so
/// the former tellers no longer matter.
void note_teller(std::vector<OriginId>& tellers, OriginId teller) {
    if (teller == OriginId{}) {
        tellers.clear();
    } else if (!tellers.empty() && tellers.size() < kKeepers && !contains(tellers, teller)) {
        tellers.push_back(teller);
    }
    TULLE_ASSERT(tellers.size() <= kKeepers);
}

}  // namespace

void RetainedTable::put(Instant now, const std::string& channel, const RetainedEvent& event, bool own,
                        OriginId teller) {
    const auto held = events_.find(channel);
    if (held != events_.end()) {
        // The event has come once more: only its tellers can change.
        if (event.stamp == held->second.event.stamp) {
            note_teller(held->second.tellers, teller);
        }
        if (event.stamp <= held->second.event.stamp) {
            return;
        }
        drop(held);
    }
    const std::uint64_t order = ++last_order_;
    bytes_ += event.cost() + channel.size();
    // The first event starts the clock of the sweeps.
    if (events_.empty() && !sweep_.cursor) {
        sweep_.at = now + timing_.retained_sweep;
    }
    std::vector<OriginId> tellers;
    if (teller != OriginId{}) {
        tellers.push_back(teller);
    }
    events_.emplace(channel, Entry{event, now, {}, order, own, std::move(tellers)});
    by_order_.emplace(order, channel);
    // The newest event always stays.
    while (bytes_ > limits_.retained_bytes && events_.size() > 1) {
        drop(events_.find(by_order_.begin()->second));
        ++evicted_;
    }
    TULLE_ASSERT(by_order_.size() == events_.size());
}

RetainedTable::Events::iterator RetainedTable::drop(Events::iterator it) {
    TULLE_ASSERT(it->second.event.cost() + it->first.size() <= bytes_);
    bytes_ -= it->second.event.cost() + it->first.size();
    const std::size_t erased = by_order_.erase(it->second.order);
    TULLE_ASSERT(erased == 1);
    return events_.erase(it);
}

const RetainedEvent* RetainedTable::find(Instant now, const std::string& channel) const {
    const auto held = events_.find(channel);
    return held == events_.end() || held->second.event.until <= now ? nullptr : &held->second.event;
}

// ---- who keeps
// -------------------------------------------------------------------------------------------------------

std::vector<OriginId> RetainedTable::keepers(const std::string& channel, std::size_t count) const {
    return mesh::keepers(members_, channel, count);
}

bool RetainedTable::keeps(OriginId who, const std::string& channel) const {
    return contains(keepers(channel), who);
}

void RetainedTable::set_members(std::vector<OriginId> others) {
    others.push_back(self_);
    std::vector<OriginId> before = std::exchange(members_, std::move(others));
    if (events_.empty()) {
        return;
    }
    // The last change has not been begun: extend the change instead of going through all events twice.
    if (!moves_.empty() && moves_.back().cursor.empty()) {
        moves_.back().after = members_;
    } else {
        moves_.push_back({std::move(before), members_, {}});
    }
}

std::size_t RetainedTable::slice(std::size_t members) const {
    // This node is always a member.
    TULLE_ASSERT(members > 0);
    return std::max<std::size_t>(1, limits_.retained_slice / members);
}

std::vector<RetainedTable::HandOn> RetainedTable::on_deadline(Instant now) {
    std::vector<HandOn> out;
    spread_slice(now, out);
    if (!moves_.empty()) {
        move_slice(now, out);
    } else if (!events_.empty() && sweep_.at <= now) {
        sweep_slice(now);
    }
    return out;
}

std::optional<Instant> RetainedTable::next_deadline() const {
    if (events_.empty() && moves_.empty()) {
        return std::nullopt;
    }
    if (!moves_.empty()) {
        return Instant{};
    }
    return handed_over_.empty() ? sweep_.at : std::min(sweep_.at, handed_over_.front().first);
}

void RetainedTable::move_slice(Instant now, std::vector<HandOn>& out) {
    TULLE_ASSERT(!moves_.empty());
    Move& move = moves_.front();
    auto it = move.cursor.empty() ? events_.begin() : events_.upper_bound(move.cursor);
    for (std::size_t left = slice(move.before.size() + move.after.size()); left > 0 && it != events_.end();
         --left, ++it) {
        hand_on(now, move, *it, out);
        move.cursor = it->first;
    }
    if (it == events_.end()) {
        moves_.pop_front();
    }
}

// Who hands an event on:
// - every keeper before the change, so that no single death in between loses the event;
// - the node that accepted the event, while the event may be on its way to the keepers;
// - every holder, when none of the keepers before the change is left;
// - a node whose tellers are all lost, to all keepers, because the keepers may never have met the tellers.
// An event whose origin was lost, or left, shortly after accepting the event goes to all keepers and all interested
// peers as well: the origin may have had no session with some of them.
void RetainedTable::hand_on(Instant now, const Move& move, Events::value_type& held, std::vector<HandOn>& out) const {
    const std::vector<OriginId> before = mesh::keepers(move.before, held.first, kKeepers);
    const bool kept = contains(before, self_);
    const bool orphaned =
        std::none_of(before.begin(), before.end(), [&](OriginId oid) { return contains(move.after, oid); });
    const bool alone = has_lost_tellers(now, held.second);
    if (!kept && !in_transit(now, held.second) && !orphaned && !alone) {
        return;
    }
    const std::vector<OriginId> after = mesh::keepers(move.after, held.first, kKeepers);
    if (kept && !contains(after, self_)) {
        held.second.spare_until = now + timing_.retained_transit;
    }
    const OriginId origin = held.second.event.stamp.origin;
    const bool origin_lost = now < held.second.put_at + timing_.retained_transit && contains(move.before, origin) &&
                             !contains(move.after, origin);
    if (origin_lost || alone) {
        out.push_back({OriginId{}, held.first});
    }
    for (const OriginId oid : after) {
        if (oid != self_ && (alone || origin_lost || !contains(before, oid))) {
            out.push_back({oid, held.first});
        }
    }
    if (alone) {
        held.second.tellers.clear();
    }
}

// Compared with the present members, not with the members of a change: a change worked on late may not know the teller
// at all.
bool RetainedTable::has_lost_tellers(Instant now, const Entry& entry) const {
    return !entry.tellers.empty() && now < entry.put_at + timing_.retained_transit &&
           std::none_of(entry.tellers.begin(), entry.tellers.end(),
                        [&](OriginId oid) { return contains(members_, oid); });
}

void RetainedTable::spread_slice(Instant now, std::vector<HandOn>& out) {
    for (std::size_t left = slice(members_.size());
         left > 0 && !handed_over_.empty() && handed_over_.front().first <= now; --left) {
        const auto channel = by_order_.find(handed_over_.front().second);
        handed_over_.pop_front();
        if (channel == by_order_.end()) {
            // A later event has taken the place of that event, or the event is gone.
            continue;
        }
        const std::vector<OriginId>& tellers = events_.at(channel->second).tellers;
        if (tellers.empty()) {
            // The event has come by a way that reaches the other keepers too.
            continue;
        }
        const std::vector<OriginId> all = keepers(channel->second);
        if (!contains(all, self_)) {
            continue;
        }
        for (const OriginId oid : all) {
            if (oid != self_ && !contains(tellers, oid)) {
                out.push_back({oid, channel->second});
            }
        }
    }
}

void RetainedTable::sweep_slice(Instant now) {
    auto it = sweep_.cursor ? events_.upper_bound(*sweep_.cursor) : events_.begin();
    for (std::size_t left = slice(members_.size()); left > 0 && it != events_.end(); --left) {
        sweep_.cursor = it->first;
        // On its way, kept a while longer for others, wanted by subscribers here, or kept as a keeper.
        const bool needed = now < it->second.put_at + timing_.retained_transit || now < it->second.spare_until ||
                            wanted_.contains(it->first) || keeps(self_, it->first);
        it = it->second.event.until <= now || !needed ? drop(it) : std::next(it);
    }
    if (it == events_.end()) {
        sweep_.cursor.reset();
        sweep_.at = now + timing_.retained_sweep;
    }
}

std::vector<std::string> RetainedTable::lately_for(Instant now, OriginId to,
                                                   const std::function<bool(const std::string&)>& asks) const {
    std::vector<std::string> channels;
    for (const auto& [channel, entry] : events_) {
        if (in_transit(now, entry) && (asks(channel) || keeps(to, channel))) {
            channels.push_back(channel);
        }
    }
    return channels;
}

// ---- what others hold
// ------------------------------------------------------------------------------------------------

bool RetainedTable::accept(Instant now, OriginId from, const RetainedPart& part, std::optional<InterestVersion> since) {
    if (part.stamp.time_us != 0) {
        const std::uint64_t before = last_order_;
        put(now, part.channel, {part.stamp, part.body, now + part.left}, false, from);
        if (last_order_ != before) {
            handed_over_.emplace_back(now + timing_.retained_spread, last_order_);
        }
    }
    const auto wanted = wanted_.find(part.channel);
    if (wanted == wanted_.end() || !since || part.version < *since) {
        // The event was handed on without a question, or the answer was made for an interest that has ended since.
        return false;
    }
    // After a confirmation every record is news, so the answer holds back no record.
    const RecordNo at = wanted->second.is_confirmed ? RecordNo{} : part.at;
    const auto [epoch, is_first] = epochs_.try_emplace(from, last_epoch_ + 1);
    last_epoch_ += is_first ? 1u : 0u;
    std::map<OriginId, Answer>& answers = wanted->second.answers;
    answers[from] = {part.version, at, epoch->second};
    // Answers of ended sessions go before they are as many as the others: a channel may be wanted for years.
    if (answers.size() > 2 * members_.size()) {
        std::erase_if(answers, [this](const auto& entry) { return !stands(entry.first, entry.second); });
    }
    return true;
}

const RetainedTable::Answer* RetainedTable::answer_of(OriginId from, const std::string& channel) const {
    const auto wanted = wanted_.find(channel);
    if (wanted == wanted_.end()) {
        return nullptr;
    }
    const auto answer = wanted->second.answers.find(from);
    return answer != wanted->second.answers.end() && stands(from, answer->second) ? &answer->second : nullptr;
}

bool RetainedTable::stands(OriginId from, const Answer& answer) const {
    const auto epoch = epochs_.find(from);
    return epoch != epochs_.end() && answer.epoch == epoch->second;
}

bool RetainedTable::knows(OriginId from, const std::string& channel, InterestVersion since) const {
    const Answer* answer = answer_of(from, channel);
    return answer != nullptr && answer->version >= since;
}

bool RetainedTable::is_answered(OriginId from, const std::string& channel, RecordNo n) const {
    const Answer* answer = answer_of(from, channel);
    return answer != nullptr && n <= answer->at;
}

}  // namespace tulle::mesh
