#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "tools/cli/admin.hpp"
#include "tools/cli/events_text.hpp"

namespace tulle::cli {

/// Events in one answer, as many as a node gives.
inline constexpr std::size_t kEventsPage = 1000;
/// How long a node holds a question back until there is an event.
inline constexpr std::chrono::milliseconds kEventsHold{10'000};

/// Asks the node at `server` for the events behind `since`, of `kind` alone unless that is empty. `hold`: for how long
/// the node may wait for one. Nothing without a list of events; stderr then says why.
[[nodiscard]] std::optional<EventsPage> ask_events(Admin& admin, const std::string& server, const std::string& kind,
                                                   std::uint64_t since, std::chrono::milliseconds hold);

/// The most events that nodes give of the whole mesh.
inline constexpr std::size_t kMostMeshEvents = 200;
/// Asks the node at `server` for the latest `limit` events of all nodes, at most kMostMeshEvents; otherwise as
/// ask_events().
[[nodiscard]] std::optional<EventsPage> ask_mesh_events(Admin& admin, const std::string& server,
                                                        const std::string& kind, std::size_t limit);

}  // namespace tulle::cli
