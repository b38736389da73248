#include <algorithm>
#include <map>

#include "mesh/core/mesh_node.hpp"

namespace tulle::mesh {
namespace {

/// Each channel once.
Gone merged(Gone gone) {
    std::map<std::string, std::uint64_t> sums;
    for (const auto& [channel, missing] : gone.channels) {
        sums[channel] += missing;
    }
    gone.channels.assign(sums.begin(), sums.end());
    return gone;
}

}  // namespace

Reconcile::Position MeshNode::position_of(const LinkReceiver& receiver) {
    return {receiver.delivered(), receiver.held_records(), receiver.lost(), receiver.considered()};
}

/// The session is ended already: nothing late of this origin can come behind what is filled in.
void MeshNode::mourn(Instant now, OriginId origin, const LinkReceiver& receiver, Effects& out) {
    Reconcile::Position position = position_of(receiver);
    pass_extras(origin, position.delivered);
    ask_survivors(now, origin, position, out);
}

void MeshNode::ask_survivors(Instant now, OriginId origin, Reconcile::Position position, Effects& out) {
    Reconcile::Witnesses witnesses;
    for (const auto& [oid, link] : links_) {
        if (oid != origin) {
            witnesses.survivors.insert(oid);
        }
    }
    for (const auto& [oid, peer] : membership_.peers()) {
        if (oid != origin && peer.state == PeerState::kDead &&
            now - peer.dead_since < options_.limits.receive_ring_age) {
            witnesses.away.insert(oid);
        }
    }
    Reconcile::Out todo;
    reconcile_.begin(now, origin, position, witnesses, todo);
    run(now, todo, out);
}

/// What others have filled in before, after an earlier death, is delivered too: what lies below would be out of order.
void MeshNode::pass_extras(OriginId origin, RecordNo& delivered) {
    const std::vector<RecordNo>& extras = origins_.extras(origin);
    delivered = extras.empty() ? delivered : std::max(delivered, extras.back());
}

/// Whether a record of a belated answer can be delivered. If not, it belongs to what is `late`, and is told to be gone.
bool MeshNode::is_in_order(OriginId origin, const Record& record, Gone& late) {
    const std::vector<RecordNo>& extras = origins_.extras(origin);
    if (extras.empty() || extras.back() < record.n) {
        return true;
    }
    if (!std::binary_search(extras.begin(), extras.end(), record.n) && !record.is_presence()) {
        for (const std::string& channel : record.channels) {
            late.channels.emplace_back(channel, 1);
        }
        ++counters_.gone;
    }
    return false;
}

/// A session with `oid` stands. It may have been asked by the one before, which it had ended without our knowing.
void MeshNode::ask_again(Instant now, OriginId oid, Effects& out) {
    Reconcile::Out todo;
    const std::vector<OriginId> origins = reconcile_.survivor_back(now, oid, todo);
    run(now, todo, out);
    for (const OriginId origin : origins) {
        const std::optional<RecordNo> ours = origins_.delivered(origin);
        if (ours && !links_.contains(origin) && !reconcile_.under_way(origin)) {
            ask_survivors(now, origin, {*ours, {}, 0}, out);
        }
    }
}

/// To dial a dead node is to tell it how far we are, so nothing may be filled in meanwhile. When the dialling has come
/// to nothing, as another process sits there, say, the survivors are asked after all.
void MeshNode::mourn_again(Instant now, Effects& out) {
    for (auto it = unmourned_.begin(); it != unmourned_.end();) {
        const auto current = it++;
        const Peer* peer = membership_.find(current->first);
        const bool is_dialled = peer != nullptr && peer->local_tag != SessionTag{} && !peer->in_session();
        if (is_dialled) {
            continue;
        }
        auto [origin, position] = *current;
        unmourned_.erase(current);
        pass_extras(origin, position.delivered);
        if ((peer == nullptr || !peer->in_session()) && !reconcile_.under_way(origin)) {
            ask_survivors(now, origin, position, out);
        }
    }
}

void MeshNode::on_wake(Instant now, OriginId from, const Wake& wake, Effects& out) {
    Reconcile::Out todo;
    const bool stands = links_.contains(wake.origin);
    reconcile_.on_wake(from, wake, stands, todo);
    run(now, todo, out);
    const Peer* peer = membership_.find(wake.origin);
    const std::optional<RecordNo> ours = origins_.delivered(wake.origin);
    if (!stands && peer != nullptr && peer->state == PeerState::kDead && peer->local_tag == SessionTag{} && ours &&
        *ours < wake.delivered && !reconcile_.under_way(wake.origin)) {
        // It came back to the asker and died again before we met: what the asker has got meanwhile is news to us. Not
        // while we try to meet it again: it has been told how far we are.
        Reconcile::Position position{.delivered = *ours, .held = {}};
        pass_extras(wake.origin, position.delivered);
        ask_survivors(now, wake.origin, position, out);
    }
}

void MeshNode::on_fill(Instant now, OriginId from, const Fill& fill, Effects& out) {
    for (const RecordPtr& record : fill.records) {
        if (record->trace) {
            traces_.note_filler(fill.origin, record->n, from);
        }
    }
    Reconcile::Out todo;
    reconcile_.on_fill(now, from, fill, todo);
    run(now, todo, out);
}

void MeshNode::run(Instant now, const Reconcile::Out& todo, Effects& out) {
    for (const auto& [survivor, wake] : todo.asks) {
        membership_.send(survivor, wake, out);
    }
    for (const Reconcile::Out::Answer& answer : todo.answers) {
        send_fill(answer, out);
    }
    for (const Reconcile::Out::Filled& filled : todo.filled) {
        if (filled.gone.unknown > 0) {
            counters_.gone += filled.gone.unknown;
        }
        if (!filled.gone.empty()) {
            reconcile_.keep_gone(now, filled.origin, filled.upto, filled.gone);
            report_gone(filled.origin, {}, filled.gone, out);  // who has not answered may have had later ones
        }
        Gone late;
        for (const RecordPtr& record : filled.records) {
            if (!is_in_order(filled.origin, *record, late)) {
                continue;
            }
            origins_.add_extra(filled.origin, record->n);
            reconcile_.keep(now, filled.origin, record);  // a survivor that is late may still ask
            if (record->trace) {
                witness_filled(now, filled.origin, *record, out);
            } else if (record->kept > 0) {
                keep(now, *record, false);
                deliver(record, out);
            } else if (!record->is_presence()) {  // the users of the dead are leaving; if it comes back, it lists them
                deliver(record, out);
            }
        }
        if (!late.empty()) {
            report_gone(filled.origin, filled.upto, merged(std::move(late)), out);
        }
        if (const std::vector<RecordNo>& extras = origins_.extras(filled.origin);
            extras.size() > options_.limits.extras) {
            // Too many to tell the origin if it comes back: what it would have sent between them is given up here.
            report_gone(filled.origin, extras.back(), {{}, 1}, out);
            origins_.set_delivered(now, filled.origin, extras.back());
        }
    }
}

bool MeshNode::is_kept_by(OriginId oid, const Record& record) const {
    const auto kept_end = record.channels.begin() + static_cast<std::ptrdiff_t>(record.kept);
    return std::any_of(record.channels.begin(), kept_end,
                       [&](const std::string& channel) { return kept_.keeps(oid, channel); });
}

void MeshNode::send_fill(const Reconcile::Out::Answer& answer, Effects& out) {
    const auto link = links_.find(answer.to);
    if (link == links_.end() || !link->second.synced) {
        return;  // nobody knows yet what it is interested in: it asks again
    }
    const auto wanted = [&](const std::string& channel) { return table_.interested(link->second.slot, channel); };
    Fill fill{.origin = answer.origin, .records = {}, .last = false};
    std::size_t bytes = 0;
    for (const RecordPtr& record : answer.records) {
        if (std::none_of(record->channels.begin(), record->channels.end(), wanted) && !is_kept_by(answer.to, *record)) {
            continue;
        }
        if (!fill.records.empty() && bytes + record->cost() > options_.limits.frame_bytes) {
            membership_.send(answer.to, fill, out);
            fill.records.clear();
            bytes = 0;
        }
        bytes += record->cost();
        fill.records.push_back(record);
    }
    fill.last = true;
    // several losses of one channel are one number: the asker takes the greatest that it is told
    fill.gone = merged(answer.gone);
    std::erase_if(fill.gone.channels, [&](const auto& gone) { return !wanted(gone.first); });
    membership_.send(answer.to, std::move(fill), out);
}

}  // namespace tulle::mesh
