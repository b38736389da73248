#include <algorithm>
#include <utility>

#include "mesh/core/mesh_node.hpp"

namespace tulle::mesh {

void MeshNode::note_time(Instant now, Effects& out) {
    const Duration late = now - promised_;
    if (late > options_.timing.own_loop_late) {
        ++counters_.late_turns;
        promised_ = now;
        wake_up(now, late, out);
    }
}

/// Nobody is to blame for the silence meanwhile. After a long sleep the others may have given us up: nothing is
/// promised to a publisher until each has confirmed its session, or is dead.
void MeshNode::wake_up(Instant now, Duration late, Effects& out) {
    membership_.forgive(late);
    for (auto& [oid, link] : links_) {
        link.interest_progress += late;
        link.interest_marked += late;
        link.told_at += late;
        link.in_step_at += late;
        link.framed_at += late;
        link.data_steady_since += late;
    }
    for (auto& [channel, waiting] : untold_) {
        for (Barrier::Waiting& one : waiting) {
            one.untold_since += late;
        }
    }
    awake_since_ = now;
    if (late <= options_.timing.own_loop_asleep) {
        return;
    }
    ++counters_.sleeps;
    ++ping_nonce_;
    out.push_back(Notice{Severity::kWarn, "this node did not run for " + std::to_string(late / 1ms) + " ms"});
    for (auto& [oid, link] : links_) {
        unconfirmed_.insert(oid);
        link.last_data = std::max(link.last_data, now - options_.timing.suspicion);
        membership_.send(oid, Ping{ping_nonce_}, out);
    }
}

void MeshNode::on_pong(Instant now, OriginId from, const Pong& pong, Effects& out) {
    if (pong.nonce == ping_nonce_) {
        confirmed(now, from, out);
    }
}

void MeshNode::confirmed(Instant now, OriginId oid, Effects& out) {
    if (unconfirmed_.erase(oid) == 0 || !unconfirmed_.empty()) {
        return;
    }
    std::deque<std::pair<ShardIndex, Publish>> held;
    held.swap(held_);
    for (auto& [shard, wanted] : held) {
        publish(now, shard, wanted, out);
    }
}

/// A session that was to be confirmed may have ended for another attempt, and that attempt may have failed: of such a
/// member no further word comes, and no further event, so publishers would wait for ever.
void MeshNode::drop_lost_unconfirmed(Instant now, Effects& out) {
    for (const OriginId oid : std::set<OriginId>(unconfirmed_)) {
        const Peer* peer = membership_.find(oid);
        if (peer == nullptr || (!peer->in_session() && peer->state != PeerState::kJoining)) {
            confirmed(now, oid, out);
        }
    }
}

bool MeshNode::hold(ShardIndex shard, Publish& publish) {
    if (unconfirmed_.empty() || held_.size() >= options_.limits.held_publishes) {
        return false;
    }
    held_.emplace_back(shard, std::move(publish));
    return true;
}

}  // namespace tulle::mesh
