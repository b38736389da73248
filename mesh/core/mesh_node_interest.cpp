#include <algorithm>
#include <limits>

#include "mesh/core/mesh_node.hpp"

namespace tulle::mesh {

void MeshNode::on_delta(Instant now, OriginId from, Link& link, const InterestDelta& delta, Effects& out) {
    const InterestTable::Applied applied = table_.apply(link.slot, delta);
    if (options_.planted == Planted::kAckBeforeApply) {
        membership_.send(from, InterestAck{delta.base.plus(delta.changes.size())}, out);
    }
    if (applied.hole) {
        pull(now, from, link, {.have = table_.version(link.slot).value_or(InterestVersion{})}, out);
        return;
    }
    const std::optional<InterestVersion> version = table_.version(link.slot);
    if (!version) {
        return;  // a snapshot is under way
    }
    for (const std::string& key : applied.marked) {
        link.sender.owe(key, *version);
    }
    if (!link.sync_at) {
        link.sync_at = delta.current;
    }
    check_synced(link);
    membership_.send(from, InterestAck{*version}, out);
    if (!link.synced) {
        link.pull_at = now;  // the answer was longer than one message
        pull(now, from, link, {.have = *version}, out);
    }
}

void MeshNode::on_chunk(Instant now, OriginId from, Link& link, const InterestChunk& chunk, Effects& out) {
    if (!table_.apply(link.slot, chunk)) {
        return;
    }
    for (const std::string& channel : chunk.channels) {
        if (is_marked_key(channel)) {
            link.sender.owe(channel, chunk.base);
        }
    }
    if (!link.sync_at) {
        link.sync_at = chunk.current;
    }
    link.pull_at = now;
    if (std::optional<InterestPull> next = table_.continuation(link.slot)) {
        pull(now, from, link, std::move(*next), out);
        return;
    }
    check_synced(link);
    pull(now, from, link, {.have = *table_.version(link.slot)}, out);  // acknowledges, and asks for what came since
}

void MeshNode::on_pull(Instant now, OriginId from, Link& link, const InterestPull& pull, Effects& out) {
    std::visit([&](auto&& message) { membership_.send(from, std::forward<decltype(message)>(message), out); },
               link.feed.on_pull(now, local_.log(), pull));
    release_barrier(now, out);
}

void MeshNode::pull(Instant now, OriginId from, Link& link, InterestPull what, Effects& out) {
    if (now < link.pull_at) {
        return;
    }
    link.pull_at = now + options_.timing.interest_retry;
    membership_.send(from, std::move(what), out);
}

void MeshNode::check_synced(Link& link) const {
    if (link.sync_at && table_.version(link.slot) >= link.sync_at) {
        link.synced = true;
    }
}

void MeshNode::check_digest(Instant now, OriginId from, Link& link, const Heartbeat& heartbeat, Effects& out) {
    if (!link.synced || table_.continuation(link.slot)) {
        return;
    }
    const InterestVersion have = table_.version(link.slot).value_or(InterestVersion{});
    if (heartbeat.version == have && heartbeat.digest != table_.digest(link.slot)) {
        ++counters_.digest_mismatches;
        out.push_back(Notice{Severity::kError, "interest digests differ at equal versions: fetching a snapshot"});
        pull(now, from, link, {.have = have, .fresh = true}, out);
    } else if (heartbeat.version > have && link.seen_at_heartbeat == have) {
        pull(now, from, link, {.have = have}, out);  // no progress since the last heartbeat
    }
    link.seen_at_heartbeat = have;
}

InterestVersion MeshNode::acked_by_all() const {
    InterestVersion least{std::numeric_limits<std::uint64_t>::max()};
    for (const auto& [oid, link] : links_) {
        if (link.feed.counted()) {
            least = std::min(least, link.feed.acked());
        }
    }
    return least;
}

void MeshNode::release_barrier(Instant now, Effects& out) {
    if (barrier_.empty()) {
        return;
    }
    for (Barrier::Waiting& waiting : barrier_.release(acked_by_all())) {
        confirm(now, std::move(waiting), out);
    }
}

}  // namespace tulle::mesh
