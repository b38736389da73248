#include "mesh/core/duty/duty_desk.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"

// The life of an item at its desk.
//
// Reports set the counts of the holders and make the item due. act() compares the sum with the count told last. A
// difference, or a doubt, becomes a DutyChanged with a token; the shard answers with DutyDone. The answer sets `told`,
// and the holders are told by settlements. With no difference left the item is calm, and the settlements allow the
// holders to forget the item as soon as all others know what was told.
namespace tulle::mesh {

std::uint64_t DutyDesk::count(const Entry& entry) {
    std::uint64_t sum = 0;
    for (const Holder& holder : entry.holders) {
        // The counts of several members can add up to more than the bound.
        sum += std::min(holder.current, kMaxNumber - sum);
    }
    return sum;
}

std::optional<std::uint64_t> DutyDesk::told(const DutyItem& item) const {
    const auto it = entries_.find(item);
    return it == entries_.end() ? std::nullopt : std::optional(it->second.told);
}

std::uint64_t DutyDesk::told_before(const Entry& entry, std::uint64_t now) {
    // A doubt about named endpoints leaves `told` sure for all others.
    const bool is_sure = !entry.doubted.exists || entry.doubted.behind;
    return is_sure ? entry.told : now == 0 ? 1 : 0;
}

SharedBytes DutyDesk::behind(const Entry& entry) {
    if (!entry.doubted.exists) {
        return nullptr;
    }
    return entry.doubted.behind ? entry.doubted.behind : share("");
}

// The newest version wins. But versions of desks without contact say nothing about the order of their words. Nobody
// then knows the last word told to the world outside. The same holds for an older version of a former desk.
bool DutyDesk::learn(Entry& entry, const Holder& before, const DutyReport& report) {
    const bool known = before.revision != 0 && before.told == report.told &&
                       before.told_version == report.told_version && before.was_desk == report.was_desk;
    if (known) {
        return false;
    }
    const bool differs = report.told != entry.told;
    if (report.told_version > entry.told_version) {
        entry.doubt.add_if(differs && entry.dealt_here);
        entry.told = report.told;
        entry.told_version = report.told_version;
    } else if (differs && (report.was_desk || report.told_version == entry.told_version)) {
        entry.doubt.add_if(true);
    }
    entry.dealt_here = entry.dealt_here || (report.was_desk && entry.own);
    return true;
}

void DutyDesk::on_report(Instant now, const DutyMember& from, const DutyReport& report) {
    const DutyItem item{report.key, report.item};
    if (report.away) {
        on_away(from, report);
        return;
    }
    const auto same = [&](const Holder& holder) { return holder.member.oid == from.oid; };
    const auto [it, fresh] = entries_.try_emplace(item);
    Entry& entry = it->second;
    if (fresh) {
        entry.key_hash = stable_hash(item.key);
        entry.own = members_.responsible(entry.key_hash) == kOwnTie;
        // The item was told of by another desk.
        entry.moved_at = report.told_version > 0 ? now : Instant{};
    }
    rest(entry, false);
    auto holder = std::find_if(entry.holders.begin(), entry.holders.end(), same);
    if (holder == entry.holders.end()) {
        holder = entry.holders.insert(entry.holders.end(), Holder{});
    }
    // The revision told as dealt with counts only within the member's present standing. Who reports a count of 0 again
    // has not forgotten the item.
    const bool is_standing = holder->member.tie == from.tie && report.current > 0;
    const Holder before = std::exchange(*holder, {.member = from,
                                                  .current = report.current,
                                                  .revision = report.revision,
                                                  .settled = is_standing ? holder->settled : 0,
                                                  .doubt = report.doubt,
                                                  .behind = report.behind,
                                                  .told = report.told,
                                                  .told_version = report.told_version,
                                                  .was_desk = report.was_desk,
                                                  .known = report.told_version});
    entry.met = entry.met || report.current > 0;
    const bool news = learn(entry, before, report);
    if (report.doubt > before.doubt) {
        entry.doubt.add({true, report.behind});
        warned_.erase({entry.warned_until, item});
        entry.warned_until = now + timing_.duty_grace;
        warned_.emplace(entry.warned_until, item);
    }
    const bool is_back = !entry.own && from.tie != kOwnTie && members_.responsible(entry.key_hash) == from.tie;
    if (is_back && report.was_desk) {
        // If the item were handed back, the two nodes would hand the item to and fro until their views agree.
        entry.back = from.tie;
    } else if (!entry.own && entry.back == DutyTie{}) {
        // An item that waits for the views to agree keeps what is learnt of the item, doubts included.
        const Doubt doubt = std::exchange(entry.doubt, {});
        // The sender has another view; by this node's view a third node is responsible.
        if (report.was_desk && (news || doubt.exists)) {
            handed_on_.push_back({item, report.told, report.told_version, doubt, report.info, false});
        }
    }
    if (!entry.info || (report.info && report.current > 0)) {
        entry.info = report.info;
    }
    entry.calm = false;
    if (report.was_desk || report.told_version != entry.told_version) {
        owed_[from.tie].insert(item);
    }
    due_.insert(item);
}

void DutyDesk::on_away(const DutyMember& from, const DutyReport& report) {
    const auto it = entries_.find({report.key, report.item});
    if (it == entries_.end()) {
        return;
    }
    Entry& entry = it->second;
    // The member has seen the present responsibility.
    entry.back = entry.back == from.tie ? DutyTie{} : entry.back;
    const auto holder = std::find_if(entry.holders.begin(), entry.holders.end(),
                                     [&](const Holder& h) { return h.member.oid == from.oid; });
    if (holder != entry.holders.end() && report.moved && entry.own) {
        // The word counts until this node sees the move too, and hands its knowledge over.
        holder->moved = true;
        return;
    }
    if (holder != entry.holders.end()) {
        entry.holders.erase(holder);
    }
    due_.insert(it->first);
    erase_if_over(it);
}

void DutyDesk::settled(Entry& entry, std::uint64_t told) {
    entry.told = std::min(told, kMaxNumber);
    // At the bound, which only a wrong peer can bring about, versions are equal from now on: then the words of two
    // desks differ in doubt, and the truth is told again.
    entry.told_version = std::min(entry.told_version + 1, kMaxNumber);
    entry.dealt_here = true;
    entry.holder_lost = entry.holder_lost && told == 0;
}

bool DutyDesk::on_done(Instant now, const DutyDone& done) {
    const auto found = tokens_.find(done.token);
    if (found == tokens_.end()) {
        return false;
    }
    const auto it = entries_.find(found->second);
    TULLE_ASSERT(it != entries_.end() && it->second.token == done.token);
    tokens_.erase(found);
    Entry& entry = it->second;
    const bool in_time = entry.own || now - entry.moved_at < timing_.duty_finish;
    entry.token = 0;
    entry.calm = false;
    entry.revoked = false;
    if (done.outcome == DutyOutcome::kTold || done.outcome == DutyOutcome::kPartly) {
        const bool is_named = done.behind && done.behind->size() <= kMaxDutyBehindBytes;
        settled(entry, done.told);
        entry.doubt.add({done.outcome == DutyOutcome::kPartly, is_named ? done.behind : nullptr});
        // The next desk has not waited any longer, and may have spoken meanwhile.
        entry.doubt.add_if(!in_time);
    } else {
        // Nothing was settled: the old doubt stands again.
        entry.doubt.add(entry.doubted);
        entry.doubt.add_if(done.outcome == DutyOutcome::kUnknown);
    }
    entry.doubted = {};
    owe_all(it->first, entry);
    due_.insert(it->first);
    if (!entry.own) {
        TULLE_ASSERT(finishing_ > 0);
        --finishing_;
        hand_on(it->first, entry);
    }
    erase_if_over(it);
    return true;
}

void DutyDesk::owe_all(const DutyItem& item, const Entry& entry) {
    for (const Holder& holder : entry.holders) {
        if (members_.contains(holder.member.tie)) {
            owed_[holder.member.tie].insert(item);
        }
    }
}

std::size_t DutyDesk::untold() const {
    return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), [](const auto& entry) {
        const Entry& held = entry.second;
        return held.own && (held.doubt.exists || held.token != 0 || count(held) != held.told);
    }));
}

