#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/core/node/effects.hpp"
#include "mesh/core/node/messages.hpp"

namespace tulle::mesh {

/// The local node's opinion of a peer. A session stands in kAlive, kSuspect and kPartial.
enum class PeerState : std::uint8_t {
    /// Known, but no session stands yet.
    kJoining,
    kAlive,
    /// Silent for `suspicion` or longer; witnesses are being asked.
    kSuspect,
    /// Not heard directly, but a witness hears the peer.
    kPartial,
    kDead,
    kLeft,
};

/// The name of the state in `status` and in the log.
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
    /// Number of the last round of questions.
    std::uint32_t round = 0;
    Instant next_round;
    /// Witnesses of this round that do not hear the peer, and that do.
    std::uint32_t answers_no = 0;
    std::uint32_t answers_yes = 0;
    /// Latest moment at which a witness heard the peer, and that witness.
    Instant evidence;
    OriginId witness;

    /// Forgets the answers of all rounds. The number goes on, so that an answer to a question of this silence that
    /// comes late does not count in the next silence: the answer would make an old sign of life look young.
    void forget() { *this = Probe{.round = round + 1}; }
};

/// Another node, as seen from this node.
///
/// Thread: confined to the hub.
/// Ownership: the PeerTable owns all peers. Parts of Membership change them; other code only reads.
struct Peer {
    OriginId oid;
    std::string name;
    std::string version;
    /// When the peer was first heard of.
    Instant met_at;
    /// The peer that named this one; 0: nobody did, or a session has stood since.
    OriginId named_by;
    /// How many nodes this peer may still name in vain, as of `names_at`.
    std::uint32_t names_left = 0;
    Instant names_at;
    /// The peer said goodbye, and no session has stood since.
    bool has_left = false;
    Endpoints endpoints;
    PeerState state = PeerState::kJoining;
    /// The peer serves clients, by its own word.
    bool ready = false;
    /// The peer itself has sent us a Knock or a Hello: not known by hearsay alone.
    bool spoke_to_us = false;
    /// A session has stood with the peer.
    bool was_alive = false;
    /// Another established node bears the peer's name.
    bool name_conflict = false;

    /// Our outward control connection to the peer.
    std::optional<ConnectionId> connection;
    bool connection_up = false;
    /// The connection broke, and the peer has not been heard since the connection stands again.
    bool connection_lost = false;
    /// Nonce of our Knock to the process at the end of the connection, sent when the connection stood again.
    std::uint64_t place_nonce = 0;
    /// When the endpoint is checked next; nothing while the connection stands.
    std::optional<Instant> check_at;
    /// Until this moment a refusal of the peer's endpoint says nothing: the peer has announced that its ports close for
    /// a moment.
    Instant rebind_until{};

    /// Our tag of the attempt or session; 0: no attempt yet.
    SessionTag local_tag;
    /// The peer's tag; 0: not known.
    SessionTag remote_tag;
    /// The newest tag that the peer has used. Messages of an older attempt are dropped.
    SessionTag newest_remote;
    /// True when local_tag and remote_tag belong to one attempt or session.
    bool bound = false;
    /// Protocol version of the bound attempt: the newest that both nodes speak.
    std::uint32_t protocol = kOldestProtocolVersion;
    /// Our last record when local_tag was drawn, in the first attempt that led to a session.
    RecordNo start;
    /// Knock::dialled and Knock::nonce of the peer's last Knock, echoed in our next Hello.
    std::string knocked;
    std::uint64_t knock_nonce = 0;
    /// The peer's terms of the bound attempt, as in SessionTerms.
    std::optional<RecordNo> their_delivered;
    RecordNo their_at;
    std::vector<RecordNo> their_extras;
    /// The tag of a Hello that is answered again when the connection stands.
    std::optional<SessionTag> welcome_on_up;
    /// When our Hello is repeated.
    std::optional<Instant> hello_at;
    /// When the handshake is given up.
    std::optional<Instant> give_up_at;

    /// When the peer was last heard directly.
    Instant last_heard;
    /// When the last control message came, directly or through a witness.
    Instant control_heard;
    /// The latest moment at which we sent something on control that the peer has answered: the peer heard our control
    /// then.
    Instant control_echoed;
    /// As control_echoed, but no silence is ever forgiven: the peer had heard all that we sent until then.
    Instant surely_echoed;
    /// Our control connection was dialled again since control_heard or control_echoed grew too old.
    bool control_redialled = false;
    Instant session_since;
    /// Sessions in a row that ended because the peer's control did not work.
    std::uint32_t deaf_strikes = 0;
    /// Sessions in a row that ended because the peer took in none of our interest.
    std::uint32_t stuck_strikes = 0;
    /// No new session begins before this moment.
    std::optional<Instant> shunned_until;
    /// The witness that hears the peer for us while the peer is partial; 0 otherwise.
    OriginId deaf_via;
    /// The only witness through which the peer hears us, by its own word; 0: the peer hears us directly.
    OriginId route_via;
    Probe probe;

    /// The last pause between two attempts.
    Duration backoff{};
    std::optional<Instant> redial_at;
    Instant dead_since;

    /// True while a session stands, whatever the doubts.
    [[nodiscard]] bool in_session() const {
        return state == PeerState::kAlive || state == PeerState::kSuspect || state == PeerState::kPartial;
    }
};

}  // namespace tulle::mesh
