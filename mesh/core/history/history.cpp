#include "mesh/core/history/history.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "mesh/base/assert.hpp"

namespace tulle::mesh {
namespace {

/// Bytes of entries in a piece of an answer, which is a message by control; an entry that is larger travels alone.
constexpr std::size_t kPartBytes = 64u << 10;

}  // namespace

void History::stamp(Instant now, Record& record) {
    if (!record.history) {
        return;
    }
    if (record.stamp.time_us == 0) {
        record.stamp = {clock_.stamp(now), context_.options().oid};
    }
    for (std::size_t i = 0; i < record.channels.size(); ++i) {
        if (record.history->of(i) != nullptr) {
            retained_.name_keepers({i, 1}, kKeepers, record);
        }
    }
}

void History::on_record(Instant now, OriginId origin, const Record& record) {
    // The stamps of other origins come by peers: an entry is that of the record's origin, whatever its stamp says.
    if (!record.history || record.stamp.origin != origin) {
        return;
    }
    // Stamps of messages accepted here later must be greater than every stamp seen.
    clock_.see(now, record.stamp.time_us);
    progress_.arrived(record.stamp);
    for (std::size_t i = 0; i < record.channels.size(); ++i) {
        if (const HistoryLimits* limits = record.history->of(i)) {
            // A record is at most `ring_age` on its way. The clock of its origin, which may be wrong, decides nothing.
            table_.put(now, record.channels[i], *limits,
                       {record.n, record.stamp, record.body, record.exclude_socket, now + limits->ttl});
        }
    }
}

void History::on_gone(Instant now, const Gone& gone) {
    if (gone.history || gone.unknown > 0) {
        cover_.lose(clock_.stamp(now));
        ++doubts_;
    }
}

void History::import(Instant now, const std::string& channel, const HistoryLimits& limits, const HistoryItem& item) {
    // How long the entry has been held, by the hybrid clock, which all nodes have alike.
    const std::uint64_t clock_us = clock_.latest(now);
    const std::uint64_t age_us = clock_us - std::min(clock_us, item.stamp.time_us);
    const auto ttl_us = static_cast<std::uint64_t>(limits.ttl / 1us);
    const Duration left = std::chrono::microseconds{ttl_us - std::min(ttl_us, age_us)};
    table_.put(now, channel, limits, {item.n, item.stamp, item.body, item.exclude_socket, now + left});
}

void History::session_up(Instant now, OriginId oid, bool has_served) {
    ++doubts_;
    progress_.session_up(oid);
    cover_.set_members(now, context_.sessions().ids(), has_served);
    if (!has_served) {
        unheard_.insert(oid);
    }
}

void History::session_down(Instant now, OriginId oid, bool has_left) {
    unheard_.erase(oid);
    progress_.session_down(now + context_.limits().ring_age, oid);
    if (has_left) {
        progress_.recovered(oid);
    }
    cover_.set_members(now, context_.sessions().ids(), false);
    if (context_.sessions().ids().empty()) {
        cover_.agree(now, clock_.stamp(now));
    }
}

void History::heard(Instant now, const Session& from, const Heartbeat& heartbeat) {
    // The peer may have begun to serve between its introduction and the session; and a node of an older build keeps
    // nothing that it accepts.
    if ((unheard_.erase(from.oid) > 0 && heartbeat.ready) || !heartbeat.keeps_histories) {
        cover_.lose(clock_.stamp(now));
    }
    // Records that wait for the link are in none of the frames that the heartbeat names: neither those without credit,
    // nor those of a peer that does not know this node's interest yet.
    if (heartbeat.waits_upto == RecordNo{} && heartbeat.is_open) {
        progress_.claimed(from.oid, heartbeat.last_sent, heartbeat.hybrid_us);
    }
    progress_.received(from.oid, from.data.receiver.received());
    cover_.hear(now, heartbeat.members_digest);
    if (!cover_.is_changing()) {
        return;
    }
    for (const auto& [oid, session] : context_.sessions()) {
        if (session.sees_others) {
            return;
        }
    }
    // The clock is not behind any member's: each heartbeat has brought the clock of its sender.
    cover_.agree(now, clock_.stamp(now));
}

std::vector<HistoryPartPtr> History::answer(Instant now, const HistoryAsk& ask) const {
    const HistoryTable::Page page = table_.page(now, ask);
    // A message on its way to its keepers is held by its origin, and, when the origin is gone, by those that have got
    // the message. So an entry that one of them has given up counts, unless the entry is too old to be on its way.
    const auto is_wanted = [this](OriginId origin) { return !context_.sessions().contains(origin); };
    const std::uint64_t clock_us = clock_.latest(now);
    const auto transit_us = static_cast<std::uint64_t>(context_.limits().ring_age / 1us);
    const std::uint64_t evicted_us = table_.evicted_upto_us(now, ask.channel, is_wanted);
    HistoryPart part{
        .items = {},
        .ends_with = page.has_more ? page.entries.back()->stamp : Stamp{},
        .whole_since_us = std::max(cover_.since_us(now, ask.channel), table_.whole_since_us(now, ask.channel)),
        .evicted_upto_us = evicted_us + transit_us < clock_us ? 0 : evicted_us,
        .clock_us = clock_us};
    part.told_since_us = cover_.since_us(now, ask.channel);
    HistoryTable::Floors given_up = table_.floors(ask.channel);
    part.floors = std::move(given_up.floors);
    part.dropped_us = given_up.dropped_us;
    std::vector<HistoryPartPtr> parts;
    std::size_t bytes = 0;
    for (const HistoryEntry* entry : page.entries) {
        HistoryItem item{entry->n, entry->stamp, entry->body, entry->exclude_socket};
        if (!part.items.empty() && bytes + item.cost() > kPartBytes) {
            parts.push_back(std::make_shared<const HistoryPart>(part));
            part.items.clear();
            part.floors.clear();
            bytes = 0;
        }
        bytes += item.cost();
        part.items.push_back(std::move(item));
    }
    parts.push_back(std::make_shared<const HistoryPart>(std::move(part)));
    return parts;
}

void History::tick(Instant now) {
    progress_.tick(now);
    if (const std::optional<Instant> due = table_.next_deadline(); due && *due <= now) {
        table_.on_deadline(now);
    }
}

}  // namespace tulle::mesh
