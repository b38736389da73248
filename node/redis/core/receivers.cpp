#include "node/redis/core/receivers.hpp"

#include <algorithm>
#include <limits>

#include "mesh/base/assert.hpp"
#include "node/redis/core/glob.hpp"
#include "node/redis/core/limits.hpp"

namespace tulle::node::redis {

bool Receivers::add(Kind kind, std::string_view name) {
    Counts& counts = of(kind);
    auto entry = counts.find(name);
    if (entry == counts.end()) {
        entry = counts.emplace(std::string(name), Count{}).first;
    }
    // Counted last: after an exception the subscription is not counted.
    const bool is_first_change = note_change(kind, entry);
    ++entry->second.here;
    return is_first_change;
}

bool Receivers::remove(Kind kind, std::string_view name) {
    const auto entry = of(kind).find(name);
    TULLE_ASSERT(entry != of(kind).end() && entry->second.here > 0);
    --entry->second.here;
    return note_change(kind, entry);
}

bool Receivers::note_change(Kind kind, Counts::iterator entry) {
    if (entry->second.has_changed) {
        return false;
    }
    // First what may throw: a name that is marked and not in the list would never be told.
    changed_.emplace_back(kind, entry->first);
    entry->second.has_changed = true;
    return changed_.size() == 1;
}

void Receivers::drop_if_empty(Kind kind, Counts::iterator entry) {
    const Count& count = entry->second;
    if (count.here == 0 && count.elsewhere == 0 && count.told == 0 && !count.has_changed) {
        of(kind).erase(entry);
    }
}

std::uint64_t Receivers::of_publish(Kind kind, std::string_view channel) const {
    if (!last_.is_known || last_.kind != kind || last_.channel != channel) {
        last_.is_known = false;
        last_.sum = sum_for(kind, channel);
        last_.kind = kind;
        last_.channel.assign(channel);
        last_.is_known = true;
    }
    return last_.sum;
}

std::uint64_t Receivers::sum_for(Kind kind, std::string_view channel) const {
    TULLE_ASSERT(kind != Kind::kPattern);
    std::uint64_t sum = 0;
    if (const auto entry = of(kind).find(channel); entry != of(kind).end()) {
        sum += entry->second.here + entry->second.elsewhere;
    }
    // Patterns are of channels alone: SPUBLISH passes them by.
    if (kind == Kind::kChannel) {
        std::size_t steps = kMaxCountSteps;
        for (const auto& [pattern, count] : of(Kind::kPattern)) {
            if (steps <= 1) {
                break;
            }
            --steps;
            if (count.here + count.elsewhere > 0 && glob_matches(pattern, channel, steps)) {
                sum += count.here + count.elsewhere;
            }
        }
    }
    return sum;
}

std::uint64_t Receivers::here(Kind kind, std::string_view name) const {
    const auto entry = of(kind).find(name);
    return entry == of(kind).end() ? 0 : entry->second.here;
}

std::vector<std::string_view> Receivers::names_here(Kind kind, std::optional<std::string_view> pattern,
                                                    std::size_t most) const {
    std::vector<std::string_view> names;
    std::size_t steps = kMaxListSteps;
    std::size_t bytes = 0;
    for (const auto& [name, count] : of(kind)) {
        if (names.size() >= most || bytes >= kMaxListedBytes || steps <= 1) {
            break;
        }
        --steps;
        if (count.here > 0 && (!pattern || glob_matches(*pattern, name, steps))) {
            names.emplace_back(name);
            bytes += name.size();
        }
    }
    return names;
}

std::optional<CountChange> Receivers::take_change(std::size_t max_bytes) {
    if (has_untold_ && told_names_ <= kMaxToldNames / 2) {
        tell_untold();
    }
    CountChange change;
    change.from = version_;
    std::size_t bytes = 0;
    while (!changed_.empty()) {
        auto& [kind, name] = changed_.front();
        bytes += name.size();
        if (!change.counts.empty() && bytes > max_bytes) {
            break;
        }
        const auto entry = of(kind).find(name);
        TULLE_ASSERT(entry != of(kind).end() && entry->second.has_changed);
        Count& count = entry->second;
        count.has_changed = false;
        const bool has_room = count.told > 0 || told_names_ < kMaxToldNames;
        has_untold_ = has_untold_ || !has_room;
        if (count.here != count.told && has_room) {
            told_names_ += count.told == 0 ? 1 : 0;
            count.told = count.here;
            told_names_ -= count.told == 0 ? 1 : 0;
            change.counts.push_back({kind, name, count.told});
        }
        drop_if_empty(kind, entry);
        changed_.pop_front();
    }
    if (change.counts.empty()) {
        return std::nullopt;
    }
    // Version 0 means: everything (CountChange), so the first version is 1.
    version_ += change.counts.size();
    change.to = version_;
    return change;
}

void Receivers::tell_untold() {
    has_untold_ = false;
    for (std::size_t i = 0; i < kKinds; ++i) {
        for (auto entry = counts_[i].begin(); entry != counts_[i].end(); ++entry) {
            if (entry->second.here > 0 && entry->second.told == 0) {
                (void)note_change(static_cast<Kind>(i), entry);
            }
        }
    }
}

Receivers::Totals Receivers::totals() const {
    const auto names = [](const Counts& counts) {
        return static_cast<std::size_t>(std::count_if(counts.begin(), counts.end(), [](const auto& entry) {
            return entry.second.here + entry.second.elsewhere > 0;
        }));
    };
    return {names(of(Kind::kChannel)), names(of(Kind::kPattern)), names(of(Kind::kShardChannel))};
}

CountChange Receivers::told() const {
    CountChange all;
    all.to = version_;
    for (std::size_t i = 0; i < kKinds; ++i) {
        for (const auto& [name, count] : counts_[i]) {
            if (count.told > 0) {
                all.counts.push_back({static_cast<Kind>(i), name, count.told});
            }
        }
    }
    return all;
}

Receivers::Applied Receivers::apply(const CountChange& change) {
    auto known = nodes_.find(change.node);
    const std::uint64_t version = known == nodes_.end() ? 0 : known->second.version;
    if (change.to <= version) {
        // Told already: by the whole truth, which has overtaken the change.
        return Applied::kDone;
    }
    if (change.from > version) {
        return Applied::kMissing;
    }
    if (known == nodes_.end()) {
        if (nodes_.size() >= kMaxCountedNodes) {
            return Applied::kDone;
        }
        known = nodes_.emplace(change.node, Node{}).first;
    }
    Node& node = known->second;
    if (change.from == 0) {
        take_out(node);
    }
    for (const NameCount& told : change.counts) {
        set(node, told);
    }
    node.version = change.to;
    return Applied::kDone;
}

void Receivers::set(Node& node, const NameCount& told) {
    auto& held = node.counts[static_cast<std::size_t>(told.kind)];
    auto mine = held.find(told.name);
    Counts& counts = of(told.kind);
    auto entry = counts.find(told.name);
    if (mine == held.end()) {
        // A node tells of no more names than the limit, so more are a peer's nonsense.
        std::size_t names = 0;
        for (const auto& of_kind : node.counts) {
            names += of_kind.size();
        }
        if (told.count == 0 || names >= kMaxToldNames) {
            return;
        }
        // The sum's entry comes first: a name in `held` has one always, also after an exception.
        if (entry == counts.end()) {
            entry = counts.emplace(told.name, Count{}).first;
        }
        mine = held.emplace(told.name, 0).first;
    }
    TULLE_ASSERT(entry != counts.end() && entry->second.elsewhere >= mine->second);
    // A number that no node can hold is a peer's nonsense, and must not overflow the sum.
    const std::uint64_t count = std::min<std::uint64_t>(told.count, std::numeric_limits<std::uint32_t>::max());
    entry->second.elsewhere += count;
    entry->second.elsewhere -= mine->second;
    mine->second = count;
    if (count == 0) {
        held.erase(mine);
        drop_if_empty(told.kind, entry);
    }
}

void Receivers::take_out(Node& node) {
    last_.is_known = false;
    for (std::size_t i = 0; i < kKinds; ++i) {
        for (const auto& [name, number] : node.counts[i]) {
            const auto entry = counts_[i].find(name);
            TULLE_ASSERT(entry != counts_[i].end() && entry->second.elsewhere >= number);
            entry->second.elsewhere -= number;
            drop_if_empty(static_cast<Kind>(i), entry);
        }
        node.counts[i].clear();
    }
}

void Receivers::forget(OriginId node) {
    if (const auto known = nodes_.find(node); known != nodes_.end()) {
        take_out(known->second);
        nodes_.erase(known);
    }
}

}  // namespace tulle::node::redis
