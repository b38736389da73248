#include "mesh/core/history/history_table.hpp"

#include <iterator>
#include <limits>

#include "mesh/base/assert.hpp"

namespace tulle::mesh {
bool HistoryTable::put(Instant now, const std::string& channel, const HistoryLimits& of, HistoryEntry entry) {
    TULLE_ASSERT(of.size > 0 && entry.stamp.time_us != 0);
    const auto [place, is_new] = logs_.try_emplace(channel);
    Log& log = place->second;
    const auto floor = log.floors.find(entry.stamp.origin);
    if (floor != log.floors.end() && entry.n <= floor->second.n) {
        return false;
    }
    // Nearly always the entry is the latest of the channel.
    const bool is_latest = log.held.empty() || log.held.back().entry.stamp < entry.stamp;
    const auto at = is_latest ? log.held.cend() : first_from(log.held, entry.stamp);
    if (at != log.held.cend() && at->entry.stamp == entry.stamp) {
        return false;
    }
    if (is_new) {
        log.dropped_us = forgotten_us_;
        bytes_ += kLogBytes + channel.size();
    } else {
        unindex(*place);
    }
    note(log, entry.stamp);
    if (entry.until <= now) {
        raise_floor(log, entry.n, entry.stamp, Limit::kTtl);
        index(now, *place);
        make_room(now);
        return false;
    }
    log.bytes += entry.cost();
    bytes_ += entry.cost();
    ++entries_;
    log.held.insert(at, Held{std::move(entry), ++last_put_});
    while (log.held.size() > of.size) {
        evict_front(log, Limit::kSize);
    }
    while (log.bytes > of.bytes && log.held.size() > 1) {
        evict_front(log, Limit::kBytes);
    }
    index(now, *place);
    make_room(now);
    return true;
}

void HistoryTable::note(Log& log, const Stamp& stamp) {
    std::uint64_t& latest_us = log.latest[stamp.origin];
    latest_us = std::max(latest_us, stamp.time_us);
    if (log.latest.size() > kMaxPositionOrigins) {
        log.latest.erase(std::min_element(log.latest.begin(), log.latest.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; }));
    }
}

void HistoryTable::make_room(Instant now) {
    while (bytes_ > limits_.history_bytes && !by_front_.empty()) {
        Entry& log = *by_front_.begin()->second;
        unindex(log);
        evict_front(log.second, Limit::kNode);
        index(now, log);
    }
    while (!by_forget_.empty() && (by_forget_.size() > limits_.history_floors || bytes_ > limits_.history_bytes)) {
        forget_first();
    }
}

void HistoryTable::index(Instant now, Entry& log) {
    if (log.second.held.empty()) {
        log.second.end = {now + limits_.history_floors_for, ++last_put_};
        by_forget_.emplace(log.second.end, &log);
        return;
    }
    const Held& front = log.second.held.front();
    log.second.end = {front.entry.until, front.put_no};
    by_front_.emplace(front.put_no, &log);
    by_end_.emplace(log.second.end, &log);
}

void HistoryTable::unindex(Entry& log) {
    if (log.second.held.empty()) {
        by_forget_.erase(log.second.end);
        return;
    }
    by_front_.erase(log.second.held.front().put_no);
    by_end_.erase(log.second.end);
}

void HistoryTable::count(Limit by) {
    switch (by) {
        case Limit::kSize:
            ++evicted_.by_size;
            return;
        case Limit::kBytes:
            ++evicted_.by_bytes;
            return;
        case Limit::kTtl:
            ++evicted_.by_ttl;
            return;
        case Limit::kNode:
            ++evicted_.by_node;
            return;
    }
}

void HistoryTable::evict_front(Log& log, Limit by) {
    TULLE_ASSERT(!log.held.empty());
    const HistoryEntry& entry = log.held.front().entry;
    log.bytes -= entry.cost();
    bytes_ -= entry.cost();
    --entries_;
    count(by);
    raise_floor(log, entry.n, entry.stamp, by);
    log.held.pop_front();
}

void HistoryTable::raise_floor(Log& log, RecordNo n, const Stamp& evicted, Limit by) {
    const auto [place, is_new] = log.floors.try_emplace(evicted.origin);
    bytes_ += is_new ? kFloorBytes : 0;
    Floor& floor = place->second;
    floor.n = std::max(floor.n, n);
    floor.time_us = std::max(floor.time_us, evicted.time_us);
    floor.by_channel_us = by == Limit::kNode ? floor.by_channel_us : std::max(floor.by_channel_us, evicted.time_us);
    if (log.floors.size() > kMaxHistoryFloors) {
        const auto oldest = std::min_element(log.floors.begin(), log.floors.end(), [](const auto& a, const auto& b) {
            return a.second.time_us < b.second.time_us;
        });
        log.dropped_us = std::max(log.dropped_us, oldest->second.time_us);
        log.floors.erase(oldest);
        bytes_ -= kFloorBytes;
    }
}

void HistoryTable::forget_first() {
    const auto first = by_forget_.begin();
    const auto place = logs_.find(first->second->first);
    // Which channel was forgotten is forgotten, too.
    forgotten_us_ = std::max(forgotten_us_, place->second.dropped_us);
    for (const auto& [origin, floor] : place->second.floors) {
        forgotten_us_ = std::max(forgotten_us_, floor.time_us);
    }
    by_forget_.erase(first);
    bytes_ -= kLogBytes + place->first.size() + place->second.floors.size() * kFloorBytes;
    logs_.erase(place);
}

