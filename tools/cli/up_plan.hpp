#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/commands.hpp"

namespace tulle::cli {

inline constexpr int kMaxNodes = 50;

/// Where a node listens, each "HOST:PORT".
struct Endpoints {
    std::string listen;
    std::string mesh;
    std::string mesh_data;
    std::string admin;
    friend bool operator==(const Endpoints&, const Endpoints&) = default;
};

/// The endpoints of the `index`-th node, counted from 0, all on 127.0.0.1. With a base port B: listen B+index, mesh
/// B+1000+10*index, mesh data the next, admin B+3600+index; without: port 0, for the system to choose.
[[nodiscard]] Endpoints planned_endpoints(std::optional<std::uint16_t> base_port, std::size_t index);

/// Whether the ports of `nodes` nodes fit below 65536 and do not meet.
[[nodiscard]] bool ports_fit(std::uint16_t base_port, int nodes);

struct NodePlan {
    std::string name;
    Endpoints endpoints;
    std::vector<std::string> peers;
    std::string ports_file;
};

/// The arguments of `tulled`, without the program.
[[nodiscard]] std::vector<std::string> tulled_arguments(const UpOptions& options, const NodePlan& plan);

/// Reads a ports file; nothing while it is not there or not what it should be.
[[nodiscard]] std::optional<Endpoints> read_ports_file(const std::string& path);

/// A running node, for the announcement.
struct RunningNode {
    std::string name;
    int pid = 0;
    Endpoints endpoints;
};

[[nodiscard]] std::string announcement_json(const std::vector<RunningNode>& nodes, bool demo);
/// `program`: how the reader can call this program.
[[nodiscard]] std::string announcement_text(const std::vector<RunningNode>& nodes, bool demo,
                                            const std::string& program);

}  // namespace tulle::cli
