#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mesh/core/session/peer_table.hpp"

namespace tulle::mesh {

/// Why no session stands with the node at a configured endpoint.
enum class Unmet : std::uint8_t {
    /// The first attempt is under way.
    kWaiting,
    /// The configured name has no address.
    kNoAddress,
    kUnreachable,
    kClosed,
    /// The port is open and does not speak the protocol of the mesh.
    kWrongPort,
    /// The port speaks the protocol, and nobody answers.
    kSilent,
    /// The node there refuses us: for the cluster, the protocol, our name, its full table, or our mesh key.
    kCluster,
    kProtocol,
    kName,
    kFull,
    kKey,
    /// The node there is known: a handshake is under way, the node is dead, or the node has left.
    kHandshake,
    kDead,
    kLeft,
};

/// The word in `status` and in the metrics.
[[nodiscard]] const char* to_text(Unmet reason);
/// The reason for people, to be put behind the endpoint.
[[nodiscard]] const char* phrase(Unmet reason);
/// The reason of a refusal.
[[nodiscard]] Unmet unmet_of(RefusalReason reason);
/// True when the refusal itself is told in the log (Refusals), so that nothing else need be told.
[[nodiscard]] bool is_refusal(Unmet reason);

/// What is known of a configured endpoint, or of a configured name without addresses.
struct SeedView {
    enum class State : std::uint8_t { kMet, kSelf, kUnmet };

    std::string endpoint;
    /// The configured name with this address; empty: the endpoint itself was configured.
    std::string name = {};
    State state = State::kUnmet;
    /// The last four say something of an unmet endpoint alone. `since`: nothing until the node has looked.
    Unmet reason = Unmet::kWaiting;
    std::string text = {};
    std::optional<Instant> since = {};
    std::uint64_t attempts = 0;
};

class Seeds;

/// Says in the log which configured peers are not met, and why: for a node that is alone all of them in one line, and
/// otherwise a line for each reason.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Limits: a peer has `lonely_notice` to be met. Then a line for each reason, at once and again each `refusal_notice`,
///         whatever the number of attempts and peers; the line names five peers and counts the others. Refusals have
///         their own lines (Refusals).
class UnmetNotices {
public:
    explicit UnmetNotices(const PeerTable& table) : table_(table) {}

    /// `alone`: no session stands.
    void tick(Instant now, const Seeds& seeds, bool alone, Effects& out);
    /// The earlier of `next` and the next moment with something to do.
    [[nodiscard]] Instant first_deadline(Instant next) const;

private:
    /// The line of a node that is alone, when due.
    void tell_lonely(Instant now, const Seeds& seeds, Effects& out);
    /// The lines of a node that has met others, when due.
    void tell_each_reason(Instant now, const Seeds& seeds, Effects& out);

    const PeerTable& table_;
    /// While alone: when the next line is due.
    std::optional<Instant> lonely_at_;
    /// While not alone, with peers that are not met: when the reasons are looked at next.
    std::optional<Instant> look_at_;
    /// When a line last told of each reason. Kept while nobody is missed, as a peer may come and go.
    std::map<Unmet, Instant> told_at_;
};

}  // namespace tulle::mesh
