#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What `tulle events` reads and prints.
namespace tulle::cli {

/// An event of a node.
struct EventRow {
    std::uint64_t seq = 0;
    /// Milliseconds since the Unix epoch.
    std::uint64_t at_ms = 0;
    std::string kind;
    std::string text;
    /// The name of the node, in an answer for all nodes; otherwise empty.
    std::string node;
    /// The event as the node wrote it.
    std::string json;
};

/// An answer of GET /v1/events.
struct EventsPage {
    std::vector<EventRow> events;
    /// The number to ask for later events with.
    std::uint64_t next = 0;
    /// Events that the node no longer had.
    std::uint64_t lost = 0;
    /// Nodes without an answer, in an answer for all nodes.
    std::vector<std::string> missing;
};

/// Reads an answer of GET /v1/events; nothing for any other text.
[[nodiscard]] std::optional<EventsPage> parse_events(std::string_view text);

/// A line for people, with the time in UTC.
[[nodiscard]] std::string event_line(const EventRow& event);

}  // namespace tulle::cli
