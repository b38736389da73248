#pragma once

#include <optional>

#include "mesh/base/prng.hpp"
#include "mesh/core/node/mesh_context.hpp"
#include "mesh/core/node/pulse.hpp"

namespace tulle::mesh {

/// Binds this node's mesh ports again when the mesh key in use has changed. Every connection to the node ends at that
/// moment, and a peer that dials just then is refused; a refusal otherwise proves a process dead. So the node says
/// beforehand, in its heartbeats, that its ports will refuse for a moment.
///
///   begin()            a random pause, so that not all nodes do this at once (`rebind_spread`)
///   announcing         heartbeats bear `rebind_ms` (`rebind_notice`)
///   Rebind             the shell binds the ports again
///   settling           heartbeats bear `rebind_ms` until the ports are surely bound (`rebind_grace`)
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Ownership: refers to the context, the Pulse and the generator of the node; all outlive the Rebinding.
/// Errors: none. A second begin() before the Rebind changes nothing: the shell binds by the newest keys.
class Rebinding {
public:
    Rebinding(MeshContext& context, const Pulse& pulse, Prng& prng) : context_(context), pulse_(pulse), prng_(prng) {}

    /// The key in use has changed. A node without any session is not waited for by anybody, and binds at once.
    void begin(Instant now);
    /// Writes the announcement into a heartbeat.
    void write(Instant now, Heartbeat& heartbeat) const;
    /// Begins to announce, and asks the shell to bind.
    void tick(Instant now, Effects& out);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

private:
    MeshContext& context_;
    const Pulse& pulse_;
    Prng& prng_;
    /// When the peers are told; nothing when they have been told, or when there is nothing to tell.
    std::optional<Instant> announce_at_;
    /// When the ports are bound; nothing when they have been.
    std::optional<Instant> bind_at_;
    /// Until when heartbeats bear the announcement, from announce_at_ on.
    Instant over_at_{};
};

}  // namespace tulle::mesh
