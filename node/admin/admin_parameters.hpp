#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/event_kind.hpp"
#include "mesh/base/time.hpp"
#include "node/core/peer_address.hpp"

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
};

/// Reads a query string. Returns nothing when the string is malformed or repeats a parameter, or when the timeout is
/// out of its range. Other parameters are ignored.
[[nodiscard]] std::optional<AdminParameters> parse_admin_parameters(std::string_view query);

/// The parameter `node`, the name of a node; empty without the parameter. Returns nothing for a malformed query, for an
/// empty name, and for a name of more than kMaxOrderedNameBytes.
[[nodiscard]] std::optional<std::string> parse_node_parameter(std::string_view query);

/// The parameter `max` of an order to rebalance, in clients a second; kDefaultRebalanceRate without the parameter.
/// Returns nothing for a malformed query, and for a number out of 1 to kMaxRebalanceRate.
[[nodiscard]] std::optional<std::uint64_t> parse_rebalance_rate(std::string_view query);

/// Events in an answer of /v1/events: by default, and at most.
inline constexpr std::size_t kDefaultEventsLimit = 100;
inline constexpr std::size_t kMaxEventsLimit = 1000;
/// The longest wait for an event, as kMaxAdminTimeoutMs.
inline constexpr std::uint64_t kMaxEventsWaitMs = 10'000;

/// The query string of a question for events.
struct EventsQuery {
    /// Events with a greater number are wanted.
    std::uint64_t since = 0;
    std::size_t limit = kDefaultEventsLimit;
    std::optional<EventKind> kind = {};
    /// How long to wait if there is no event.
    Duration wait{};
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

/// Reads the query string of /v1/log. As parse_events_query().
[[nodiscard]] std::optional<LogQuery> parse_log_query(std::string_view query, std::string& why);

/// Reads the query string of /v1/events. Returns nothing, and puts the reason into `why`, for a malformed query, a
/// repeated parameter, an unknown kind or a number out of its range.
[[nodiscard]] std::optional<EventsQuery> parse_events_query(std::string_view query, std::string& why);

}  // namespace tulle::node
