#include <algorithm>
#include <utility>

#include "mesh/core/mesh_node.hpp"

/// What the end of a turn costs grows with the links that something has happened to, not with all of them.
namespace tulle::mesh {

void MeshNode::touch(Link& link) {
    if (!std::exchange(link.touched, true)) {
        touched_.push_back(link.oid);
    }
}

void MeshNode::touch_all() {
    for (auto& [oid, link] : links_) {
        touch(link);
    }
}

void MeshNode::note_due() {
    const RecordNo before = std::exchange(considered_, ring_.last());
    if (before.next() < ring_.first_whole() && before < considered_) {  // dropped in the turn that brought it
        for (auto& [oid, link] : links_) {
            link.sender.fall_behind(before);
        }
        touch_all();
        return;
    }
    for (RecordNo n = before.next(); n <= considered_; n = n.next()) {
        const RecordPtr& record = ring_.at(n);
        const auto note = [&](Link& link) {
            if (link.sender.is_level()) {
                touch(link);
            }
            link.sender.note_due(before, record);
        };
        for (const std::string& channel : record->channels) {
            table_.each_interested(channel, [&](InterestSlot slot) { note(*in_slot_[slot.value]); });
        }
        for (const OriginId keeper : record->keepers) {
            if (const auto link = links_.find(keeper); link != links_.end()) {
                note(link->second);
            }
        }
    }
}

/// In order of their ids, so that the same inputs give the same effects.
void MeshNode::tick_links(Instant now, Effects& out) {
    note_due();
    if (std::exchange(told_, local_.log().version()) != local_.log().version()) {
        touch_all();
    }
    check_deaf(now);
    due_.take_due(now, [this](OriginId oid) { touch(links_.at(oid)); });
    ticking_.swap(touched_);
    std::sort(ticking_.begin(), ticking_.end());
    for (const OriginId oid : ticking_) {
        if (const auto link = links_.find(oid); link != links_.end()) {
            link->second.touched = false;
            tick_link(now, oid, link->second, out);
            due_.set(oid, link->second.place, deadline(link->second));
        }
    }
    ticking_.clear();
}

/// Data comes all the time, so its absence is looked for now and then instead of being put off with each frame.
void MeshNode::check_deaf(Instant now) {
    if (now < deaf_at_) {
        return;
    }
    deaf_at_ = Instant::max();
    for (auto& [oid, link] : links_) {
        if (now - link.last_data >= options_.timing.data_deaf) {
            touch(link);
            deaf_at_ = std::min(deaf_at_, now + options_.timing.data_deaf);
        } else {
            deaf_at_ = std::min(deaf_at_, link.last_data + options_.timing.data_deaf);
        }
    }
}

Instant MeshNode::deadline(const Link& link) const {
    Instant next = link.heartbeat_at;
    const auto consider = [&next](const std::optional<Instant>& at) { next = std::min(next, at.value_or(next)); };
    consider(link.feed.next_deadline(local_.log()));
    consider(link.receiver.next_deadline());
    if (link.synced) {
        consider(link.sender.next_deadline());
    }
    if (fetching(link)) {
        consider(link.pull_at);
    }
    if (!link.sender.is_open() && link.synced) {
        consider(link.data_wait_until);
    }
    return next;
}

Instant MeshNode::earliest() {
    if (told_ != local_.log().version()) {
        // versions were given since the links were looked at: they are told in the next turn, which comes at once
        return Instant{};
    }
    for (const OriginId oid : touched_) {  // since the links were looked at
        if (const auto link = links_.find(oid); link != links_.end()) {
            due_.set(oid, link->second.place, deadline(link->second));
        }
    }
    Instant next = due_.earliest();
    const auto consider = [&next](const std::optional<Instant>& at) { next = std::min(next, at.value_or(next)); };
    if (may_open_gate()) {
        consider(membership_.gate().next_deadline());
    }
    consider(queries_.next_deadline());
    consider(traces_.next_deadline());
    consider(reconcile_.next_deadline());
    consider(ring_.next_deadline());
    consider(presence_.next_deadline());
    consider(kept_.next_deadline());
    consider(usage_.next_deadline());
    consider(duties_.next_deadline());
    if (leave_by_ && !left_) {
        consider(leave_look_at_);
    }
    consider(membership_.next_deadline(next));
    return next == Instant::max() ? promised_ + 1h : next;
}

}  // namespace tulle::mesh
