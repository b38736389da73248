#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tulle {

/// What an event of a node is about: the mesh's notices and what the edges tell share the kinds.
enum class EventKind : std::uint8_t {
    /// A line of the log that belongs to no other kind.
    kOther,
    /// A session with another node stands.
    kSession,
    kSuspect,
    /// A suspect, or a peer that only witnesses heard, is heard again.
    kHeard,
    /// A peer is heard by witnesses alone.
    kPartial,
    kDead,
    kLeft,
    /// A configured peer is not met, or this node is alone.
    kUnmet,
    /// A node refuses another one.
    kRefusal,
    /// Frames were missing, and are there again.
    kRepair,
    /// Records are lost for good.
    kGap,
    /// A path between two nodes is dialled again.
    kPath,
    /// This node did not run, or hears nobody on its control path.
    kSelf,
    /// The node begins or ends to serve clients.
    kReady,
    kKeys,
    kReload,
    kDrain,
    /// Clients that were closed because they were too slow.
    kSlowClient,
    /// Clients that were closed for want of memory.
    kShed,
    /// Connections or requests that a limit refused.
    kLimit,
    /// A client that was refused, told for those who asked (POST /v1/log).
    kClient,
};

/// The names of all kinds, by the number of the kind. Part of the HTTP interface.
inline constexpr std::array<std::string_view, 21> kEventKindNames = {
    "other", "session", "suspect", "heard", "partial", "dead",  "left",        "unmet", "refusal", "repair", "gap",
    "path",  "self",    "ready",   "keys",  "reload",  "drain", "slow-client", "shed",  "limit",   "client"};
static_assert(kEventKindNames.size() == static_cast<std::size_t>(EventKind::kClient) + 1);

[[nodiscard]] constexpr std::string_view to_text(EventKind kind) {
    return kEventKindNames[static_cast<std::size_t>(kind)];
}

/// The kind of a name; nothing for an unknown name.
[[nodiscard]] constexpr std::optional<EventKind> event_kind_of(std::string_view name) {
    for (std::size_t i = 0; i < kEventKindNames.size(); ++i) {
        if (kEventKindNames[i] == name) {
            return static_cast<EventKind>(i);
        }
    }
    return std::nullopt;
}

}  // namespace tulle
