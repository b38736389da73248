#include <algorithm>

#include "mesh/base/assert.hpp"
#include "mesh/core/duty/duty_desk.hpp"

// What a change of members, or the end of a lost member's grace, does to the items of a desk: each item is looked at
// once. The life of an item between such changes is in duty_desk.cpp.
namespace tulle::mesh {

void DutyDesk::set_members(const DutyMembers& members, std::set<DutyTie> leaving) {
    members_ = members;
    leaving_ = std::move(leaving);
    std::erase_if(owed_, [&](const auto& owed) { return !members_.contains(owed.first); });
    scanning_ = !entries_.empty();
    reunited_ = reunited_ && scanning_;
    scanned_ = {};
}

void DutyDesk::lose(Instant now, DutyTie member, DutyEnd end) {
    const bool left = end == DutyEnd::kLeft;
    if (end == DutyEnd::kUnanswered || end == DutyEnd::kDeaf) {
        unanswered_.insert(member);
    } else if (left) {
        left_.insert(member);
    }
    if (!hurried_ || !left) {
        in_grace_.emplace(member, !left);
        grace_ends_.push_back({now + timing_.duty_grace, member, left});
    }
}

void DutyDesk::hurry() {
    hurried_ = true;
    for (const Grace& ghost : grace_ends_) {
        if (ghost.left) {
            in_grace_.erase(ghost.member);
        }
    }
    std::erase_if(grace_ends_, [](const Grace& ghost) { return ghost.left; });
}

void DutyDesk::heed_waits(Instant now) {
    for (auto* waiting : {&warned_, &early_}) {
        while (!waiting->empty() && waiting->begin()->first <= now) {
            due_.insert(std::move(waiting->extract(waiting->begin()).value().second));
        }
    }
}

void DutyDesk::work(Instant now) {
    heed_waits(now);
    // The end of a grace changes counts: look through all items.
    while (!grace_ends_.empty() && grace_ends_.front().until <= now) {
        in_grace_.erase(grace_ends_.front().member);
        grace_ends_.pop_front();
        scanning_ = !entries_.empty();
        scanned_ = {};
    }
    std::size_t compared = 0;
    auto it = scanning_ ? entries_.lower_bound(scanned_) : entries_.end();
    while (it != entries_.end() && compared < limits_.duty_slice) {
        compared += std::max<std::size_t>(members_.size(), 16);
        look_through(now, it++);
    }
    scanning_ = it != entries_.end();
    reunited_ = reunited_ && scanning_;
    if (scanning_) {
        scanned_ = it->first;
    } else {
        unanswered_.clear();
        left_.clear();
    }
}

void DutyDesk::look_through(Instant now, Entries::iterator it) {
    Entry& entry = it->second;
    for (Holder& holder : entry.holders) {
        // Where this node is the desk, the member was not, and has told nothing.
        holder.unsure = holder.unsure || (!entry.own && unanswered_.contains(holder.member.tie));
        holder.left = holder.left || left_.contains(holder.member.tie);
    }
    const DutyTie responsible = members_.responsible(entry.key_hash);
    const bool has_back = entry.back != DutyTie{} && entry.back != responsible;
    entry.dealt_here = entry.dealt_here || has_back;
    if ((responsible == kOwnTie) != entry.own) {
        change_hands(now, it->first, entry);
    } else if (has_back && !entry.own && entry.token == 0) {
        // The member that handed the item over is not responsible, and this node is not either: a third node is.
        hand_on(it->first, entry);
    }
    entry.back = has_back ? DutyTie{} : entry.back;
    drop_ended_grace(it->first, entry);
    // Nobody waits any longer for a lost member to know what was told.
    owe_settled(it->first, entry);
    if (entry.doubt.exists || count(entry) != (entry.token == 0 ? entry.told : entry.announced)) {
        due_.insert(it->first);
    }
    erase_if_over(it);
}

void DutyDesk::drop_ended_grace(const DutyItem& item, Entry& entry) {
    bool heir = false;
    for (const Holder& holder : entry.holders) {
        const bool over = is_over(holder.member.tie);
        if (over && (holder.unsure || (!entry.own && !holder.handed_on))) {
            heir = true;
            entry.doubt.add({holder.unsure || holder.doubt != 0, holder.unsure ? nullptr : holder.behind});
        }
        // Cut off, a holder whose last word was 0 may have counted, and told, again; not one that has left in order.
        entry.holder_lost = entry.holder_lost || (over && (holder.current > 0 || !holder.left));
    }
    const std::size_t dropped =
        std::erase_if(entry.holders, [&](const Holder& holder) { return is_over(holder.member.tie); });
    if (dropped > 0 && entry.own) {
        bury(item, entry);
    } else if (heir && entry.token == 0) {
        hand_on(item, entry);
    }
}

void DutyDesk::change_hands(Instant now, const DutyItem& item, Entry& entry) {
    entry.own = !entry.own;
    entry.calm = false;
    entry.moved_at = now;
    due_.insert(item);
    if (entry.own) {
        TULLE_ASSERT(entry.token == 0 || finishing_ > 0);
        finishing_ -= entry.token != 0 ? 1u : 0u;
        for (const Holder& holder : entry.holders) {
            entry.doubt.add({holder.doubt != 0, holder.behind});
        }
    } else if (entry.token == 0) {
        hand_on(item, entry);
    } else {
        ++finishing_;
        if (!std::exchange(entry.revoked, true)) {
            revoked_.push_back({entry.token});
        }
        if (reunited_) {
            // The shard's answer is handed on when the answer comes. Told twice is better than told wrong for good.
            handed_on_.push_back({item, entry.told, entry.told_version, {true, nullptr}, entry.info, false});
        }
    }
    if (!entry.own) {
        std::erase_if(entry.holders, [](const Holder& holder) { return holder.moved; });
    }
}

void DutyDesk::hand_on(const DutyItem& item, Entry& entry) {
    TULLE_ASSERT(entry.token == 0);
    // No holder in session could tell the next desk.
    const bool only_here = std::none_of(entry.holders.begin(), entry.holders.end(),
                                        [&](const Holder& holder) { return members_.contains(holder.member.tie); });
    if (entry.dealt_here || entry.doubt.exists || (only_here && entry.told > 0)) {
        entry.dealt_here = false;
        for (Holder& holder : entry.holders) {
            holder.handed_on = !members_.contains(holder.member.tie);
        }
        handed_on_.push_back({item, entry.told, entry.told_version, std::exchange(entry.doubt, {}), entry.info,
                              (entry.holder_lost || !entry.met) && entry.told == 0});
    }
}

}  // namespace tulle::mesh
