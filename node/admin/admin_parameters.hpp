#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mesh/base/event_kind.hpp"
#include "mesh/base/result.hpp"
#include "mesh/base/time.hpp"
#include "node/admin/drain_order.hpp"
#include "node/admin/rebalance.hpp"
#include "node/core/peer_address.hpp"
#include "node/pusher/wire/auth.hpp"

namespace tulle::node {

/// How long doctor and trace wait for other nodes without `timeout_ms`: many round trips of a mesh.
inline constexpr std::uint64_t kDefaultAdminTimeoutMs = 2'000;
/// The longest wait. Stays below kHttpAnswerTimeout with the hub's patience added, so that the answer comes before the
/// HTTP connection is given up.
inline constexpr std::uint64_t kMaxAdminTimeoutMs = 10'000;

/// The query string of a question to the mesh. The texts are unchecked; a text is empty when absent.
struct AdminParameters {
    std::string app;
    std::string channel;
    /// The parameter `timeout_ms`, 1 to kMaxAdminTimeoutMs.
    Duration timeout{};
    /// `brief=yes`, for the doctor: without the apps.
    bool is_brief = false;
};

/// Reads a query string. Returns nothing when the string is malformed or repeats a parameter, or when the timeout is
/// out of its range. Other parameters are ignored.
[[nodiscard]] std::optional<AdminParameters> parse_admin_parameters(std::string_view query);

/// The parameters of a query string, whose names must all be among `names`, each once at most: an order with a misspelt
/// condition would be carried out without the condition. An error of this function, and of those below, is a sentence
/// for the sender.
[[nodiscard]] Result<pusher::QueryParameters, std::string> parse_exactly(std::string_view query,
                                                                         std::span<const std::string_view> names);

/// The order of a request to drain (`drains`) or to stop draining. Without the parameter `node`, the name in the order
/// is empty, which means the node that is asked. Refuses an empty name, and a name of more than mesh::kMaxNameBytes.
[[nodiscard]] Result<DrainOrder, std::string> parse_drain_order(std::string_view query, bool drains);

/// The parameter `max` of an order to rebalance, in clients a second; kDefaultRebalanceRate without the parameter.
/// Refuses a number out of 1 to kMaxRebalanceRate.
[[nodiscard]] Result<std::uint64_t, std::string> parse_rebalance_rate(std::string_view query);

/// Events in an answer of /v1/events: by default, and at most.
inline constexpr std::size_t kDefaultEventsLimit = 100;
inline constexpr std::size_t kMaxEventsLimit = 1000;
/// The latest events that each node gives at most in an answer of the whole mesh, which holds all of them until they
/// are sorted.
inline constexpr std::size_t kMaxMeshEvents = 200;
static_assert(kDefaultEventsLimit <= kMaxMeshEvents);
/// The longest wait for an event, as kMaxAdminTimeoutMs.
inline constexpr std::uint64_t kMaxEventsWaitMs = 10'000;

/// The query string of a question for events.
struct EventsQuery {
    /// Events with a greater number are wanted.
    std::uint64_t since = 0;
    std::size_t limit = kDefaultEventsLimit;
    std::optional<EventKind> kind = {};
    /// How long to wait if there is no event; for events of all nodes, how long these may take (`timeout_ms`).
    Duration wait{};
    /// The latest events of all nodes are wanted (`all=yes`); `since` has no meaning then.
    bool is_of_mesh = false;
};

/// Seconds for which /v1/log has refused clients told of: by default, and at most.
inline constexpr std::uint64_t kDefaultLogSeconds = 300;
inline constexpr std::uint64_t kMaxLogSeconds = 3'600;

/// The query string of /v1/log: whose refusals are told of, and for how long. Without app and address, of all.
struct LogQuery {
    std::string app;
    std::optional<PeerAddress> address;
    Duration time{};
};

/// Reads the query string of /v1/log. An address may be written in any form; an IPv6 address stands for its network of
/// 64 bits.
[[nodiscard]] Result<LogQuery, std::string> parse_log_query(std::string_view query);

/// Reads the query string of /v1/events. Refuses an unknown kind, a number out of its range, and `since`,
/// `wait_ms` or more than kMaxMeshEvents events with `all=yes`, and `timeout_ms` without.
[[nodiscard]] Result<EventsQuery, std::string> parse_events_query(std::string_view query);

}  // namespace tulle::node
