#pragma once

#include <variant>

#include "mesh/core/session/peer_table.hpp"

namespace tulle::mesh {

/// Sends to peers in session, round a one-way connection if need be: a peer that does not hear us is reached through
/// the witness that the peer names, one hop and no further.
///
/// Thread: confined to the hub.
/// Ownership: refers to the table of the same Membership, which outlives the PeerSender.
/// Limits: none of its own; each call appends at most 3 effects.
/// Errors: none. A message for a peer without a bound session is dropped.
class PeerSender {
public:
    /// The two paths between two nodes.
    enum class Way : std::uint8_t { kControl, kData };

    explicit PeerSender(PeerTable& table) : table_(table) {}

    /// Sends on control. Dropped when the peer has no bound attempt, or no connection.
    void send(OriginId to, ControlBody body, Effects& out) const;
    /// Sends on the data path. Dropped when the peer has no bound attempt.
    void send_data(OriginId to, std::variant<FramePtr, Tail> body, Effects& out) const;
    /// Sends directly and through the witnesses of either side. For heartbeats: both nodes then learn which way is
    /// deaf, and when that way works again.
    void send_every_way(OriginId to, ControlBody body, Effects& out) const;
    /// Passes on a message that a member asks us to relay, if we hear the receiver ourselves.
    void forward(const Relay& relay, Effects& out);
    /// The peer says through which witness it hears us; 0: directly. True when the witness has changed. A witness that
    /// is the peer or this node is ignored.
    bool set_route(OriginId peer, OriginId via);
    /// A witness has passed on a message of `from`. True when the message belongs to a standing session; the sender
    /// then counts as heard through a witness. False, and counted as stale, otherwise.
    [[nodiscard]] bool in_relayed_session(Instant now, OriginId from, SessionTag tag, Way way);

private:
    /// The witness to send through; null: send directly.
    [[nodiscard]] const Peer* relay_of(const Peer& peer) const;
    /// The peer with this id if alive and connected; null otherwise.
    [[nodiscard]] const Peer* usable_witness(OriginId oid) const;
    /// Hands a message to the witness.
    void relay(const Peer& witness, Relay what, Effects& out) const;

    PeerTable& table_;
};

}  // namespace tulle::mesh
