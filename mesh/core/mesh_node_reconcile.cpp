#include <algorithm>

#include "mesh/core/mesh_node.hpp"

namespace tulle::mesh {

/// The session is ended already: nothing late of this origin can come behind what is filled in.
void MeshNode::mourn(Instant now, OriginId origin, const LinkReceiver& receiver, Effects& out) {
    std::set<OriginId> survivors;
    for (const auto& [oid, link] : links_) {
        if (oid != origin) {
            survivors.insert(oid);
        }
    }
    // What others have filled in before, after an earlier death, is delivered too: what lies below would be out of order.
    const std::vector<RecordNo>& extras = origins_.extras(origin);
    const RecordNo delivered = extras.empty() ? receiver.delivered() : std::max(receiver.delivered(), extras.back());
    Reconcile::Out todo;
    reconcile_.begin(now, origin, delivered, receiver.held_records(), survivors, todo);
    run(now, todo, out);
}

void MeshNode::on_wake(Instant now, OriginId from, const Wake& wake, Effects& out) {
    Reconcile::Out todo;
    reconcile_.on_wake(from, wake, links_.contains(wake.origin), todo);
    run(now, todo, out);
}

void MeshNode::on_fill(Instant now, OriginId from, const Fill& fill, Effects& out) {
    Reconcile::Out todo;
    reconcile_.on_fill(from, fill, todo);
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
        for (const RecordPtr& record : filled.records) {
            origins_.add_extra(filled.origin, record->n);
            reconcile_.keep(now, filled.origin, record);  // a survivor that is late may still ask
            deliver(record, out);
        }
        if (const std::vector<RecordNo>& extras = origins_.extras(filled.origin);
            extras.size() > options_.limits.extras) {
            // Too many to tell the origin if it comes back: what it would have sent between them is given up here.
            report_gone({{}, 1}, out);
            origins_.set_delivered(now, filled.origin, extras.back());
        }
    }
}

void MeshNode::send_fill(const Reconcile::Out::Answer& answer, Effects& out) {
    const auto link = links_.find(answer.to);
    if (link == links_.end()) {
        return;
    }
    const auto wanted = [&](const std::string& channel) { return table_.interested(link->second.slot, channel); };
    Fill fill{.origin = answer.origin, .records = {}, .last = false};
    std::size_t bytes = 0;
    for (const RecordPtr& record : answer.records) {
        if (std::none_of(record->channels.begin(), record->channels.end(), wanted)) {
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
    membership_.send(answer.to, std::move(fill), out);
}

}  // namespace tulle::mesh
