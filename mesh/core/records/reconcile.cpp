#include "mesh/core/records/reconcile.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"

// The course of a recovery.
//
// 1. The origin dies for this node: begin(). The records beyond a hole go into the pool, and every survivor is asked
// for the records behind `delivered`.
// 2. A survivor answers with parts of records, from its receive ring and its own pool. take_in() adds each record to
// the pool once.
// 3. When no answer is awaited any more, or at the deadline, finish() hands the pool on in order of n. Every survivor
// proceeds in this way, so all survivors with interest in a channel deliver the channel's records alike.
//
// Survivors reach their verdict on the origin at different times. A question from before this node's own verdict waits
// in `early_`: the answer is final only after the verdict, because until then the origin may still send records.
namespace tulle::mesh {

static_assert(Timing{}.control_verdict < Limits{}.receive_ring_age, "records are kept for longer than a verdict takes");
// A lost question or answer must be repeated before the deadline.
static_assert(Timing{}.reconcile_retry < Timing{}.reconcile);

void Reconcile::keep(Instant now, OriginId origin, const RecordPtr& record) {
    const auto [place, fresh] = rings_.try_emplace(origin);
    if (fresh) {
        rings_until_ = std::min(rings_until_, now + limits_.receive_ring_age);
    }
    Ring& ring = place->second;
    ring.records.push_back({record, now});
    ring.bytes += record->cost();
    // The newest record always stays, so no ring becomes empty.
    while (ring.records.size() > 1 &&
           (ring.bytes > limits_.receive_ring_bytes || ring.records.front().at + limits_.receive_ring_age < now)) {
        TULLE_ASSERT(ring.records.front().record->cost() <= ring.bytes);
        ring.bytes -= ring.records.front().record->cost();
        ring.records.pop_front();
    }
}

void Reconcile::keep_gone(Instant now, OriginId origin, RecordNo upto, const Gone& gone) {
    // Turns the named losses into a plain number.
    const auto nameless = [](Gone& all) {
        for (const auto& [channel, missing] : all.channels) {
            all.unknown += missing;
        }
        all.channels.clear();
    };
    std::deque<Loss>& losses = losses_[origin];
    TULLE_ASSERT(losses.size() <= kLosses);
    losses.push_back({upto, gone, now});
    if (gone.channels.size() > kLossChannels) {
        nameless(losses.back().gone);
    }
    // Too many reports: the two oldest become a single report without names.
    if (losses.size() > kLosses) {
        nameless(losses[0].gone);
        nameless(losses[1].gone);
        losses[1].gone.unknown += losses[0].gone.unknown;
        losses[1].gone.history = losses[1].gone.history || losses[0].gone.history;
        losses[1].upto = std::max(losses[0].upto, losses[1].upto);
        losses.pop_front();
    }
    rings_until_ = std::min(rings_until_, now + limits_.receive_ring_age);
}

void Reconcile::begin(Instant now, OriginId origin, const Position& position, const Witnesses& witnesses, Out& out) {
    const std::set<OriginId>& survivors = witnesses.survivors;
    const RecordNo delivered = position.delivered;
    OriginRecovery recovery{.delivered = delivered,
                            .waiting = {},
                            .absent = {},
                            .away = witnesses.away,
                            .pool = {},
                            .pool_bytes = 0,
                            .lost = position.lost,
                            .known = position.known,
                            .is_deaf = position.is_deaf,
                            .gone = {},
                            .gone_unknown = 0,
                            .gone_history = false,
                            .latest = now + 2 * timing_.reconcile,
                            .give_up_at = now + timing_.reconcile};
    // Records beyond a hole need no answer, but wait for the hole to be filled, so that delivery stays in order.
    for (const RecordPtr& record : position.held) {
        if (delivered < record->n) {
            recovery.pool_bytes += recovery.pool.emplace(record->n, record).second ? record->cost() : 0;
        }
    }
    TULLE_ASSERT(!survivors.contains(origin));
    for (const OriginId survivor : survivors) {
        recovery.waiting.emplace(survivor, Awaited{now + timing_.reconcile_retry});
    }
    const auto it = recoveries_.insert_or_assign(origin, std::move(recovery)).first;
    for (const OriginId survivor : survivors) {
        out.asks.emplace_back(survivor, Wake{origin, delivered});
    }
    // This node's knowledge of the origin is final now: answer the survivors that asked too early.
    if (const auto early = early_.find(origin); early != early_.end()) {
        for (const auto& [asker, n] : early->second) {
            out.answers.push_back(answer(asker, origin, n));
        }
        early_.erase(early);
    }
    // The new recovery asks everybody, so the leftovers of an earlier recovery are void.
    unasked_.erase(origin);
    if (survivors.empty()) {
        finish(now, it, out);
    }
}

void Reconcile::on_wake(OriginId from, const Wake& wake, bool origin_in_session, Out& out) {
    // The origin still lives for this node: the answer waits for the verdict.
    if (origin_in_session) {
        early_[wake.origin][from] = wake.delivered;
        return;
    }
    out.answers.push_back(answer(from, wake.origin, wake.delivered));
}

std::vector<RecordPtr> Reconcile::after(OriginId origin, RecordNo n) const {
    std::map<RecordNo, RecordPtr> found;
    if (const auto ring = rings_.find(origin); ring != rings_.end()) {
        for (const Kept& kept : ring->second.records) {
            if (n < kept.record->n) {
                found.emplace(kept.record->n, kept.record);
            }
        }
    }
    // The pool of a recovery under way holds records that were not delivered here yet, but may help the asker.
    if (const auto recovery = recoveries_.find(origin); recovery != recoveries_.end()) {
        found.insert(recovery->second.pool.upper_bound(n), recovery->second.pool.end());
    }
    std::vector<RecordPtr> records;
    for (auto& [no, record] : found) {
        records.push_back(std::move(record));
    }
    return records;
}

Gone Reconcile::gone_after(OriginId origin, RecordNo n) const {
    Gone gone;
    if (const auto losses = losses_.find(origin); losses != losses_.end()) {
        for (const Loss& loss : losses->second) {
            if (n < loss.upto) {
                gone.channels.insert(gone.channels.end(), loss.gone.channels.begin(), loss.gone.channels.end());
                gone.unknown += loss.gone.unknown;
                gone.history = gone.history || loss.gone.history;
            }
        }
    }
    return gone;
}

Reconcile::Out::Answer Reconcile::answer(OriginId to, OriginId origin, RecordNo n) const {
    return {to, origin, after(origin, n), gone_after(origin, n)};
}

void Reconcile::take_in(OriginRecovery& recovery, const RecordPtr& record) {
    if (record->n <= recovery.delivered || recovery.pool.contains(record->n)) {
        return;
    }
    if (recovery.pool_bytes + record->cost() > 2 * limits_.receive_ring_bytes) {
        ++recovery.lost;
        return;
    }
    recovery.pool.emplace(record->n, record);
    recovery.pool_bytes += record->cost();
    // A record up to `known` may have been in a hole: one lost record less.
    recovery.lost -= recovery.lost > 0 && record->n <= recovery.known ? 1u : 0u;
}

// Two survivors may report the same loss, and a survivor that is asked twice reports its losses twice. The greatest
// number counts, not the sum.
void Reconcile::take_in(OriginRecovery& recovery, const Gone& gone) {
    for (const auto& [channel, missing] : gone.channels) {
        if (recovery.gone.size() < kLosses * kLossChannels || recovery.gone.contains(channel)) {
            std::uint64_t& most = recovery.gone[channel];
            most = std::max(most, missing);
        } else {
            // At the limit of named channels the loss becomes an unknown of at least 1.
            recovery.gone_unknown = std::max<std::uint64_t>(recovery.gone_unknown, 1);
        }
    }
    recovery.gone_unknown = std::max(recovery.gone_unknown, gone.unknown);
    recovery.gone_history = recovery.gone_history || gone.history;
}

bool Reconcile::Awaited::note(const Fill& fill) {
    if (fill.part == 0) {
        return fill.last;
    }
    if (fill.answer > answer) {
        answer = fill.answer;
        parts = PartNumbers(kParts);
    }
    if (fill.answer == answer) {
        parts.note(fill.part, fill.last);
    }
    return parts.is_complete();
}

void Reconcile::on_fill(Instant now, OriginId from, const Fill& fill, Out& out) {
    const auto it = recoveries_.find(fill.origin);
    if (it == recoveries_.end()) {
        return;
    }
    const auto waiting = it->second.waiting.find(from);
    if (waiting == it->second.waiting.end()) {
        return;
    }
    for (const RecordPtr& record : fill.records) {
        take_in(it->second, record);
    }
    take_in(it->second, fill.gone);
    if (waiting->second.note(fill)) {
        it->second.waiting.erase(waiting);
    } else {
        // More parts follow, or a missing part is late: no need to ask again while parts arrive, and reason to wait
        // longer.
        waiting->second.ask_again_at = now + timing_.reconcile_retry;
        // When no further part comes, a second answer needs its time behind the question.
        have_time(it->second, now + 2 * timing_.reconcile_retry);
    }
    // Nobody is left to wait for. `away` nodes are not waited for.
    if (it->second.waiting.empty() && it->second.absent.empty()) {
        finish(now, it, out);
    }
}

void Reconcile::survivor_gone(OriginId oid) {
    for (auto& [origin, askers] : early_) {
        askers.erase(oid);
    }
    for (auto& [origin, recovery] : recoveries_) {
        // The answer may be cut off in the middle: ask again in the next session.
        if (recovery.waiting.erase(oid) > 0) {
            recovery.absent.insert(oid);
        }
    }
}

std::vector<OriginId> Reconcile::survivor_back(Instant now, OriginId oid, Out& out) {
    for (auto& [origin, recovery] : recoveries_) {
        if (recovery.absent.erase(oid) + recovery.away.erase(oid) > 0) {
            recovery.waiting.emplace(oid, Awaited{now + timing_.reconcile_retry});
            have_time(recovery, now + timing_.reconcile);
            out.asks.emplace_back(oid, Wake{origin, recovery.delivered});
        }
    }
    std::vector<OriginId> origins;
    for (auto it = unasked_.begin(); it != unasked_.end();) {
        // The returned survivor may have records that the finished recovery lacked.
        if (it->second.survivors.erase(oid) > 0 && now <= it->second.until) {
            origins.push_back(it->first);
        }
        const bool over = it->second.survivors.empty() || it->second.until < now;
        it = over ? unasked_.erase(it) : std::next(it);
    }
    return origins;
}

std::optional<Reconcile::Position> Reconcile::abort(OriginId origin) {
    early_.erase(origin);
    unasked_.erase(origin);
    const auto recovery = recoveries_.extract(origin);
    if (!recovery) {
        return std::nullopt;
    }
    Position position{.delivered = recovery.mapped().delivered,
                      .held = {},
                      .lost = recovery.mapped().lost,
                      .known = recovery.mapped().known,
                      .is_deaf = recovery.mapped().is_deaf};
    for (const auto& [n, record] : recovery.mapped().pool) {
        position.held.push_back(record);
    }
    return position;
}

void Reconcile::finish(Instant now, std::map<OriginId, OriginRecovery>::iterator it, Out& out) {
    OriginRecovery& recovery = it->second;
    // A survivor in session without an answer may have records that nobody else has, and nobody has the records of a
    // broken data path: count at least 1 loss.
    const std::uint64_t untold = recovery.waiting.empty() && !recovery.is_deaf ? 0 : 1;
    Out::Filled filled{it->first, {}, {}, std::max(recovery.delivered, recovery.known)};
    filled.gone.unknown = std::max({recovery.lost, untold, recovery.gone_unknown});
    filled.gone.channels.assign(recovery.gone.begin(), recovery.gone.end());
    filled.gone.history = recovery.gone_history;
    for (auto& [n, record] : recovery.pool) {
        filled.records.push_back(std::move(record));
        filled.upto = std::max(filled.upto, n);
    }
    recovery.absent.merge(recovery.away);
    std::erase_if(unasked_, [now](const auto& unasked) { return unasked.second.until < now; });
    if (!recovery.absent.empty()) {
        unasked_[it->first] = {std::move(recovery.absent), now + limits_.receive_ring_age};
    }
    filled_ += filled.records.size();
    recoveries_.erase(it);
    out.filled.push_back(std::move(filled));
}

void Reconcile::on_deadline(Instant now, Out& out) {
    for (auto it = recoveries_.begin(); it != recoveries_.end();) {
        // finish() erases the recovery, so the iterator moves on first.
        const auto current = it++;
        OriginRecovery& recovery = current->second;
        if (recovery.give_up_at <= now) {
            finish(now, current, out);
            continue;
        }
        for (auto& [survivor, awaited] : recovery.waiting) {
            if (awaited.ask_again_at <= now) {
                awaited.ask_again_at = now + timing_.reconcile_retry;
                out.asks.emplace_back(survivor, Wake{current->first, recovery.delivered});
            }
        }
    }
    if (rings_until_ < now) {
        drop_old_rings(now);
    }
}

void Reconcile::drop_old_rings(Instant now) {
    rings_until_ = Instant::max();
    for (auto it = rings_.begin(); it != rings_.end();) {
        TULLE_ASSERT(!it->second.records.empty());
        const Instant until = it->second.records.back().at + limits_.receive_ring_age;
        if (until < now) {
            it = rings_.erase(it);
        } else {
            rings_until_ = std::min(rings_until_, until);
            ++it;
        }
    }
    for (auto it = losses_.begin(); it != losses_.end();) {
        TULLE_ASSERT(!it->second.empty());
        const Instant until = it->second.back().at + limits_.receive_ring_age;
        rings_until_ = until < now ? rings_until_ : std::min(rings_until_, until);
        it = until < now ? losses_.erase(it) : std::next(it);
    }
}

std::optional<Instant> Reconcile::next_deadline() const {
    std::optional<Instant> next;
    for (const auto& [origin, recovery] : recoveries_) {
        Instant due = recovery.give_up_at;
        for (const auto& [survivor, awaited] : recovery.waiting) {
            due = std::min(due, awaited.ask_again_at);
        }
        next = next ? std::min(*next, due) : due;
    }
    return next;
}

}  // namespace tulle::mesh
