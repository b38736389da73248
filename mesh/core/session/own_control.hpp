#pragma once

#include <optional>

#include "mesh/core/session/peer_table.hpp"

namespace tulle::mesh {

/// Finds out whether this node's own control path works. When no peer at all is heard on control, the fault may be on
/// our side: the node then knocks at its own control endpoint and waits for the knock to come back.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Ownership: refers to the table of the same Membership, which outlives the OwnControl.
/// Limits: one connection to ourselves at a time, begun at most once per `control_verdict`.
/// Errors: none. A knock without an answer for `suspicion` makes the next control death ours (is_deaf).
class OwnControl {
public:
    explicit OwnControl(PeerTable& table) : table_(table) {}

    /// A peer is not heard on control. Begins to knock when no peer in session is heard.
    void listen(Instant now, Effects& out);
    /// A peer has died of silence on control. If our own knock has not come back for `suspicion`, this node is deaf.
    void note_death(Instant now);
    /// A control message has come, or our own knock: our own control path works. Closes the connection to ourselves.
    void heard(Effects& out);
    /// True when the knock is the one that this node has sent to itself.
    [[nodiscard]] bool is_own_knock(const Knock& knock) const { return self_ && knock.nonce == self_->nonce; }
    /// A connection stands (`up`) or broke. False: the connection is not the one to ourselves.
    [[nodiscard]] bool on_connection(Instant now, ConnectionId connection, bool up, Effects& out);
    /// `alone`: no session stands. After `refusal_memory` alone, deafness says nothing any more, as nobody is there to
    /// be heard; the node serves again.
    void rest_alone(Instant now, bool alone, Effects& out);
    /// Repeats the knock, or dials again when the connection does not stand.
    void tick(Instant now, Effects& out);
    /// The earlier of `next` and the next moment with something to do.
    [[nodiscard]] Instant first_deadline(Instant next) const;

    /// True when every peer has fallen silent on control while data spoke, and our own knocks do not come back either.
    [[nodiscard]] bool is_deaf() const { return deaf_; }

private:
    /// Our connection to our own control endpoint.
    struct OwnConnection {
        ConnectionId connection;
        /// Nonce of our knocks there.
        std::uint64_t nonce = 0;
        bool up = false;
        Instant knock_at;
        Instant redial_at;
        /// When the knocking began.
        Instant since;
    };

    PeerTable& table_;
    std::optional<OwnConnection> self_;
    /// No second connection is opened before this moment.
    Instant again_at_;
    bool deaf_ = false;
    /// While deaf: since when no session has stood.
    std::optional<Instant> alone_since_;
};

}  // namespace tulle::mesh