void DutyDesk::unsettle(const DutyItem& item, Entry& entry) {
    entry.calm = false;
    for (const Holder& holder : entry.holders) {
        if (holder.settled != 0 && members_.contains(holder.member.tie)) {
            owed_[holder.member.tie].insert(item);
        }
    }
}

std::optional<Instant> DutyDesk::next_deadline() const {
    const Instant ghost = grace_ends_.empty() ? Instant::max() : grace_ends_.front().until;
    const Instant warning = warned_.empty() ? Instant::max() : warned_.begin()->first;
    const Instant wait = early_.empty() ? Instant::max() : early_.begin()->first;
    const Instant next = std::min({ghost, warning, wait});
    return next == Instant::max() ? std::nullopt : std::optional(next);
}

void DutyDesk::bury(const DutyItem& item, Entry& entry) {
    if (!entry.has_tombstone) {
        entry.has_tombstone = true;
        tombstones_.push_back(item);
    }
    if (tombstones_.size() <= limits_.duty_tombstones) {
        return;
    }
    const auto oldest = entries_.find(tombstones_.front());
    tombstones_.pop_front();
    TULLE_ASSERT(tombstones_.size() <= limits_.duty_tombstones);
    if (oldest != entries_.end()) {
        oldest->second.has_tombstone = false;
        oldest->second.dealt_here = oldest->second.dealt_here && oldest->second.told > 0;
        due_.insert(oldest->first);
    }
}

