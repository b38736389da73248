#include "mesh/core/duty_desk.hpp"

#include <algorithm>

namespace tulle::mesh {

std::uint64_t DutyDesk::count(const Entry& entry) {
    std::uint64_t sum = 0;
    for (const Holder& holder : entry.holders) {
        sum += holder.current;
    }
    return sum;
}

std::optional<std::uint64_t> DutyDesk::told(const DutyItem& item) const {
    const auto it = entries_.find(item);
    return it == entries_.end() ? std::nullopt : std::optional(it->second.told);
}

/// The newest version wins. But when this desk and another have dealt with the item at the same time, each cut off from the
/// other, nobody knows which of the two was last: the shard is told again.
void DutyDesk::learn(Entry& entry, const DutyReport& report) {
    const bool at_once = report.was_desk && entry.dealt_here;
    if (report.told_version > entry.told_version) {
        if (at_once && report.told != entry.told) {
            entry.rival = entry.told;
        }
        entry.told = report.told;
        entry.told_version = report.told_version;
    } else if (report.told != entry.told && (at_once || report.told_version == entry.told_version)) {
        entry.rival = report.told;
    }
}

void DutyDesk::on_report(const DutyMember& from, const DutyReport& report) {
    const DutyItem item{report.key, report.item};
    const auto same = [&](const Holder& holder) { return holder.member.oid == from.oid; };
    if (report.away) {
        if (const auto it = entries_.find(item); it != entries_.end()) {
            std::erase_if(it->second.holders, same);
            if (report.moved && it->second.own && it->second.dealt_here) {
                bury(item, it->second);  // until this node sees that the duty has moved, and hands over what it knows
            }
            due_.insert(item);
            erase_if_over(it);
        }
        return;
    }
    const auto [it, fresh] = entries_.try_emplace(item);
    Entry& entry = it->second;
    if (fresh) {
        entry.key_hash = stable_hash(item.key);
        entry.own = members_.responsible(entry.key_hash) == kOwnTie;
    }
    auto holder = std::find_if(entry.holders.begin(), entry.holders.end(), same);
    if (holder == entry.holders.end()) {
        holder = entry.holders.insert(entry.holders.end(), Holder{});
    }
    *holder = {from, report.current, report.revision};
    learn(entry, report);
    if (!entry.info || (report.info && report.current > 0)) {
        entry.info = report.info;
    }
    entry.calm = false;
    if (report.was_desk || report.told_version != entry.told_version) {
        owed_[from.tie].insert(item);
    }
    due_.insert(item);
}

void DutyDesk::settled(Entry& entry, std::uint64_t told) {
    entry.told = told;
    ++entry.told_version;
    entry.rival.reset();
    entry.dealt_here = true;
}

bool DutyDesk::on_done(std::uint64_t token, std::uint64_t told) {
    const auto found = tokens_.find(token);
    if (found == tokens_.end()) {
        return false;
    }
    const auto it = entries_.find(found->second);
    tokens_.erase(found);
    Entry& entry = it->second;
    entry.token = 0;
    entry.calm = false;
    settled(entry, told);
    owe_all(it->first, entry);
    due_.insert(it->first);
    if (!entry.own) {
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

void DutyDesk::hand_on(const DutyItem& item, Entry& entry) {
    const bool only_here = std::none_of(entry.holders.begin(), entry.holders.end(),
                                        [&](const Holder& holder) { return members_.contains(holder.member.tie); });
    if (entry.dealt_here || (only_here && entry.told > 0)) {
        entry.dealt_here = false;
        handed_on_.push_back({item, entry.told, entry.told_version, entry.info});
    }
}

void DutyDesk::set_members(const DutyMembers& members) {
    members_ = members;
    std::erase_if(owed_, [&](const auto& owed) { return !members_.contains(owed.first); });
    scanning_ = !entries_.empty();
    scanned_ = {};
}

void DutyDesk::lose(Instant now, DutyTie member) {
    haunting_.insert(member);
    ghosts_.emplace_back(now + timing_.duty_grace, member);
}

std::optional<Instant> DutyDesk::next_deadline() const {
    return ghosts_.empty() ? std::nullopt : std::optional(ghosts_.front().first);
}

void DutyDesk::work(Instant now) {
    while (!ghosts_.empty() && ghosts_.front().first <= now) {
        haunting_.erase(ghosts_.front().second);
        ghosts_.pop_front();
        scanning_ = !entries_.empty();
        scanned_ = {};
    }
    std::size_t compared = 0;
    auto it = scanning_ ? entries_.lower_bound(scanned_) : entries_.end();
    while (it != entries_.end() && compared < limits_.duty_slice) {
        compared += std::max<std::size_t>(members_.size(), 16);
        look_through(it++);
    }
    scanning_ = it != entries_.end();
    if (scanning_) {
        scanned_ = it->first;
    }
}

void DutyDesk::look_through(Entries::iterator it) {
    Entry& entry = it->second;
    const bool own = members_.responsible(entry.key_hash) == kOwnTie;
    if (own != entry.own) {
        entry.own = own;
        due_.insert(it->first);
        if (entry.token != 0) {
            finishing_ = own ? finishing_ - 1 : finishing_ + 1;
        } else if (!own) {
            hand_on(it->first, entry);
        }
    }
    if (std::erase_if(entry.holders, [&](const Holder& holder) { return is_over(holder.member.tie); }) > 0 && entry.own) {
        bury(it->first, entry);
    }
    if (count(entry) != (entry.token == 0 ? entry.told : entry.announced)) {
        due_.insert(it->first);
    }
    erase_if_over(it);
}

void DutyDesk::bury(const DutyItem& item, Entry& entry) {
    if (!entry.bereaved) {
        entry.bereaved = true;
        graves_.push_back(item);
    }
    if (graves_.size() <= limits_.duty_graves) {
        return;
    }
    const auto oldest = entries_.find(graves_.front());
    graves_.pop_front();
    if (oldest != entries_.end()) {
        oldest->second.bereaved = false;
        due_.insert(oldest->first);
    }
}

/// Nothing to deal with and nobody to tell; or another node's, which has been handed on.
void DutyDesk::erase_if_over(Entries::iterator it) {
    const Entry& entry = it->second;
    if (entry.token == 0 && entry.holders.empty() && (!entry.own || (entry.told == 0 && !entry.rival && !entry.bereaved))) {
        due_.erase(it->first);
        entries_.erase(it);
    }
}

void DutyDesk::act(std::vector<DutyChanged>& out) {
    for (std::size_t acted = 0; !due_.empty() && acted < limits_.duty_items; ++acted) {
        const auto it = entries_.find(*due_.begin());
        due_.erase(due_.begin());
        if (it == entries_.end() || !it->second.own) {
            continue;  // when it becomes this node's it is looked at again
        }
        announce(it->first, it->second, out);
        erase_if_over(it);
    }
}

void DutyDesk::announce(const DutyItem& item, Entry& entry, std::vector<DutyChanged>& out) {
    const std::uint64_t now = count(entry);
    if (entry.token != 0) {
        if (now != entry.announced) {
            entry.announced = now;
            out.push_back({entry.token, item.key, item.item, entry.info, entry.told, now});
        }
        return;
    }
    if (now == entry.told && !entry.rival) {
        entry.calm = true;
        for (const Holder& holder : entry.holders) {
            if (holder.current == 0 && members_.contains(holder.member.tie)) {
                owed_[holder.member.tie].insert(item);
            }
        }
        return;
    }
    const std::uint64_t told = now == entry.told ? *entry.rival : entry.told;
    last_token_ += 2;  // even ones; tasks have the odd ones
    entry.token = last_token_;
    entry.announced = now;
    tokens_.emplace(entry.token, item);
    out.push_back({entry.token, item.key, item.item, entry.info, told, now});
    if (planted_ == Planted::kSettledEarly) {
        settled(entry, now);
        owe_all(item, entry);
    }
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
        if (holder == entry.holders.end()) {
            continue;
        }
        DutySettle settle{item.key, item.item, holder->revision, entry.told, entry.told_version, false};
        settle.forget = entry.calm && holder->current == 0;
        bytes += 64 + item.key.size() + item.item.size();
        mail.settles.push_back(std::move(settle));
    }
    if (!items.empty()) {
        owed_[to].merge(items);
    }
    return bytes > 0;
}

}  // namespace tulle::mesh
