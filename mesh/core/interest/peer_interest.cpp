#include "mesh/core/interest/peer_interest.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"

// Both directions of the exchange, for all sessions.
//
// Fetching: pull, take in deltas or chunks, acknowledge, pull again until the version is reached that the peer had at
// the first answer (`sync_at`). Then the session is synced: the peer's interest is known well enough to filter records
// by. Later changes arrive as deltas without a pull. A hole, or a heartbeat ahead of the version held, causes a pull.
//
// Giving: the feed answers pulls and sends deltas. check_intake() watches two clocks for each peer. `progress_at`
// stands still while the peer takes in nothing at all. `marked_at` stands still while the peer does not reach a version
// that this node reached earlier (`mark`): a peer that acknowledges a little now and then would never trip the first
// clock alone.
namespace tulle::mesh {

// A peer that failed before gets less time than an ordinary peer, and a slow peer with progress gets the most.
static_assert(Timing{}.interest_patience_again < Timing{}.interest_patience &&
              Timing{}.interest_patience < Timing{}.interest_patience_most);
static_assert(Timing{}.interest_retry < Timing{}.interest_patience_again, "a lost delta makes nobody stuck");

InterestSlot PeerInterest::take_slot() {
    const std::optional<InterestSlot> slot = table_.take_slot();
    // Membership holds no more than kMaxMembers peers.
    TULLE_ASSERT(slot.has_value());
    return *slot;
}

void PeerInterest::session_up(Instant now, Session& session, Effects& out) {
    session.interest.progress_at = now;
    session.interest.marked_at = now;
    pull(now, session, {}, out);
}

void PeerInterest::forgive(Duration late) {
    for (auto& [oid, session] : context_.sessions()) {
        session.interest.progress_at += late;
        session.interest.marked_at += late;
    }
}

void PeerInterest::on(Instant now, Session& session, const InterestDelta& delta, Effects& out) {
    InterestExchange& interest = session.interest;
    // Bounds the work of a turn. An honest peer repeats the ignored changes.
    interest.changes_taken += delta.changes.size();
    if (interest.changes_taken > 2 * context_.limits().interest_window) {
        return;
    }
    const InterestTable::Applied applied = table_.apply(interest.slot, delta);
    if (is_over(now, session, out)) {
        return;
    }
    if (applied.hole) {
        pull(now, session, {.have = held(session)}, out);
        return;
    }
    const std::optional<InterestVersion> version = table_.version(interest.slot);
    if (!version) {
        return;  // a snapshot is under way
    }
    // The peer asks for users or a retained event: the link owes the peer an answer of at least this version.
    for (const std::string& key : applied.marked) {
        session.data.sender.owe(key, *version);
    }
    // The first answer sets the goal of the first fetch.
    if (!interest.sync_at) {
        interest.sync_at = delta.current;
    }
    check_synced(session);
    context_.send(session.oid, InterestAck{*version}, out);
    if (!interest.synced && !delta.changes.empty()) {
        // The answer was longer than a message: ask for the rest without delay.
        interest.pull_at = now;
        pull(now, session, {.have = *version}, out);
    }
}

void PeerInterest::on(Instant now, Session& session, const InterestChunk& chunk, Effects& out) {
    InterestExchange& interest = session.interest;
    // A chunk without a pull before, or a second chunk in the turn, is ignored.
    if (!interest.awaits_chunk || !table_.apply(interest.slot, chunk) || is_over(now, session, out)) {
        return;
    }
    interest.awaits_chunk = false;
    LinkSender& sender = session.data.sender;
    // A repeated first chunk is not taken, so this one is the first of another snapshot.
    if (chunk.after.empty()) {
        sender.begin_snapshot();
    }
    for (const std::string& channel : chunk.channels) {
        if (is_marked_key(channel)) {
            sender.owe_with_snapshot(channel);
        }
    }
    if (chunk.last) {
        sender.end_snapshot(chunk.base);
    }
    if (!interest.sync_at) {
        interest.sync_at = chunk.current;
    }
    interest.pull_at = now;
    // The pull goes out at the end of the turn. Behind a middle chunk the pull asks for the next chunk. Behind the last
    // chunk the pull acknowledges the snapshot and asks for changes since.
    interest.pull_due = true;
    check_synced(session);
}

bool PeerInterest::is_over(Instant now, const Session& session, Effects& out) {
    const bool over = table_.is_over(session.interest.slot);
    if (over) {
        context_.give_up(now, session.oid, "it has interest in more channels than a node may", out);
    }
    return over;
}

void PeerInterest::on(Instant now, Session& session, const InterestPull& pull, Effects& out) {
    // The first pull of the turn is answered at once. Of all further pulls only the last is answered, at the turn's
    // end.
    if (std::exchange(session.interest.answered_pull, true)) {
        session.interest.late_pull = pull;
    } else {
        answer(now, session, pull, out);
    }
}

void PeerInterest::answer(Instant now, Session& session, const InterestPull& pull, Effects& out) {
    note_pull(now, session, pull);
    std::visit([&](auto&& message) { context_.send(session.oid, std::forward<decltype(message)>(message), out); },
               session.interest.feed.on_pull(now, local_.log(), pull));
    // From the answer on the peer is counted, with the version that the peer has.
    subscriptions_.move_window(now, out);
}

void PeerInterest::acknowledged(Instant now, Session& session, InterestVersion applied, Effects& out) {
    // Clamped, because a peer may claim to hold versions that do not exist yet.
    session.interest.feed.on_ack(now, std::min(applied, local_.log().version()));
    subscriptions_.acknowledged(now, out);
}

void PeerInterest::on_applied(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out) {
    // A peer that has not pulled yet holds nothing that new subscriptions could rely on.
    if (session.interest.feed.counted()) {
        acknowledged(now, session, heartbeat.applied, out);
    }
}

void PeerInterest::pull(Instant now, Session& session, InterestPull what, Effects& out) {
    InterestExchange& interest = session.interest;
    if (now < interest.pull_at) {
        return;
    }
    interest.pull_at = now + context_.timing().interest_retry;
    interest.pull_due = false;
    interest.awaits_chunk = true;
    context_.send(session.oid, std::move(what), out);
}

void PeerInterest::check_synced(Session& session) const {
    InterestExchange& interest = session.interest;
    if (interest.sync_at && table_.version(interest.slot) >= interest.sync_at) {
        interest.synced = true;
    }
}

void PeerInterest::on_digest(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out) {
    InterestExchange& interest = session.interest;
    if (is_fetching(session)) {
        return;
    }
    const InterestVersion have = held(session);
    if (heartbeat.version == have && heartbeat.digest != table_.digest(interest.slot)) {
        ++mismatches_;
        out.push_back(Notice{Severity::kError, "interest digests differ at equal versions: fetching a snapshot"});
        pull(now, session, {.have = have, .fresh = true}, out);
    } else if (heartbeat.version > have && interest.seen_at_heartbeat == have) {
        // The peer is ahead, and no delta has come since the last heartbeat: a delta was lost.
        pull(now, session, {.have = have}, out);
    }
    interest.seen_at_heartbeat = have;
}

void PeerInterest::write(const Session& session, Heartbeat& heartbeat) const {
    heartbeat.version = local_.log().version();
    heartbeat.digest = local_.log().digest();
    heartbeat.applied = held(session);
    heartbeat.load.channels = local_.log().size();
}

void PeerInterest::tick(Instant now, Session& session, Effects& out) {
    InterestExchange& interest = session.interest;
    interest.changes_taken = 0;
    interest.answered_pull = false;
    if (const std::optional<InterestPull> late = std::exchange(interest.late_pull, std::nullopt)) {
        answer(now, session, *late, out);
    }
    if (std::optional<InterestDelta> delta = interest.feed.poll(now, local_.log())) {
        context_.send(session.oid, std::move(*delta), out);
    }
    if ((is_fetching(session) || interest.pull_due) && interest.pull_at <= now) {
        // A snapshot under way goes on with the next chunk. Otherwise the peer sends the changes after the held
        // version.
        const InterestPull next{.have = held(session)};
        pull(now, session, table_.continuation(interest.slot).value_or(next), out);
    }
}

void PeerInterest::note_pull(Instant now, Session& session, const InterestPull& pull) {
    InterestExchange& interest = session.interest;
    // Only a pull further into a snapshot counts as progress. A peer that repeats a pull for ever is stuck.
    const bool further = pull.snapshot > interest.pulled_snapshot ||
                         (pull.snapshot == interest.pulled_snapshot && pull.after > interest.pulled_after);
    if (interest.feed.counted() && (pull.snapshot == 0 || !further)) {
        return;
    }
    interest.progress_at = now;
    interest.pulled_snapshot = std::max(interest.pulled_snapshot, pull.snapshot);
    interest.pulled_after = pull.after;
}

void PeerInterest::check_intake(Instant now, Session& session, Effects& out) {
    InterestExchange& interest = session.interest;
    const InterestVersion acked = interest.feed.acked();
    const InterestVersion version = local_.log().version();
    // The peer has reached the mark: the next mark is the present version.
    if (interest.feed.counted() && acked >= interest.mark) {
        interest.mark = version;
        interest.marked_at = now;
    }
    // The peer took in something, or has nothing left to take in.
    if (interest.feed.counted() && (acked >= version || acked > interest.acked_most)) {
        interest.acked_most = std::max(interest.acked_most, acked);
        interest.progress_at = now;
    }
    if (interest.feed.counted() && acked >= version) {
        interest.level = true;
        return;
    }
    if (std::exchange(interest.level, false)) {
        // At the last look the peer owed nothing, so the patience begins only now.
        interest.progress_at = now;
    }
    const Timing& timing = context_.timing();
    const Duration patience =
        context_.was_given_up(session.oid) ? timing.interest_patience_again : timing.interest_patience;
    // How long the peer has taken in nothing, and how long the peer has not reached the mark.
    const Duration none = now - interest.progress_at;
    const Duration some = now - interest.marked_at;
    if (none >= patience || some >= window_.most_patience()) {
        context_.give_up(now, session.oid,
                         "it has not acknowledged our interest for " +
                             std::to_string((none >= patience ? none : some) / 1ms) +
                             " ms, and new subscriptions wait for it",
                         out);
    }
}

Instant PeerInterest::next_deadline(const Session& session, Instant next) const {
    next = std::min(next, session.interest.feed.next_deadline(local_.log()).value_or(next));
    return is_fetching(session) ? std::min(next, session.interest.pull_at) : next;
}

}  // namespace tulle::mesh
