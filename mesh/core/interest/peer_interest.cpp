#include "mesh/core/interest/peer_interest.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

static_assert(Timing{}.interest_patience_again < Timing{}.interest_patience &&
              Timing{}.interest_patience < Timing{}.interest_patience_most);
static_assert(Timing{}.interest_retry < Timing{}.interest_patience_again, "a lost delta makes nobody stuck");

InterestSlot PeerInterest::take_slot() {
    const std::optional<InterestSlot> slot = table_.take_slot();
    TULLE_ASSERT(slot.has_value());  // membership holds no more than kMaxMembers
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
    for (const std::string& key : applied.marked) {
        session.data.sender.owe(key, *version);
    }
    if (!interest.sync_at) {
        interest.sync_at = delta.current;
    }
    check_synced(session);
    context_.send(session.oid, InterestAck{*version}, out);
    if (!interest.synced && !delta.changes.empty()) {
        interest.pull_at = now;  // the answer was longer than one message
        pull(now, session, {.have = *version}, out);
    }
}

void PeerInterest::on(Instant now, Session& session, const InterestChunk& chunk, Effects& out) {
    InterestExchange& interest = session.interest;
    if (!interest.awaits_chunk || !table_.apply(interest.slot, chunk) || is_over(now, session, out)) {
        return;
    }
    interest.awaits_chunk = false;
    for (const std::string& channel : chunk.channels) {
        if (is_marked_key(channel)) {
            session.data.sender.owe(channel, chunk.base);
        }
    }
    if (!interest.sync_at) {
        interest.sync_at = chunk.current;
    }
    interest.pull_at = now;
    interest.pull_due = true;  // for the next chunk; behind the last one it acknowledges, and asks for what came since
    check_synced(session);
}

/// Ends the session of a peer whose interest is larger than an honest one's can be.
bool PeerInterest::is_over(Instant now, const Session& session, Effects& out) {
    const bool over = table_.is_over(session.interest.slot);
    if (over) {
        context_.give_up(now, session.oid, "it has interest in more channels than a node may", out);
    }
    return over;
}

void PeerInterest::on(Instant now, Session& session, const InterestPull& pull, Effects& out) {
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
    subscriptions_.move_window(now, out);  // the peer counts from here on, at the version that it has
}

void PeerInterest::acknowledged(Instant now, Session& session, InterestVersion applied, Effects& out) {
    session.interest.feed.on_ack(now, std::min(applied, local_.log().version()));
    subscriptions_.acknowledged(now, out);
}

void PeerInterest::on_applied(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out) {
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
        pull(now, session, {.have = have}, out);  // no progress since the last heartbeat
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
        const InterestPull next{.have = held(session)};
        pull(now, session, table_.continuation(interest.slot).value_or(next), out);
    }
}

void PeerInterest::note_pull(Instant now, Session& session, const InterestPull& pull) {
    InterestExchange& interest = session.interest;
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
    if (interest.feed.counted() && acked >= interest.mark) {
        interest.mark = version;
        interest.marked_at = now;
    }
    if (interest.feed.counted() && (acked >= version || acked > interest.acked_most)) {
        interest.acked_most = std::max(interest.acked_most, acked);
        interest.progress_at = now;
    }
    if (interest.feed.counted() && acked >= version) {
        interest.level = true;
        return;
    }
    if (std::exchange(interest.level, false)) {
        interest.progress_at = now;  // it owed nothing when it was looked at last
    }
    const Timing& timing = context_.timing();
    const Duration patience =
        context_.was_given_up(session.oid) ? timing.interest_patience_again : timing.interest_patience;
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
