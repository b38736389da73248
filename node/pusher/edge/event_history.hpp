#pragma once

#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/pusher/wire/http_api.hpp"

/// Conversions between the types of the HTTP API about histories and those of the mesh.
namespace tulle::node {

/// The history that an event's channels ask of the mesh; null when no channel has history.
[[nodiscard]] mesh::RecordHistoryPtr history_of(const std::vector<pusher::HistoryBounds>& histories);
/// The question of a request.
[[nodiscard]] mesh::HistoryAsk ask_of(const pusher::HistoryRead& read);
/// The answer of the mesh. Moves the bodies out of `page`.
[[nodiscard]] pusher::HistoryFindings findings_of(mesh::HistoryPage page);

}  // namespace tulle::node
