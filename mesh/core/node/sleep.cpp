#include "mesh/core/node/sleep.hpp"

#include <algorithm>
#include <string>

#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

static_assert(Timing{}.own_loop_late < Timing{}.own_loop_asleep && Timing{}.own_loop_asleep < Timing{}.suspicion);

void Sleep::woke(Instant now, Duration late, Effects& out) {
    ++late_turns_;
    awake_since_ = now;
    // Too short for any peer to have given us up.
    if (late <= context_.timing().own_loop_asleep) {
        return;
    }
    ++sleeps_;
    ++nonce_;
    out.push_back(
        Notice{Severity::kWarn, "this node did not run for " + std::to_string(late / 1ms) + " ms", EventKind::kSelf});
    for (auto& [oid, session] : context_.sessions()) {
        unconfirmed_.insert(oid);
        publisher_.pause();
        // Data that came during the sleep has not been read yet, so the path is not deaf; it has to speak soon, though.
        session.data.last_data = std::max(session.data.last_data, now - context_.timing().suspicion);
        context_.send(oid, Ping{nonce_}, out);
    }
}

void Sleep::on(Instant now, OriginId from, const Pong& pong, Effects& out) {
    if (pong.nonce == nonce_) {
        confirmed(now, from, out);
    }
}

void Sleep::confirmed(Instant now, OriginId oid, Effects& out) {
    if (unconfirmed_.erase(oid) > 0 && unconfirmed_.empty()) {
        publisher_.resume(now, out);
    }
}

void Sleep::ask_again(Instant now, OriginId oid, Effects& out) {
    if (!unconfirmed_.contains(oid)) {
        return;
    }
    // Publishers wait for the peer's word: no node may hold publishers up longer than a deaf node.
    if (now - awake_since_ >= context_.timing().control_verdict) {
        context_.give_up(now, oid, "it has not confirmed its session", out);
        return;
    }
    context_.send(oid, Ping{nonce_}, out);
}

void Sleep::tick(Instant now, Effects& out) {
    // A copy, because confirmed() erases.
    for (const OriginId oid : std::set<OriginId>(unconfirmed_)) {
        const Peer* peer = context_.find(oid);
        if (peer == nullptr || (!peer->in_session() && peer->state != PeerState::kJoining)) {
            confirmed(now, oid, out);
        }
    }
}

}  // namespace tulle::mesh
