#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the commands about clients print: channels, presence, conns.
namespace tulle::cli {

/// An answer of a node, as text for people.
struct ClientsText {
    std::string text;
    /// The names of the nodes without an answer.
    std::vector<std::string> missing;
    /// Rows that are shown, or connections that were closed.
    std::uint64_t rows = 0;
};

// Each function reads an answer of the path in its comment; nothing for something else.

/// /v1/channels.
[[nodiscard]] std::optional<ClientsText> channels_text(std::string_view json);
/// /v1/presence.
[[nodiscard]] std::optional<ClientsText> presence_text(std::string_view json);
/// /v1/conns. `offset`: the rows that were left out before the first one.
[[nodiscard]] std::optional<ClientsText> connections_text(std::string_view json, std::uint64_t offset);
/// /v1/conns/ID.
[[nodiscard]] std::optional<ClientsText> connection_text(std::string_view json);
/// /v1/conns/kick.
[[nodiscard]] std::optional<ClientsText> kick_text(std::string_view json);

/// A connection in a table.
struct ConnectionCells {
    std::string id;
    std::string node;
    std::string kind;
    std::string app;
    std::string address;
    std::string user;
    double age_ms = -1;
    double subscriptions = -1;
    double outbox = -1;
    /// Negative: not counted.
    double received = -1;
};
/// Reads the connections of an answer of /v1/conns; nothing for something else.
[[nodiscard]] std::optional<std::vector<ConnectionCells>> parse_connections(std::string_view json);
/// The table, with a line of headings.
[[nodiscard]] std::string connections_table(const std::vector<ConnectionCells>& connections);
/// A number of bytes such as 512, 4.0K or 1.5M; a dash for a negative number.
[[nodiscard]] std::string bytes_text(double bytes);

}  // namespace tulle::cli
