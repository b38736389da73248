#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/clients_table.hpp"

/// What `tulle top` shows: numbers of the nodes, and rates from the difference of two looks.
namespace tulle::cli {

/// The numbers of a node at a moment. Counters only grow while the node runs.
struct TopNode {
    std::string name;
    /// The node serves clients.
    bool is_ready = false;
    /// As in node/core/drain_state.hpp; empty for a node of an older version.
    std::string drain{};
    double uptime_s = -1;
    double clients = -1;
    double channels = -1;
    /// The node's own clock.
    std::int64_t monotonic_us = 0;
    /// Counters; negative: the node does not tell.
    double received = -1;
    double sent = -1;
    double published = -1;
    double gaps = -1;
    double slow = -1;
};

/// A look at the mesh.
struct TopSample {
    /// By oid: a node that starts again is another one.
    std::map<std::string, TopNode> nodes;
    /// The names of the nodes without an answer.
    std::vector<std::string> missing;
};
/// Reads an answer of /v1/doctor; nothing for something else.
[[nodiscard]] std::optional<TopSample> parse_top(std::string_view json);

/// The difference of two counters as a rate a second; -1 when a counter is not known, or no time has passed.
[[nodiscard]] double rate_of(double before, double now, double seconds);

/// The table of the nodes, and a line with their sums. A node that `before` does not have has no rates.
[[nodiscard]] std::string top_nodes_text(const TopSample& before, const TopSample& now);
/// The numbers of both tables as one JSON object.
[[nodiscard]] std::string top_json(const TopSample& before, const TopSample& now,
                                   const std::vector<ConnectionCells>& connections);

/// What the keys of `tulle top` change.
struct TopView {
    std::string sort;
    std::size_t connections = 10;
    std::chrono::milliseconds delay{1'000};
};
/// Follows a key: o takes the next order, n the next number of connections, d the next delay. False: the key ends the
/// program (q, or Ctrl-C). Other keys change nothing.
[[nodiscard]] bool follow_key(char key, TopView& view);
/// The line that explains the keys.
[[nodiscard]] std::string top_keys_line(const TopView& view);

/// `text` as one screen: at most `rows` lines of at most `columns` characters, each of which clears the rest of its
/// line.
[[nodiscard]] std::string screen_of(std::string_view text, std::size_t rows, std::size_t columns);

}  // namespace tulle::cli
