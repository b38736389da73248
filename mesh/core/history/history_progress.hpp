#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "mesh/base/ids.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/node/frame.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/records/record.hpp"

namespace tulle::mesh {

/// How far the messages of other origins have come here, by their stamps.
///
/// A peer's heartbeat names the last frame that the peer has sent, and the peer's clock. Once that frame has come,
/// every message that the peer had accepted by then has come, too, or was reported lost. An origin whose session has
/// ended stays where it was until what others have of its messages has come, or have become too old to come.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: an entry for each session, and for each that ended within Limits::ring_age, kMaxMembers at most.
class HistoryProgress {
public:
    void session_up(OriginId oid) { peers_[oid] = {}; }
    /// `until`: from then on no message of the origin can come any more.
    void session_down(Instant until, OriginId oid) {
        const auto peer = peers_.find(oid);
        if (peer != peers_.end()) {
            gone_.insert_or_assign(oid, Gone{settled_of(oid), until});
            peers_.erase(peer);
        }
    }
    /// All that others have of an origin that has gone has come.
    void recovered(OriginId oid) { gone_.erase(oid); }
    /// The peer had sent the frame `last` when its clock showed `clock_us`, and nothing waited for the link.
    void claimed(OriginId oid, FrameNo last, std::uint64_t clock_us) {
        const auto peer = peers_.find(oid);
        // A session's first heartbeat may be sent before the frames of its turn. A claim is not replaced before it has
        // come true: otherwise a link that is always a little behind would never be known to have come anywhere.
        if (peer == peers_.end() || !std::exchange(peer->second.is_heard, true) || peer->second.claim) {
            return;
        }
        peer->second.claim = Claim{last, clock_us};
    }
    /// All frames of the peer up to this number have come.
    void received(OriginId oid, FrameNo upto) {
        const auto peer = peers_.find(oid);
        if (peer != peers_.end() && peer->second.claim && peer->second.claim->last <= upto) {
            // A later message may bear the very time of the claim.
            const std::uint64_t before_us =
                peer->second.claim->clock_us - std::min<std::uint64_t>(peer->second.claim->clock_us, 1);
            peer->second.settled_us = std::max(peer->second.settled_us, before_us);
            peer->second.claim.reset();
        }
    }
    /// A message with history has come.
    void arrived(const Stamp& stamp) {
        std::uint64_t& upto_us = arrived_[stamp.origin];
        upto_us = std::max(upto_us, stamp.time_us);
    }
    /// Forgets origins of which nothing can come any more.
    void tick(Instant now) {
        if (!gone_.empty()) {
            std::erase_if(gone_, [now](const auto& gone) { return gone.second.until <= now; });
        }
        if (arrived_.size() > kMaxMembers) {
            std::erase_if(arrived_, [this](const auto& entry) { return !peers_.contains(entry.first); });
        }
    }

    /// All messages of the origin with a stamp up to the returned one have come, or were reported lost. 0: nothing is
    /// known.
    [[nodiscard]] std::uint64_t settled_of(OriginId oid) const {
        const auto peer = peers_.find(oid);
        return peer == peers_.end() ? 0 : peer->second.settled_us;
    }
    /// The same for messages with history that are due here.
    [[nodiscard]] std::uint64_t arrived_of(OriginId oid) const {
        const auto arrived = arrived_.find(oid);
        return std::max(settled_of(oid), arrived == arrived_.end() ? 0 : arrived->second);
    }
    /// The same for the messages of all origins: peers, those that have gone, and this node, whose clock is given.
    /// Nothing while a peer has not said anything.
    [[nodiscard]] std::optional<std::uint64_t> settled(Instant now, std::uint64_t own_us) const {
        std::uint64_t all_us = own_us;
        for (const auto& [oid, peer] : peers_) {
            if (peer.settled_us == 0) {
                return std::nullopt;
            }
            all_us = std::min(all_us, peer.settled_us);
        }
        for (const auto& [oid, gone] : gone_) {
            all_us = gone.until > now && !peers_.contains(oid) ? std::min(all_us, gone.settled_us) : all_us;
        }
        return all_us;
    }
    /// The peers in session, with settled_of() of each; sorted by origin.
    template <class Visit>
    void each_peer(Visit&& visit) const {
        for (const auto& [oid, peer] : peers_) {
            visit(oid, peer.settled_us);
        }
    }

private:
    struct Claim {
        FrameNo last;
        std::uint64_t clock_us = 0;
    };
    struct Progress {
        std::optional<Claim> claim;
        std::uint64_t settled_us = 0;
        bool is_heard = false;
    };
    struct Gone {
        std::uint64_t settled_us = 0;
        Instant until{};
    };

    std::map<OriginId, Progress> peers_;
    std::map<OriginId, Gone> gone_;
    /// The latest stamp of a message with history that has come.
    std::map<OriginId, std::uint64_t> arrived_;
};

}  // namespace tulle::mesh
