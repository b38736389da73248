#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "mesh/base/time.hpp"
#include "mesh/keys/mesh_key.hpp"

namespace tulle::mesh {

/// Chooses the key that an outward connection tries, and the time of each try.
///
/// libzmq says only that a handshake failed, never which key the other side has. So the keys of the ring are tried in
/// turn. libzmq goes on dialling after some failures and gives up for good after others (an unknown key, another
/// mechanism). The owner therefore always takes a failed attempt back, and dials again by itself:
///
///   begin() ── succeed()          the connection stands; when it ends, libzmq dials again: end()
///          ├── fail()             without a pause: the owner dials at once, with the next key
///          │                      with a pause: the owner dials at deadline()
///          └── deadline() passes  no report at all: the owner dials again
///
/// Without keys the ring counts as one key, so the pauses hold as well.
///
/// Thread: the owner's. Pure: the time comes from the caller. A report's time may lie before that of the attempt, by
/// less than a turn.
class KeyChoice {
public:
    /// Pauses after a round in which every key has failed, doubling. An operator has to change a configuration first,
    /// and a handshake costs the other side 0.4 ms of CPU time.
    static constexpr Duration kPauseMin = 250ms;
    static constexpr Duration kPauseMax = 2s;
    /// A broken handshake without a reason may be a peer that is just ending. From this round on the key, or the lack
    /// of keys on one side, is taken for the reason.
    static constexpr std::size_t kRoundsBeforeVerdict = 2;
    /// An attempt without success and without a failure for the key is made again after so long. libzmq dials again by
    /// itself, unless libzmq takes a broken handshake for a breach of the protocol; the core gives new connections up
    /// earlier.
    static constexpr Duration kPatience = 3s;

    /// True when a report of a socket's monitor (ZMQ_EVENT_…) says that a handshake failed for a key, or without a
    /// reason. A refusal often comes without a reason: the other side closes while bytes of ours wait there, so that
    /// the kernel resets the connection and throws the other side's last words away.
    [[nodiscard]] static bool is_failure(int kind);

    /// The place in the ring of the key expected from the other side.
    [[nodiscard]] std::size_t place() const { return place_; }
    /// Begins an attempt with the key at place() of `ring`.
    void begin(Instant now, const KeyRing& ring);
    /// The connection stands.
    void succeed();
    /// The connection has ended, and libzmq dials again with the same keys.
    void end(Instant now);
    /// Notes a failed handshake, and chooses the next key of `ring`: at once for a key not tried yet, after a pause
    /// otherwise. Returns true when the other side surely has no key of the ring. `kind`: ZMQ_EVENT_….
    [[nodiscard]] bool fail(Instant now, const KeyRing& ring, int kind);
    /// The owner has ended the connection or the attempt. A pause goes on.
    void drop() { stands_ = false; }
    /// The owner has ended the connection, the attempt or the pause.
    void cancel();
    /// The ring has changed, so a place in the former ring means nothing. A pause ends now.
    void restart();

    /// True while nothing is dialled, because every key has failed.
    [[nodiscard]] bool is_paused() const { return retry_at_.has_value(); }
    /// When the owner must dial again; nothing while the connection stands or nothing is under way.
    [[nodiscard]] std::optional<Instant> deadline() const { return retry_at_ ? retry_at_ : give_up_at_; }
    /// True while the connection stands.
    [[nodiscard]] bool stands() const { return stands_; }
    /// The id of the other side's key in the last attempt; empty without keys. The ring may have changed since.
    [[nodiscard]] const std::string& server() const { return server_; }
    /// The id of this side's key in the last attempt; empty without keys.
    [[nodiscard]] const std::string& client() const { return client_; }

private:
    std::size_t place_ = 0;
    /// Failures since the last success.
    std::size_t failures_ = 0;
    /// The end of the pause; nothing outside a pause.
    std::optional<Instant> retry_at_;
    /// The end of the patience with an attempt; nothing without one.
    std::optional<Instant> give_up_at_;
    std::string server_;
    std::string client_;
    bool stands_ = false;
};

}  // namespace tulle::mesh
