#include "mesh/core/records/recovery.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "mesh/base/assert.hpp"

namespace tulle::mesh {
namespace {

/// Sums up the losses, so that each channel stands in the list once.
Gone merged(Gone gone) {
    std::map<std::string, std::uint64_t> sums;
    for (const auto& [channel, missing] : gone.channels) {
        sums[channel] += missing;
    }
    gone.channels.assign(sums.begin(), sums.end());
    return gone;
}

}  // namespace

SessionTerms Recovery::terms_for(OriginId oid, RecordNo last) {
    // The position is kept, for the case that the origin does not answer the handshake.
    if (const auto position = reconcile_.abort(oid)) {
        unasked_.insert_or_assign(oid, *position);
    }
    SessionTerms terms{.delivered = origins_.delivered(oid), .at = last, .extras = {}, .members = {}};
    // Without a position the origin chooses where its link starts, and extras mean nothing.
    if (terms.delivered) {
        terms.extras = origins_.extras(oid);
    }
    return terms;
}

void Recovery::session_down(Instant now, OriginId oid, PeerState state, Reconcile::Position position, Effects& out) {
    TULLE_ASSERT(!context_.sessions().contains(oid));
    // A peer that is merely being dialled again may still answer, so only a dead or parted peer is absent as a
    // survivor.
    if (state == PeerState::kDead || state == PeerState::kLeft) {
        reconcile_.survivor_gone(oid);
    }
    if (state == PeerState::kDead) {
        pass_extras(oid, position.delivered);
        ask_survivors(now, oid, std::move(position), out);
    } else if (state == PeerState::kJoining) {
        // The origin is dialled. If the origin does not come, ask_after_dialling() asks the survivors.
        unasked_.insert_or_assign(oid, std::move(position));
    }
}

void Recovery::ask_survivors(Instant now, OriginId origin, Reconcile::Position position, Effects& out) {
    Reconcile::Witnesses witnesses;
    for (const auto& [oid, session] : context_.sessions()) {
        if (oid != origin) {
            witnesses.survivors.insert(oid);
        }
    }
    // A node that died lately may have records too, if the node comes back before the rings are too old.
    for (const auto& [oid, peer] : membership_.peers()) {
        if (oid != origin && peer.state == PeerState::kDead &&
            now - peer.dead_since < context_.limits().receive_ring_age) {
            witnesses.away.insert(oid);
        }
    }
    Reconcile::Out todo;
    reconcile_.begin(now, origin, position, witnesses, todo);
    run(now, todo, out);
}

// Records that were filled in after an earlier death are delivered already. A record below an extra would be out of
// order.
void Recovery::pass_extras(OriginId origin, RecordNo& delivered) {
    const std::vector<RecordNo>& extras = origins_.extras(origin);
    delivered = extras.empty() ? delivered : std::max(delivered, extras.back());
}

bool Recovery::is_in_order(OriginId origin, const Record& record, Gone& late) {
    const std::vector<RecordNo>& extras = origins_.extras(origin);
    if (extras.empty() || extras.back() < record.n) {
        return true;
    }
    // Neither delivered before nor in order: the record is lost for its subscribers. A change of presence is no loss,
    // because a fill changes no presence.
    if (!std::binary_search(extras.begin(), extras.end(), record.n) && !record.is_presence()) {
        for (const std::string& channel : record.channels) {
            late.channels.emplace_back(channel, 1);
        }
        ++gone_;
    }
    return false;
}

void Recovery::session_up(Instant now, OriginId oid, Effects& out) {
    Reconcile::Out todo;
    const std::vector<OriginId> origins = reconcile_.survivor_back(now, oid, todo);
    run(now, todo, out);
    // The finished recovery of each of these origins lacked the answer of the returned peer: begin again with that
    // answer.
    for (const OriginId origin : origins) {
        const std::optional<RecordNo> ours = origins_.delivered(origin);
        if (ours && !context_.sessions().contains(origin) && !reconcile_.under_way(origin)) {
            ask_survivors(now, origin, {*ours, {}, 0}, out);
        }
    }
}

void Recovery::ask_after_dialling(Instant now, Effects& out) {
    for (auto it = unasked_.begin(); it != unasked_.end();) {
        const auto current = it++;
        const Peer* peer = membership_.find(current->first);
        // A tag without a session: a handshake with the origin is under way.
        const bool is_dialled = peer != nullptr && peer->local_tag != SessionTag{} && !peer->in_session();
        if (is_dialled) {
            continue;
        }
        auto [origin, position] = *current;
        unasked_.erase(current);
        pass_extras(origin, position.delivered);
        // A standing session needs no recovery: the origin sends the rest.
        if ((peer == nullptr || !peer->in_session()) && !reconcile_.under_way(origin)) {
            ask_survivors(now, origin, position, out);
        }
    }
}

void Recovery::on(Instant now, OriginId from, const Wake& wake, Effects& out) {
    Reconcile::Out todo;
    const bool stands = context_.sessions().contains(wake.origin);
    reconcile_.on_wake(from, wake, stands, todo);
    run(now, todo, out);
    const Peer* peer = membership_.find(wake.origin);
    const std::optional<RecordNo> ours = origins_.delivered(wake.origin);
    if (!stands && peer != nullptr && peer->state == PeerState::kDead && peer->local_tag == SessionTag{} && ours &&
        *ours < wake.delivered && !reconcile_.under_way(wake.origin)) {
        // The origin came back to the asker and died again before this node met the origin. The records that the asker
        // got meanwhile are news here, so recover the origin again. Not while this node dials the origin: the handshake
        // has told the origin how far this node is.
        Reconcile::Position position{.delivered = *ours, .held = {}};
        pass_extras(wake.origin, position.delivered);
        ask_survivors(now, wake.origin, position, out);
    }
}

void Recovery::on(Instant now, OriginId from, const Fill& fill, Effects& out) {
    for (const RecordPtr& record : fill.records) {
        // A trace names the survivor that filled the marked message in.
        if (record->trace) {
            traces_.note_filler(fill.origin, record->n, from);
        }
    }
    Reconcile::Out todo;
    reconcile_.on_fill(now, from, fill, todo);
    run(now, todo, out);
}

void Recovery::tick(Instant now, Effects& out) {
    Reconcile::Out todo;
    reconcile_.on_deadline(now, todo);
    run(now, todo, out);
}

void Recovery::run(Instant now, const Reconcile::Out& todo, Effects& out) {
    for (const auto& [survivor, wake] : todo.asks) {
        context_.send(survivor, wake, out);
    }
    for (const Reconcile::Out::Answer& answer : todo.answers) {
        send_fill(answer, out);
    }
    for (const Reconcile::Out::Filled& filled : todo.filled) {
        fill_in(now, filled, out);
    }
}

void Recovery::fill_in(Instant now, const Reconcile::Out::Filled& filled, Effects& out) {
    arrivals_.recovered(filled.origin);
    gone_ += filled.gone.unknown;
    if (!filled.gone.empty()) {
        reconcile_.keep_gone(now, filled.origin, filled.upto, filled.gone);
        // Without an upper number: a survivor without an answer may have had later records.
        arrivals_.report_gone(now, filled.origin, {}, filled.gone, out);
    }
    Gone late;
    for (const RecordPtr& record : filled.records) {
        if (!is_in_order(filled.origin, *record, late)) {
            // Too late for subscribers, but a history orders its entries by their stamps.
            arrivals_.keep_history(now, filled.origin, *record);
            continue;
        }
        origins_.add_extra(filled.origin, record->n);
        // A late survivor may still ask.
        reconcile_.keep(now, filled.origin, record);
        arrivals_.on_filled(now, filled.origin, record, out);
    }
    if (!late.empty()) {
        arrivals_.report_gone(now, filled.origin, filled.upto, merged(std::move(late)), out);
    }
    if (const std::vector<RecordNo>& extras = origins_.extras(filled.origin);
        extras.size() > context_.limits().extras) {
        // Too many extras to tell the origin in a handshake. The records between the extras are given up here: the
        // position moves beyond.
        arrivals_.report_gone(now, filled.origin, extras.back(), {{}, 1}, out);
        origins_.set_delivered(now, filled.origin, extras.back());
    }
}

void Recovery::send_fill(const Reconcile::Out::Answer& answer, Effects& out) {
    const Session* session = context_.sessions().find(answer.to);
    if (session == nullptr || !session->interest.synced) {
        // Without the asker's interest the records can't be filtered. The asker asks again.
        return;
    }
    const Audience::Reader reader = MeshContext::reader(*session);
    Fill fill{.origin = answer.origin, .records = {}, .last = false, .gone = {}, .answer = ++last_answer_, .part = 1};
    std::size_t bytes = 0;
    for (const RecordPtr& record : answer.records) {
        if (!context_.audience().is_due(reader, *record, Audience::Keepers::kPresent)) {
            continue;
        }
        // The part is full: send, and begin the next.
        if (!fill.records.empty() && bytes + record->cost() > context_.limits().frame_bytes) {
            context_.send(answer.to, fill, out);
            fill.records.clear();
            ++fill.part;
            bytes = 0;
        }
        bytes += record->cost();
        fill.records.push_back(record);
    }
    fill.last = true;
    // Several losses of a channel become a single number, because the asker takes the greatest number reported.
    fill.gone = merged(answer.gone);
    std::erase_if(fill.gone.channels, [&](const auto& gone) { return !context_.audience().wants(reader, gone.first); });
    context_.send(answer.to, std::move(fill), out);
}

}  // namespace tulle::mesh
