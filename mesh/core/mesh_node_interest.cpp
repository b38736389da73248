#include <algorithm>
#include <limits>
#include <utility>

#include "mesh/core/mesh_node.hpp"

namespace tulle::mesh {

/// What a peer's interest may cost in one turn is bounded, whatever it sends: one chunk, as chunks are taken only when
/// they were asked for and the next one is asked for when the turn ends; so many changes (more are not taken: an honest
/// peer sends them again, but it never has so many under way); and two answers to pulls, the second one to the last of
/// the others.
void MeshNode::on_delta(Instant now, OriginId from, Link& link, const InterestDelta& delta, Effects& out) {
    link.changes_taken += delta.changes.size();
    if (link.changes_taken > 2 * options_.limits.interest_window) {
        return;
    }
    const InterestTable::Applied applied = table_.apply(link.slot, delta);
    if (is_over(now, from, link, out)) {
        return;
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
    if (!link.synced && !delta.changes.empty()) {
        link.pull_at = now;  // the answer was longer than one message
        pull(now, from, link, {.have = *version}, out);
    }
}

void MeshNode::on_chunk(Instant now, OriginId from, Link& link, const InterestChunk& chunk, Effects& out) {
    if (!link.awaits_chunk || !table_.apply(link.slot, chunk) || is_over(now, from, link, out)) {
        return;
    }
    link.awaits_chunk = false;
    for (const std::string& channel : chunk.channels) {
        if (is_marked_key(channel)) {
            link.sender.owe(channel, chunk.base);
        }
    }
    if (!link.sync_at) {
        link.sync_at = chunk.current;
    }
    link.pull_at = now;
    link.pull_due = true;  // for the next chunk; behind the last one it acknowledges, and asks for what came since
    check_synced(link);
}

/// Ends the session of a peer whose interest is larger than an honest one's can be.
bool MeshNode::is_over(Instant now, OriginId from, const Link& link, Effects& out) {
    const bool over = table_.is_over(link.slot);
    if (over) {
        membership_.give_up_stuck(now, from, "it has interest in more channels than a node may", out);
    }
    return over;
}

void MeshNode::tick_interest(Instant now, OriginId oid, Link& link, Effects& out) {
    link.changes_taken = 0;
    link.answered_pull = false;
    if (const std::optional<InterestPull> late = std::exchange(link.late_pull, std::nullopt)) {
        answer_pull(now, oid, link, *late, out);
    }
    if (std::optional<InterestDelta> delta = link.feed.poll(now, local_.log())) {
        membership_.send(oid, std::move(*delta), out);
    }
    if ((fetching(link) || link.pull_due) && link.pull_at <= now) {
        const InterestPull next{.have = table_.version(link.slot).value_or(InterestVersion{})};
        pull(now, oid, link, table_.continuation(link.slot).value_or(next), out);
    }
}

void MeshNode::on_pull(Instant now, OriginId from, Link& link, const InterestPull& pull, Effects& out) {
    if (std::exchange(link.answered_pull, true)) {
        link.late_pull = pull;
    } else {
        answer_pull(now, from, link, pull, out);
    }
}

void MeshNode::answer_pull(Instant now, OriginId from, Link& link, const InterestPull& pull, Effects& out) {
    note_pull(now, link, pull);
    std::visit([&](auto&& message) { membership_.send(from, std::forward<decltype(message)>(message), out); },
               link.feed.on_pull(now, local_.log(), pull));
    move_window(now, out);  // the peer counts from here on, at the version that it has
}

void MeshNode::pull(Instant now, OriginId from, Link& link, InterestPull what, Effects& out) {
    if (now < link.pull_at) {
        return;
    }
    link.pull_at = now + options_.timing.interest_retry;
    link.pull_due = false;
    link.awaits_chunk = true;
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

void MeshNode::note_pull(Instant now, Link& link, const InterestPull& pull) {
    const bool further = pull.snapshot > link.pulled_snapshot ||
                         (pull.snapshot == link.pulled_snapshot && pull.after > link.pulled_after);
    if (link.feed.counted() && (pull.snapshot == 0 || !further)) {
        return;
    }
    link.interest_progress = now;
    link.pulled_snapshot = std::max(link.pulled_snapshot, pull.snapshot);
    link.pulled_after = pull.after;
}

/// A snapshot of many channels over a long way takes minutes.
Duration MeshNode::most_patience() const {
    const Timing& timing = options_.timing;
    const auto thousands = static_cast<std::int64_t>(local_.log().size() / 1000);
    return std::max(timing.interest_patience_most, thousands * timing.interest_patience_thousand);
}

/// From the start of the session on: a peer that never asks for our interest is stuck, too.
void MeshNode::check_intake(Instant now, OriginId oid, Link& link, Effects& out) {
    const InterestVersion acked = link.feed.acked();
    const InterestVersion version = local_.log().version();
    if (link.feed.counted() && acked >= link.interest_mark) {
        link.interest_mark = version;
        link.interest_marked = now;
    }
    if (link.feed.counted() && (acked >= version || acked > link.acked_most)) {
        link.acked_most = std::max(link.acked_most, acked);
        link.interest_progress = now;
    }
    if (link.feed.counted() && acked >= version) {
        return;
    }
    const Timing& timing = options_.timing;
    const Duration patience = membership_.was_stuck(oid) ? timing.interest_patience_again : timing.interest_patience;
    const Duration none = now - link.interest_progress;
    const Duration some = now - link.interest_marked;
    if (none >= patience || some >= most_patience()) {
        membership_.give_up_stuck(now, oid,
                                  "it has not acknowledged our interest for " +
                                      std::to_string((none >= patience ? none : some) / 1ms) +
                                      " ms, and new subscriptions wait for it",
                                  out);
    }
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

bool MeshNode::is_unheard() const {
    return std::none_of(links_.begin(), links_.end(), [](const auto& link) { return link.second.feed.counted(); });
}

/// Lets changes of our interest get versions as far as the slowest peer allows, and confirms what all peers have.
void MeshNode::move_window(Instant now, Effects& out) {
    InterestVersion needed = local_.log().version();
    for (const auto& [oid, link] : links_) {
        if (link.feed.counted()) {
            needed = std::min(needed, link.feed.needs());
        }
    }
    local_.open_window(needed.plus(std::min(options_.limits.interest_window, options_.limits.interest_log)));
    for (Barrier::Waiting& waiting : barrier_.release(local_.covered(acked_by_all()))) {
        confirm(now, std::move(waiting), out);
    }
}

/// A peer has acknowledged something, or is gone.
void MeshNode::release_barrier(Instant now, Effects& out) {
    if (!barrier_.empty() || local_.is_backed_up()) {
        move_window(now, out);
    }
}

/// While no peer counts none will acknowledge anything, so the window moves by itself: once a turn, as what waits may
/// be much. New versions are a reason for the next turn to come at once (earliest).
void MeshNode::tick_window(Instant now, Effects& out) {
    if (local_.is_backed_up() && is_unheard()) {
        move_window(now, out);
    }
}

}  // namespace tulle::mesh
