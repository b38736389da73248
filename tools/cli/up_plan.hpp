#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/commands.hpp"

namespace tulle::cli {

/// Nodes that `tulle up` and `tulle chaos` start at most. The limit keeps the ranges of ports in a fixed plan apart.
inline constexpr int kMaxNodes = 50;

/// The addresses of a node, each "HOST:PORT".
struct Endpoints {
    std::string listen;
    std::string mesh;
    std::string mesh_data;
    std::string admin;
    friend bool operator==(const Endpoints&, const Endpoints&) = default;
};

/// The addresses of the `index`-th node, counted from 0, all on 127.0.0.1. With a base port B: listen B+index, mesh
/// B+1000+10*index, mesh data the next port, admin B+3600+index. Without a base port: port 0, and the system chooses.
[[nodiscard]] Endpoints planned_endpoints(std::optional<std::uint16_t> base_port, std::size_t index);

/// True when the ports of `nodes` nodes stay below 65536 and do not overlap.
[[nodiscard]] bool ports_fit(std::uint16_t base_port, int nodes);

/// A node to start. Peers: mesh addresses.
struct NodePlan {
    std::string name;
    Endpoints endpoints;
    std::vector<std::string> peers;
    std::string ports_file;
    /// The descriptor that the node inherits for the orders of the demonstration page (DemoOrders).
    int demo_orders = -1;
};

/// The arguments for `tulled`, without the program's name.
[[nodiscard]] std::vector<std::string> tulled_arguments(const UpOptions& options, const NodePlan& plan);

/// Reads a ports file. Nothing when the file is not there yet, or has not the four addresses.
[[nodiscard]] std::optional<Endpoints> read_ports_file(const std::string& path);

/// A running node, for the announcement.
struct RunningNode {
    std::string name;
    int pid = 0;
    Endpoints endpoints;
};

/// The announcement for programs, as a line of JSON.
[[nodiscard]] std::string announcement_json(const std::vector<RunningNode>& nodes, bool demo);
/// The announcement for people, with commands to try. `program`: how the reader can call this program.
[[nodiscard]] std::string announcement_text(const std::vector<RunningNode>& nodes, bool demo,
                                            const std::string& program);

}  // namespace tulle::cli
