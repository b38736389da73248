#pragma once

#include <cstdint>
#include <string_view>

namespace tulle::node {

/// How far a node has gone in letting its clients go. The states follow each other in this order; `tulle undrain` leads
/// from any state before kLeaving back to kServing.
enum class DrainState : std::uint8_t {
    /// The node takes clients.
    kServing,
    /// Load balancers are told by /ready that the node goes away. Everything is served, new clients too.
    kAnnouncing,
    /// The listeners are closed, and the clients are closed one after the other. Requests on kept connections are
    /// answered, and each answer ends its connection.
    kMoving,
    /// No client is left, but for clients that never answer their Close. The node stays a member of the mesh, until a
    /// signal ends the node or `tulle undrain` comes.
    kDrained,
    /// The node finishes its webhooks and leaves the mesh.
    kLeaving,
};

// States are compared: a later one takes no more clients than an earlier one.
static_assert(DrainState::kServing < DrainState::kAnnouncing && DrainState::kAnnouncing < DrainState::kMoving &&
              DrainState::kMoving < DrainState::kDrained && DrainState::kDrained < DrainState::kLeaving);

/// The word for a state in answers and in the log.
[[nodiscard]] constexpr std::string_view to_text(DrainState state) {
    switch (state) {
        case DrainState::kServing:
            return "serving";
        case DrainState::kAnnouncing:
            return "announcing";
        case DrainState::kMoving:
            return "moving";
        case DrainState::kDrained:
            return "drained";
        case DrainState::kLeaving:
            break;
    }
    return "leaving";
}

}  // namespace tulle::node