void DutyDesk::erase_if_over(Entries::iterator it) {
    Entry& entry = it->second;
    if (entry.token != 0 || !entry.holders.empty()) {
        return;
    }
    if (entry.own && entry.told == 0 && entry.dealt_here) {
        bury(it->first, entry);
    }
    if (!entry.own || (entry.told == 0 && !entry.doubt.exists && !entry.has_tombstone)) {
        rest(entry, false);
        due_.erase(it->first);
        entries_.erase(it);
    } else if (entry.told == 0 && !entry.doubt.exists) {
        rest(entry, true);
    }
}

void DutyDesk::rest(Entry& entry, bool rests) {
    if (entry.only_tombstone != rests) {
        TULLE_ASSERT(rests || only_tombstones_ > 0);
        entry.only_tombstone = rests;
        only_tombstones_ = rests ? only_tombstones_ + 1 : only_tombstones_ - 1;
    }
}

bool DutyDesk::is_early(Instant now, bool settled, const DutyItem& item, const Entry& entry) {
    const Instant end = entry.moved_at + timing_.duty_patience;
    // When nobody stays, all counts are 0, and no member has anything to say.
    const bool waits = !settled && !hurried_ && entry.moved_at != Instant{} && now < end;
    if (waits) {
        early_.emplace(end, item);
    }
    return waits;
}

void DutyDesk::act(Instant now, bool settled, std::vector<DutyChanged>& out) {
    settled_ = settled;
    for (std::size_t ended = 0; settled && !early_.empty() && ended < limits_.duty_items; ++ended) {
        due_.insert(std::move(early_.extract(early_.begin()).value().second));
    }
    for (std::size_t acted = 0; !due_.empty() && acted < limits_.duty_items; ++acted) {
        const auto it = entries_.find(*due_.begin());
        due_.erase(due_.begin());
        if (it == entries_.end() || !it->second.own) {
            // The item is looked at again when the duty comes to this node.
            continue;
        }
        if (it->second.doubt.exists) {
            unsettle(it->first, it->second);
        }
        if (is_early(now, settled, it->first, it->second)) {
            // The item is looked at again when all members have handed over, or after the wait.
            continue;
        }
        if (it->second.doubt.exists && it->second.token == 0 && (!in_grace_.empty() || now < it->second.warned_until)) {
            // The item is looked at again after the grace, or after the warning.
            continue;
        }
        announce(it->first, it->second, out);
        erase_if_over(it);
    }
}