void HistoryTable::on_deadline(Instant now) {
    for (std::size_t left = limits_.history_slice; left > 0 && !by_end_.empty(); --left) {
        Entry& log = *by_end_.begin()->second;
        if (by_end_.begin()->first.first > now) {
            break;
        }
        unindex(log);
        evict_front(log.second, Limit::kTtl);
        index(now, log);
    }
    make_room(now);
    for (std::size_t left = limits_.history_slice; left > 0 && !by_forget_.empty(); --left) {
        if (by_forget_.begin()->first.first > now) {
            break;
        }
        forget_first();
    }
}

std::optional<Instant> HistoryTable::next_deadline() const {
    std::optional<Instant> next;
    for (const auto* index : {&by_end_, &by_forget_}) {
        if (!index->empty()) {
            next = std::min(next.value_or(Instant::max()), index->begin()->first.first);
        }
    }
    return next;
}

std::deque<HistoryTable::Held>::const_iterator HistoryTable::first_from(const std::deque<Held>& held,
                                                                        const Stamp& stamp) {
    return std::lower_bound(held.begin(), held.end(), stamp,
                            [](const Held& one, const Stamp& bound) { return one.entry.stamp < bound; });
}

HistoryTable::Page HistoryTable::page(Instant now, const HistoryAsk& ask) const {
    Page page;
    const auto found = logs_.find(ask.channel);
    if (found == logs_.end() || ask.from_us > ask.to_us) {
        return page;
    }
    const std::deque<Held>& all = found->second.held;
    auto first = first_from(all, Stamp{ask.from_us, {}});
    auto last =
        ask.to_us == std::numeric_limits<std::uint64_t>::max() ? all.end() : first_from(all, Stamp{ask.to_us + 1, {}});
    if (ask.behind.time_us != 0) {
        const auto at = first_from(all, ask.behind);
        if (ask.newest_first) {
            last = std::min(last, at);
        } else {
            first = std::max(first, at != all.end() && at->entry.stamp == ask.behind ? at + 1 : at);
        }
    }
    std::size_t bytes = 0;
    while (first < last) {
        const HistoryEntry& entry = ask.newest_first ? (--last)->entry : (first++)->entry;
        // An entry that has ended may wait behind one of longer life to be evicted.
        if (entry.until <= now) {
            continue;
        }
        bytes += entry.cost();
        if (!page.entries.empty() && (page.entries.size() >= ask.limit || bytes > kMaxHistoryPageBytes)) {
            page.has_more = true;
            break;
        }
        page.entries.push_back(&entry);
    }
    return page;
}

void HistoryTable::raise_floors(Instant now, const std::string& channel, std::span<const Stamp> floors,
                                std::uint64_t dropped_us) {
    if (floors.empty() && dropped_us == 0) {
        return;
    }
    const auto [place, is_new] = logs_.try_emplace(channel);
    Log& log = place->second;
    if (is_new) {
        log.dropped_us = forgotten_us_;
        bytes_ += kLogBytes + channel.size();
    } else {
        unindex(*place);
    }
    log.dropped_us = std::max(log.dropped_us, dropped_us);
    for (const Stamp& floor : floors) {
        // The number is not known: an entry that comes later is taken in.
        raise_floor(log, RecordNo{}, floor, Limit::kNode);
        note(log, floor);
    }
    index(now, *place);
    make_room(now);
}

HistoryTable::Floors HistoryTable::floors(std::string_view channel) const {
    const auto found = logs_.find(channel);
    if (found == logs_.end()) {
        return {{}, forgotten_us_};
    }
    Floors all{{}, found->second.dropped_us};
    for (const auto& [origin, floor] : found->second.floors) {
        all.floors.push_back({floor.time_us, origin});
    }
    return all;
}

std::vector<Stamp> HistoryTable::latest(std::string_view channel) const {
    std::vector<Stamp> stamps;
    if (const auto found = logs_.find(channel); found != logs_.end()) {
        for (const auto& [origin, time_us] : found->second.latest) {
            stamps.push_back({time_us, origin});
        }
    }
    return stamps;
}

void HistoryTable::each(std::string_view channel, std::uint64_t after_us,
                        const std::function<bool(const HistoryEntry&)>& visit) const {
    const auto found = logs_.find(channel);
    if (found == logs_.end()) {
        return;
    }
    const std::deque<Held>& all = found->second.held;
    for (auto held = first_from(all, Stamp{after_us + 1, {}}); held != all.end(); ++held) {
        if (!visit(held->entry)) {
            return;
        }
    }
}

std::uint64_t HistoryTable::evicted_upto_us(Instant now, std::string_view channel,
                                            const std::function<bool(OriginId)>& any) const {
    const auto found = logs_.find(channel);
    if (found == logs_.end()) {
        return forgotten_us_;
    }
    std::uint64_t upto = found->second.dropped_us;
    for (const auto& [origin, floor] : found->second.floors) {
        upto = std::max(upto, any(origin) ? floor.time_us : floor.by_channel_us);
    }
    for (const Held& held : found->second.held) {
        upto = held.entry.until <= now ? std::max(upto, held.entry.stamp.time_us) : upto;
    }
    return upto;
}

}  // namespace tulle::mesh
