#include "mesh/core/duty/duty_source.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"

// The life of an item at its source.
//
// A shard's count changes the sum: the item gets a new revision and a report is queued to the desk, and to the heir if
// this node is the desk. The desk settles: the desk tells the revision dealt with, and the count told to the world
// outside. An item with the sum 0 is forgotten as soon as the desk has settled its last revision.
//
// After a change of members every item is looked at once. An item with a new desk is queued in `moved_`, before all
// ordinary news, and the former desk is told "away". A desk lost with an unsettled revision may have told anything of
// the revision, so the next desk gets a doubt with the report.
namespace tulle::mesh {

DutySource::Entries::iterator DutySource::entry(const DutyItem& item) {
    const auto [it, fresh] = entries_.try_emplace(item);
    if (fresh) {
        it->second.key_hash = stable_hash(item.key);
        assign(it->second);
    }
    return it;
}

void DutySource::assign(Entry& entry) const {
    const DutyMembers::Two two = members_.responsible_two(entry.key_hash);
    entry.desk = two.first;
    entry.heir = two.first == kOwnTie ? two.second : DutyTie{};
    TULLE_ASSERT(entry.heir == DutyTie{} || entry.heir != entry.desk);
}

void DutySource::count(ShardIndex shard, const DutyCount& word) {
    TULLE_ASSERT(!word.key.empty() && word.key.size() <= kMaxChannelBytes);
    TULLE_ASSERT(word.item.size() <= kMaxDutyItemBytes);
    TULLE_ASSERT(!word.info || word.info->size() <= kMaxUserInfoBytes);
    const DutyItem item{word.key, word.item};
    // 0 of an unknown item is no news.
    if (word.count == 0 && !entries_.contains(item)) {
        return;
    }
    const auto it = entry(item);
    Entry& held = it->second;
    const auto at =
        std::find_if(held.shards.begin(), held.shards.end(), [&](const auto& s) { return s.first == shard; });
    if (at == held.shards.end()) {
        held.shards.emplace_back(shard, word.count);
    } else {
        at->second = word.count;
    }
    std::erase_if(held.shards, [](const auto& s) { return s.second == 0; });
    if (word.info) {
        held.info = word.info;
    }
    std::uint64_t sum = 0;
    for (const auto& [index, count] : held.shards) {
        sum += std::min(count, kMaxNumber - sum);
    }
    if (sum != held.current) {
        held.current = sum;
        mark(item, held);
    }
    // Knowledge of this node's desk that waits for its next mail, as "gone, in doubt", is not to be lost with the
    // count.
    const bool is_unknown = held.told_version == 0 && held.was_desk == 0 && held.doubt == 0 && !held.holder_lost;
    if (held.current == 0 && !held.composed && is_unknown) {
        // The item came and went before anybody heard of it.
        erase(it);
    }
}

void DutySource::add_doubt(Entry& entry, const Doubt& doubt) {
    TULLE_ASSERT(entry.doubt <= entry.revision);
    if (doubt.exists) {
        Doubt all{entry.doubt != 0, entry.behind};
        all.add(doubt);
        entry.doubt = entry.revision;
        entry.behind = all.behind;
    }
}

void DutySource::adopt(const DutyItem& item, const Adopted& what) {
    Entry& held = entry(item)->second;
    // Two different values and no newer version: nobody knows which value was told last.
    const bool differs = what.told != held.told && what.told_version <= held.told_version;
    if (what.told_version >= held.told_version) {
        held.told = what.told;
        held.told_version = what.told_version;
    }
    if (!held.info) {
        held.info = what.info;
    }
    mark(item, held);
    held.holder_lost = (held.holder_lost || what.holder_lost) && held.told == 0;
    held.was_desk = held.revision;
    add_doubt(held, what.doubt);
    add_doubt(held, {differs, nullptr});
    if (held.desk.value != 0) {
        changed_[held.desk].erase(item);
        if (changed_[held.desk].empty()) {
            changed_.erase(held.desk);
        }
        // Among the moved items, because the new desk must not begin without the knowledge.
        moved_[held.desk].insert(item);
    }
}

void DutySource::mark(const DutyItem& item, Entry& entry) {
    entry.revision = ++last_revision_;
    mark(item, entry.desk);
    mark(item, entry.heir);
}

void DutySource::mark(const DutyItem& item, DutyTie to) {
    const auto moved = moved_.find(to);
    // A queued report is composed from the entry at the time of sending, so a second place in the queues is not needed.
    if (to.value != 0 && (moved == moved_.end() || !moved->second.contains(item))) {
        changed_[to].insert(item);
    }
}

void DutySource::erase(Entries::iterator it) {
    for (Owed* owed : {&moved_, &changed_}) {
        const auto found = owed->find(it->second.desk);
        if (found != owed->end() && found->second.erase(it->first) == 1 && found->second.empty()) {
            owed->erase(found);
        }
    }
    parting_.erase(it->first);
    if (it->second.composed) {
        // The heir will find nothing here any more, and be told "away".
        mark(it->first, it->second.heir);
    }
    for (const DutyTie one : it->second.told_moved) {
        if (members_.contains(one)) {
            // As for the heir: this node's earlier words end for the member too.
            mark(it->first, one);
        }
    }
    entries_.erase(it);
}

void DutySource::on_settle(DutyTie from, const DutySettle& settle) {
    const auto it = entries_.find(DutyItem{settle.key, settle.item});
    if (it == entries_.end()) {
        return;
    }
    Entry& held = it->second;
    const bool settled = held.desk == from && settle.forget && settle.revision > held.settled;
    // The desk is in doubt about what was told, so nothing is dealt with until the desk settles again.
    const bool unsettled = held.desk == from && !settle.forget && settle.revision != 0 && held.settled != 0;
    // The heir's copy must show the new state as well.
    if (settle.told_version > held.told_version || settled || unsettled) {
        mark(it->first, held.heir);
    }
    if (settle.told_version > held.told_version) {
        // The other desk settled without this node's word: nobody knows which of the two words was the last.
        if (settle.revision < held.was_desk && settle.told != held.told) {
            add_doubt(held, {true, nullptr});
        }
        held.told = settle.told;
        held.told_version = settle.told_version;
        held.holder_lost = held.holder_lost && held.told == 0;
        if (held.told > 0) {
            // The item is there again, and this node knows.
            tombstones_.erase(it->first);
        }
    }
    // Only the present desk's word settles a revision.
    if (held.desk != from) {
        return;
    }
    held.settled = settled ? settle.revision : unsettled ? 0 : held.settled;
    held.was_desk = settle.revision == held.revision ? 0 : held.was_desk;
    held.doubt = settle.revision < held.doubt ? held.doubt : 0;
    held.behind = held.doubt == 0 ? nullptr : held.behind;
    // Nothing has changed since the desk's word, and nothing is left to tell. A former desk keeps the entry alive.
    if (settle.forget && settle.revision == held.revision && held.current == 0 && held.former == DutyTie{}) {
        forget(it);
    }
}

void DutySource::forget(Entries::iterator it) {
    const DutyItem item = it->first;
    const DutyTie desk = it->second.desk;
    if (it->second.holder_lost) {
        bury(item, it->second);
    }
    erase(it);
    mark(item, desk);
}

void DutySource::bury(const DutyItem& item, const Entry& entry) {
    if (tombstones_.insert_or_assign(item, Tombstone{entry.key_hash, entry.desk, entry.told_version, entry.info})
            .second) {
        tombstone_order_.push_back(item);
    }
    while (tombstone_order_.size() > limits_.duty_tombstones) {
        tombstones_.erase(tombstone_order_.front());
        tombstone_order_.pop_front();
    }
}

void DutySource::look_at_tombstones(std::size_t& compared) {
    auto it = tombstone_next_ ? tombstones_.lower_bound(*tombstone_next_) : tombstones_.end();
    while (it != tombstones_.end() && compared < limits_.duty_slice) {
        // Cost of a look: a comparison for each member, and at least 16 for the access itself.
        compared += std::max<std::size_t>(members_.size(), 16);
        const DutyTie desk = it->second.desk;
        if (members_.contains(desk) && desk != kOwnTie) {
            // Also when another node has the duty by now: nobody else knows whether the desk has handed the item on.
            ++it;
            continue;
        }
        if (desk == kOwnTie || scan_.excused.contains(desk)) {
            // The desk of this node, or a leaver, hands everything on.
            it->second.desk = members_.responsible(it->second.key_hash);
            ++it;
            continue;
        }
        adopt(it->first, {0, it->second.told_version, {}, it->second.info, true});
        it = tombstones_.erase(it);
    }
    tombstone_next_ = it == tombstones_.end() ? std::nullopt : std::optional(it->first);
}

void DutySource::forget_former() {
    for (const DutyItem& item : std::exchange(parting_, {})) {
        const auto it = entries_.find(item);
        it->second.former = {};
        if (it->second.current == 0 && it->second.settled == it->second.revision) {
            forget(it);
        }
    }
}

void DutySource::set_members(const DutyMembers& members) {
    members_ = members;
    const auto gone = [&](const auto& owed) { return !members_.contains(owed.first); };
    std::erase_if(moved_, gone);
    std::erase_if(changed_, gone);
    scan_.is_running = !entries_.empty() || !tombstones_.empty();
    scan_.next = {};
    tombstone_next_ = DutyItem{};
}

void DutySource::work() {
    std::size_t compared = 0;
    // Tombstones first: a tombstone with a lost desk becomes an entry, to be moved like all others.
    look_at_tombstones(compared);
    if (tombstone_next_) {
        return;
    }
    auto it = scan_.is_running ? entries_.lower_bound(scan_.next) : entries_.end();
    for (; it != entries_.end() && compared < limits_.duty_slice; ++it) {
        compared += std::max<std::size_t>(members_.size(), 16);
        move(it->first, it->second);
    }
    scan_.is_running = it != entries_.end();
    if (scan_.is_running) {
        scan_.next = it->first;
    } else {
        scan_.excused.clear();
        scan_.mistrusted.clear();
        scan_.strangers.clear();
    }
}

void DutySource::move(const DutyItem& item, Entry& entry) {
    reassign(item, entry);
    if (scan_.cleared && entry.current != 0) {
        entry.shards.clear();
        entry.current = 0;
        mark(item, entry);
    }
}

void DutySource::reassign(const DutyItem& item, Entry& entry) {
    const DutyTie desk = entry.desk;
    const DutyTie heir = entry.heir;
    const DutyTie former = entry.former;
    assign(entry);
    const bool orphaned = has_lost_former(item, entry);
    const bool moved = desk != entry.desk || heir != entry.heir;
    // The desk has perhaps heard of the item, but has not settled the last revision.
    const bool unsettled = entry.composed && entry.settled < entry.revision;
    // An excused desk was telling nothing at its end.
    const bool lost = desk != kOwnTie && !members_.contains(desk) && !scan_.excused.contains(desk);
    if (orphaned || (moved && lost && (unsettled || (entry.composed && scan_.mistrusted.contains(desk))))) {
        entry.revision = ++last_revision_;
        add_doubt(entry, {true, nullptr});
    }
    if (former != entry.former) {
        // The desk has kept an entry for the sake of the former desk: let the desk settle the entry.
        mark(item, entry.desk);
        mark(item, entry.heir);
    }
    if (!moved) {
        return;
    }
    if (desk != entry.desk && scan_.strangers.contains(entry.desk)) {
        // The former desk's settlement says nothing about the words of a desk from another part. Neither do the
        // versions of the two parts tell which word came last. The former desk need not hand on what it has not dealt
        // with, so each holder passes the knowledge of its part on as a former desk does.
        entry.revision = ++last_revision_;
        entry.was_desk = entry.told_version > 0 ? entry.revision : entry.was_desk;
    }
    // The old desk is still there and may be telling: remember the desk as the former desk.
    if (unsettled && desk != entry.desk && desk != kOwnTie && members_.contains(desk)) {
        entry.former = desk;
        parting_.insert(item);
    }
    for (const DutyTie one : {desk, heir, entry.desk, entry.heir}) {
        if (members_.contains(one)) {
            // A member without a part in the item is told "away".
            moved_[one].insert(item);
        }
    }
}

bool DutySource::has_lost_former(const DutyItem& item, Entry& entry) {
    const DutyTie former = entry.former;
    if (former == DutyTie{} || (former != entry.desk && members_.contains(former))) {
        return false;
    }
    entry.former = {};
    parting_.erase(item);
    return former != entry.desk && !scan_.excused.contains(former);
}

DutyReport DutySource::report(const DutyItem& item, DutyTie to) {
    DutyReport report{.key = item.key, .item = item.item};
    const auto it = entries_.find(item);
    // The item is gone, or belongs to others.
    if (it == entries_.end() || (it->second.desk != to && it->second.heir != to)) {
        report.away = true;
        report.moved = it != entries_.end();
        if (report.moved) {
            note_moved(it->second, to, true);
        }
        return report;
    }
    Entry& held = it->second;
    note_moved(held, to, false);
    held.composed = true;
    report.revision = held.revision;
    report.current = held.current;
    report.told = held.told;
    report.told_version = held.told_version;
    report.was_desk = held.was_desk != 0 && held.desk == to;
    // The heir learns of an unsettled word as a doubt: if this node dies, the heir can't know the last told count.
    const bool is_unsettled = held.heir == to && held.settled < held.revision;
    report.doubt = is_unsettled ? held.revision : held.doubt;
    report.behind = is_unsettled ? nullptr : held.behind;
    report.info = held.info;
    return report;
}

void DutySource::note_moved(Entry& entry, DutyTie to, bool moved) {
    // Who is lost meanwhile counts nothing any more.
    std::erase_if(entry.told_moved, [&](DutyTie one) { return one == to || !members_.contains(one); });
    if (moved) {
        entry.told_moved.push_back(to);
    }
    TULLE_ASSERT(entry.told_moved.size() <= members_.size() + 1);
}

void DutySource::compose_from(Owed& owed, DutyTie to, DutyMail& mail, std::size_t& bytes) {
    const auto found = owed.find(to);
    if (found == owed.end()) {
        return;
    }
    std::set<DutyItem>& items = found->second;
    while (!items.empty() && bytes < limits_.duty_mail_bytes && mail.reports.size() < limits_.duty_mail_entries) {
        mail.reports.push_back(report(*items.begin(), to));
        items.erase(items.begin());
        const DutyReport& made = mail.reports.back();
        bytes += 64 + made.key.size() + made.item.size() + (made.info ? made.info->size() : 0);
    }
    if (items.empty()) {
        owed.erase(found);
    }
}

bool DutySource::compose(DutyTie to, DutyMail& mail) {
    std::size_t bytes = 0;
    compose_from(moved_, to, mail, bytes);
    compose_from(changed_, to, mail, bytes);
    return bytes > 0;
}

}  // namespace tulle::mesh
