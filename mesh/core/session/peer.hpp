#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/core/node/effects.hpp"
#include "mesh/core/node/messages.hpp"

namespace tulle::mesh {

enum class PeerState : std::uint8_t {
    kJoining,  ///< known, no session yet
    kAlive,
    kSuspect,  ///< silent for too long; witnesses are being asked
    kPartial,  ///< not heard directly, but a witness hears it
    kDead,
    kLeft,
};

[[nodiscard]] constexpr const char* to_text(PeerState state) {
    switch (state) {
        case PeerState::kJoining:
            return "joining";
        case PeerState::kAlive:
            return "alive";
        case PeerState::kSuspect:
            return "suspect";
        case PeerState::kPartial:
            return "partial";
        case PeerState::kDead:
            return "dead";
        case PeerState::kLeft:
            return "left";
    }
    return "?";
}

/// The questions to witnesses about one silent peer.
struct Probe {
    std::uint32_t round = 0;  ///< 0: none asked yet
    Instant next_round;
    std::uint32_t answers_no = 0;  ///< in this round
    std::uint32_t answers_yes = 0;
    Instant evidence;  ///< latest moment at which a witness heard it
    OriginId witness;  ///< that one
};

/// Another node as this one sees it. Owned by Membership.
struct Peer {
    OriginId oid;
    std::string name;
    std::string version;
    Instant met_at;                ///< first heard of
    OriginId named_by;             ///< who named it, 0: itself, or it had a session since
    std::uint32_t names_left = 0;  ///< nodes that it may still name …
    Instant names_at;              ///< … by this moment's count
    bool has_left = false;         ///< it said goodbye, and no session has stood since
    Endpoints endpoints;
    PeerState state = PeerState::kJoining;
    bool ready = false;        ///< serves clients, by its own word
    bool spoke_to_us = false;  ///< not known by hearsay alone
    bool was_alive = false;
    bool name_conflict = false;

    std::optional<ConnectionId> connection;
    bool connection_up = false;
    bool connection_lost = false;     ///< broke, and nothing valid was heard since it is up again
    std::uint64_t place_nonce = 0;    ///< of our Knock to whoever is at the end of the connection that is up again
    std::optional<Instant> check_at;  ///< next CheckEndpoint while lost

    SessionTag local_tag;                             ///< ours, 0: no attempt yet
    SessionTag remote_tag;                            ///< theirs, 0: not known
    SessionTag newest_remote;                         ///< what is older is a ghost
    bool bound = false;                               ///< local_tag and remote_tag belong together
    std::uint32_t protocol = kOldestProtocolVersion;  ///< of the bound attempt: the newest that both speak
    RecordNo start;                 ///< our last record when local_tag was chosen, the first time that led to a session
    std::string knocked;            ///< echoed in our next Hello,
    std::uint64_t knock_nonce = 0;  ///< likewise
    std::optional<RecordNo> their_delivered;  ///< terms of the bound attempt
    RecordNo their_at;
    std::vector<RecordNo> their_extras;
    std::optional<SessionTag> welcome_on_up;  ///< a Welcome could not be sent: the connection was not up yet
    std::optional<Instant> hello_at;
    std::optional<Instant> give_up_at;  ///< end of the handshake

    Instant last_heard;     ///< directly
    Instant last_relayed;   ///< through a witness
    Instant control_heard;  ///< when the last control message came, directly or through a witness
    /// the peer had certainly heard our control by then: it has answered what we sent at that moment
    Instant control_echoed;
    bool control_redialled = false;  ///< our control connection was dialled again since one of the two was in order
    Instant session_since;
    std::uint32_t deaf_strikes = 0;        ///< sessions in a row that ended because its control did not work …
    std::uint32_t stuck_strikes = 0;       ///< … or because it took in none of our interest
    std::optional<Instant> shunned_until;  ///< no new session before
    OriginId deaf_via;                     ///< the witness that hears it for us while it is partial, else 0
    OriginId route_via;                    ///< it told us that it hears us only through this witness, else 0
    Probe probe;

    Duration backoff{};
    std::optional<Instant> redial_at;
    Instant dead_since;

    /// A session stands, whatever the doubts.
    [[nodiscard]] bool in_session() const {
        return state == PeerState::kAlive || state == PeerState::kSuspect || state == PeerState::kPartial;
    }
};

}  // namespace tulle::mesh
