#pragma once

#include <variant>

#include "mesh/core/session/peer_table.hpp"

namespace tulle::mesh {

/// Sends to a peer in session, round a one-way connection if need be: a peer that does not hear us is sent to through
/// the witness that it names, one hop and no further.
///
/// Thread: confined to the hub.
class PeerSender {
public:
    enum class Way : std::uint8_t { kControl, kData };

    explicit PeerSender(PeerTable& table) : table_(table) {}

    /// Dropped for whoever has no session.
    void send(OriginId to, ControlBody body, Effects& out) const;
    void send_data(OriginId to, std::variant<FramePtr, Tail> body, Effects& out) const;
    /// Directly and through the witnesses of either side: heartbeats, so that both learn which way is deaf, and when it
    /// no longer is.
    void send_every_way(OriginId to, ControlBody body, Effects& out) const;
    /// Passes on what a member asks us to, if we hear its receiver ourselves.
    void forward(const Relay& relay, Effects& out);
    /// The peer says by whom it hears us; 0: directly. True when that is news.
    bool set_route(OriginId peer, OriginId via);
    /// A witness has passed on a message of `from`. False, and counted: of no session that stands.
    [[nodiscard]] bool in_relayed_session(Instant now, OriginId from, SessionTag tag, Way way);

private:
    [[nodiscard]] const Peer* relay_of(const Peer& peer) const;
    [[nodiscard]] const Peer* usable_witness(OriginId oid) const;
    void relay(const Peer& witness, Relay what, Effects& out) const;

    PeerTable& table_;
};

}  // namespace tulle::mesh
