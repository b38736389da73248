#pragma once

#include <optional>

#include "mesh/core/session/peer_table.hpp"

namespace tulle::mesh {

/// Whether this node's own control path works: when no peer at all is heard on control, the fault may be ours, and the
/// node knocks at its own endpoint.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
class OwnControl {
public:
    explicit OwnControl(PeerTable& table) : table_(table) {}

    /// A peer is not heard on control. Begins to knock when that is true of all.
    void listen(Instant now, Effects& out);
    /// A peer has died of its silence on control: of ours, if we were not heard ourselves for long.
    void note_death(Instant now);
    /// A control message has come, or our own knock: so our own control path works.
    void heard(Effects& out);
    [[nodiscard]] bool is_own_knock(const Knock& knock) const { return self_ && knock.nonce == self_->nonce; }
    /// False: the connection is not ours to ourselves.
    [[nodiscard]] bool on_connection(Instant now, ConnectionId connection, bool up, Effects& out);
    /// Nobody is there to be unheard, for long: that we were deaf says nothing any more.
    void rest_alone(Instant now, bool alone, Effects& out);
    void tick(Instant now, Effects& out);
    [[nodiscard]] Instant first_deadline(Instant next) const;

    /// Every peer has fallen silent on control while data spoke, and we do not hear ourselves there either.
    [[nodiscard]] bool is_deaf() const { return deaf_; }

private:
    /// A connection of ours to our own control endpoint, while every peer is silent on control.
    struct OwnConnection {
        ConnectionId connection;
        std::uint64_t nonce = 0;  // of our knocks there
        bool up = false;
        Instant knock_at;
        Instant redial_at;
        Instant since;
    };

    PeerTable& table_;
    std::optional<OwnConnection> self_;
    Instant again_at_;  // no second one before
    bool deaf_ = false;
    std::optional<Instant> alone_since_;  // while deaf: without a session since then
};

}  // namespace tulle::mesh
