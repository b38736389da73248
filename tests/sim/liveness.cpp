#include "tests/sim/liveness.hpp"

#include <algorithm>

#include "tests/sim/world.hpp"

namespace tulle::sim {
namespace {

/// No stall shorter than this may kill.
constexpr Duration kShortest = 1s;
/// An endpoint is looked at each 50 ms, here by a clock that is 2 % slow, and the look takes a round trip.
constexpr Duration kLook = 500ms;
/// An announcement comes with several heartbeats in the second before a rebind.
constexpr Duration kAnnouncing = 1s;
/// A killed process must be found by then.
constexpr Duration kKillLimit = 1s;
/// 2.5 s by a clock that is 2 % slow, the delay of a path, and a turn.
constexpr Duration kSilenceLimit = 3s;
/// 4 s by a clock that is 2 % slow, messages under way, and the delay of a path.
constexpr Duration kDeafLimit = 6s;
/// Half of the time that a verdict on silent control takes. A shorter lack of answers is no reason for a verdict.
constexpr Duration kDeafShortest = 2s;
/// The bound of kDeafShortest for a peer that was stuck before: 2 s by a clock that is 2 % fast, less the messages
/// under way.
constexpr Duration kStuckShortest = 1900ms;
/// A peer that tells nothing for 5 s is stuck, here by a clock that is 2 % fast, and because no frame of the peer's
/// data comes.
constexpr Duration kUntold = 4900ms;
/// For this time before an event nothing was wrong, so no belated news is under way.
constexpr Duration kSettled = 4s;

std::string milliseconds(Duration d) {
    return std::to_string(d / 1ms) + " ms";
}

}  // namespace

void Liveness::killed(HostId host) {
    for (HostId observer = 0; observer < world_.hosts(); ++observer) {
        expect(Cause::kKill, observer, host, 0);
    }
}

void Liveness::frozen(HostId host) {
    for (HostId observer = 0; observer < world_.hosts(); ++observer) {
        expect(Cause::kFreeze, observer, host, 0);
    }
}

void Liveness::parted(std::uint64_t side) {
    for (HostId a = 0; a < world_.hosts(); ++a) {
        for (HostId b = 0; b < world_.hosts(); ++b) {
            if (((side >> a) & 1) != ((side >> b) & 1)) {
                expect(Cause::kBlackHole, a, b, side);
            }
        }
    }
}

void Liveness::deafened(HostId from, HostId to) {
    expect(Cause::kDeaf, from, to, 0);
    expect(Cause::kDeaf, to, from, 0);
}

void Liveness::expect(Cause cause, HostId observer, HostId subject, std::uint64_t side) {
    const Process* watcher = world_.process(observer);
    const Process* watched = world_.process(subject);
    // A frozen observer finds nothing, and a leaver is no death.
    if (observer == subject || watcher == nullptr || watched == nullptr || watcher->frozen || watched->left) {
        return;
    }
    const mesh::Peer* peer = watcher->node->membership().find(watched->oid);
    // Without a session and a connection nothing is to be found out.
    if (peer == nullptr || !peer->in_session() || !peer->connection_up) {
        return;
    }
    const Expectation wanted{cause, observer, subject, watcher->oid, watched->oid, world_.now(), side};
    open_.push_back(wanted);
    Duration limit = cause == Cause::kKill ? kKillLimit : (cause == Cause::kDeaf ? kDeafLimit : kSilenceLimit);
    // While a node's ports are announced to refuse, a refusal says nothing: the death shows when that time is over, or
    // by silence.
    if (const Instant until = world_.network().announced_until(subject, observer);
        cause == Cause::kKill && until > world_.now()) {
        ++announced_;
        limit = std::clamp<Duration>(until - world_.now() + kLook, kKillLimit, kSilenceLimit);
    }
    world_.scheduler().after(limit, [this, wanted] { check(wanted); });
}

bool Liveness::applies(const Expectation& e) const {
    const Process* watcher = world_.process(e.observer);
    // The observer must be the very process of the event, awake and staying.
    if (watcher == nullptr || watcher->oid != e.observer_oid || watcher->frozen || watcher->fatal ||
        watcher->leaving_since || watcher->thawed + kSettled > e.at) {
        return false;
    }
    const Network& network = world_.network();
    if (e.cause == Cause::kKill) {
        // A successor that freezes before the first word holds the port: neither a refusal nor a greeting tells of the
        // death.
        const Process* successor = world_.process(e.subject);
        if (successor != nullptr && successor->oid != e.subject_oid &&
            (successor->frozen || successor->thawed > e.at)) {
            return false;
        }
        return network.undisturbed(e.observer, e.subject, e.at - kSettled);
    }
    const Process* watched = world_.process(e.subject);
    if (watched == nullptr || watched->oid != e.subject_oid) {
        return false;
    }
    if (e.cause == Cause::kDeaf) {
        return !watched->frozen && watched->thawed + kSettled <= e.at && still_deaf(e);
    }
    // A witness that was frozen itself hears old news when waking, and the witness's word counts even if the witness is
    // killed then.
    if (std::any_of(world_.dead().begin(), world_.dead().end(), [&](const World::Dead& dead) {
            return dead.process->oid != e.subject_oid && dead.at > e.at && dead.process->thawed + kSettled > e.at;
        })) {
        return false;
    }
    // A witness, frozen or lately frozen, may tell of old signs of life. A path in disorder may bring such signs late.
    for (HostId host = 0; host < world_.hosts(); ++host) {
        const Process* witness = world_.process(host);
        if (witness != nullptr && host != e.subject && (witness->frozen || witness->thawed + kSettled > e.at)) {
            return false;
        }
        if (e.cause == Cause::kFreeze && host != e.subject && !network.undisturbed(host, e.subject, e.at - kSettled)) {
            return false;
        }
    }
    return e.cause == Cause::kBlackHole ? still_parted(e) : watched->frozen && watched->frozen_at <= e.at;
}

/// True when data is heard all the time, nothing is relayed, and the other direction is in order or deaf as well. After
/// the subject's own verdict no data is to be heard.
bool Liveness::still_deaf(const Expectation& e) const {
    const Network& network = world_.network();
    const auto verdict = given_up_.find({e.subject_oid, e.observer_oid});
    const Instant until = verdict != given_up_.end() && verdict->second > e.at ? verdict->second : world_.now();
    const auto in_order = [&](HostId from, HostId to) {
        return network.deaf_since(from, to, e.at) ||
               (network.path(from, to) == Path{} && network.unaltered_since(from, to, e.at));
    };
    const bool deaf =
        network.deaf_since(e.observer, e.subject, e.at) || network.deaf_since(e.subject, e.observer, e.at);
    return deaf && in_order(e.observer, e.subject) && in_order(e.subject, e.observer) &&
           network.heard_steadily(e.observer, e.subject, e.at, until) &&
           network.heard_steadily(e.subject, e.observer, e.at, until);
}

bool Liveness::still_parted(const Expectation& e) const {
    for (HostId a = 0; a < world_.hosts(); ++a) {
        for (HostId b = 0; b < world_.hosts(); ++b) {
            if (((e.side >> a) & 1) != ((e.side >> b) & 1) && !world_.network().cut_since(a, b, e.at)) {
                // A single hole in the cut is enough: the host there is a witness.
                return false;
            }
        }
    }
    return true;
}

void Liveness::check(const Expectation& e) {
    const auto same = [&](const Expectation& other) {
        return other.at == e.at && other.observer_oid == e.observer_oid && other.subject_oid == e.subject_oid;
    };
    const auto open = std::find_if(open_.begin(), open_.end(), same);
    // The verdict has come in time and has closed the expectation.
    if (open == open_.end()) {
        return;
    }
    open_.erase(open);
    if (!applies(e)) {
        return;
    }
    const mesh::Peer* peer = world_.process(e.observer)->node->membership().find(e.subject_oid);
    if (peer != nullptr && peer->in_session()) {
        if (e.cause == Cause::kDeaf) {
            world_.violation("P8 " + world_.name_of(e.observer_oid) + " still believes in " +
                             world_.name_of(e.subject_oid) + ", though control between the two has been silent for " +
                             milliseconds(world_.now() - e.at));
            return;
        }
        const char* what = e.cause == Cause::kKill ? "killed " : e.cause == Cause::kFreeze ? "frozen " : "cut off ";
        world_.violation("P5 " + world_.name_of(e.observer_oid) + " still believes in the " + what +
                         world_.name_of(e.subject_oid) + " after " + milliseconds(world_.now() - e.at));
    }
}

void Liveness::verdict(HostId observer, OriginId subject, bool stuck) {
    ++verdicts_;
    const OriginId oid = world_.process(observer)->oid;
    given_up_[{oid, subject}] = world_.now();
    for (auto it = open_.begin(); it != open_.end();) {
        if (it->observer_oid != oid || it->subject_oid != subject) {
            ++it;
            continue;
        }
        // Only undisturbed detections count as times.
        if (applies(*it)) {
            (it->cause == Cause::kKill   ? kills_
             : it->cause == Cause::kDeaf ? deaf_
                                         : silences_)
                .push_back(world_.now() - it->at);
        }
        it = open_.erase(it);
    }
    // Peers that have receipted a leave say no more to the leaver.
    if (world_.process(observer)->leaving_since) {
        return;  // those who have receipted its leave say no more to it
    }
    for (HostId host = 0; host < world_.hosts(); ++host) {
        const Process* process = world_.process(host);
        if (process == nullptr || process->oid != subject || process->left) {
            continue;
        }
        const mesh::Peer* back = process->node->membership().find(oid);
        // The subject has ended the session itself: messages of the subject are first words from here on.
        if (back == nullptr || !back->in_session()) {
            continue;  // it has ended the session itself: what comes of it now are first words
        }
        const Duration silence = world_.now() - world_.network().last_arrival(host, observer);
        const Network& network = world_.network();
        // Silent control, a stuck subject or real silence justify the verdict.
        if (stuck ? network.unanswered_on_control(observer, host, kStuckShortest)
                  : network.unanswered_beats(observer, host, kDeafShortest)) {
            ++deafnesses_;
        } else if (stuck && world_.now() - network.last_frame(host, observer) >= kUntold) {
            ++untold_;
        } else if (network.has_just_rebound(host) && network.announced_until(host, observer) < world_.now() &&
                   !network.undisturbed(observer, host, world_.now() - kAnnouncing)) {
            // The announcement was lost by a fault of the path, so the refusal looked like a death.
            ++unannounced_;
        } else if (silence < kShortest) {
            world_.violation("P5 " + world_.name_of(oid) + " declares " + world_.name_of(subject) +
                             " dead, who was heard " + milliseconds(silence) + " ago");
        }
    }
}

}  // namespace tulle::sim