void DutyDesk::owe_settled(const DutyItem& item, const Entry& entry) {
    for (const Holder& holder : entry.holders) {
        if (holder.settled != holder.revision && may_settle(entry, holder)) {
            owed_[holder.member.tie].insert(item);
        }
    }
}

void DutyDesk::on_known(DutyTie member, const std::vector<DutySettle>& settles) {
    for (const DutySettle& settle : settles) {
        const auto it = entries_.find({settle.key, settle.item});
        if (it == entries_.end()) {
            continue;
        }
        for (Holder& holder : it->second.holders) {
            // A newer report has its own word about what the member knows.
            const bool is_heard = holder.member.tie == member && holder.revision == settle.revision;
            holder.known = std::max(holder.known, is_heard ? settle.told_version : 0);
        }
        owe_settled(it->first, it->second);
    }
}

void DutyDesk::announce(const DutyItem& item, Entry& entry, std::vector<DutyChanged>& out) {
    TULLE_ASSERT(entry.own);
    const std::uint64_t now = count(entry);
    // A change is under way: a new count goes out under the same token.
    if (entry.token != 0) {
        if (now != entry.announced && !entry.revoked) {
            entry.announced = now;
            out.push_back({entry.token, item.key, item.item, entry.info, told_before(entry, now), now, behind(entry)});
        }
        return;
    }
    // Nothing differs: settle with holders that have not been told, and inform those with an older word.
    if (now == entry.told && !entry.doubt.exists) {
        entry.calm = true;
        owe_settled(item, entry);
        for (const Holder& holder : entry.holders) {
            if (is_unaware(entry, holder)) {
                owed_[holder.member.tie].insert(item);
            }
        }
        return;
    }
    // Items have even tokens, tasks have odd tokens.
    last_token_ += 2;
    TULLE_ASSERT(last_token_ % 2 == 0);
    entry.token = last_token_;
    entry.announced = now;
    entry.doubted = std::exchange(entry.doubt, {});
    tokens_.emplace(entry.token, item);
    out.push_back({entry.token, item.key, item.item, entry.info, told_before(entry, now), now, behind(entry)});
}

bool DutyDesk::compose(DutyTie to, DutyMail& mail) {
    const auto found = owed_.find(to);
    if (found == owed_.end()) {
        return false;
    }
    std::set<DutyItem> items = std::move(found->second);
    owed_.erase(found);
    std::size_t bytes = 0;
    while (!items.empty() && bytes < limits_.duty_mail_bytes && mail.settles.size() < limits_.duty_mail_entries) {
        const DutyItem item = std::move(items.extract(items.begin()).value());
        const auto it = entries_.find(item);
        if (it == entries_.end()) {
            continue;
        }
        Entry& entry = it->second;
        const auto holder = std::find_if(entry.holders.begin(), entry.holders.end(),
                                         [&](const Holder& h) { return h.member.tie == to; });
        if (holder == entry.holders.end() || (holder->was_desk && !entry.own)) {
            // Only the responsible node can use the word of a former desk, and this node may go before that node has
            // heard the word.
            continue;
        }
        // Revision 0 settles nothing: only the responsible desk settles.
        const std::uint64_t revision = entry.own ? holder->revision : 0;
        DutySettle settle{item.key, item.item, revision, entry.told, entry.told_version, false};
        settle.forget = may_settle(entry, *holder);
        holder->settled = settle.forget ? holder->revision : 0;
        bytes += 64 + item.key.size() + item.item.size();
        mail.settles.push_back(std::move(settle));
    }
    if (!items.empty()) {
        owed_[to].merge(items);
    }
    return bytes > 0;
}

}  // namespace tulle::mesh
