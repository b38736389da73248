#include "tools/cli/up_plan.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <boost/json.hpp>

namespace tulle::cli {
namespace {

namespace json = boost::json;

// The distances between the ports of a fixed plan (planned_endpoints). ports_fit() checks that the ranges do not meet.
constexpr std::size_t kMeshOffset = 1'000;
constexpr std::size_t kMeshStep = 10;
constexpr std::size_t kAdminOffset = 3'600;

/// An address on loopback.
std::string at(std::size_t port) {
    return "127.0.0.1:" + std::to_string(port);
}

/// A text of a JSON object; empty for a missing member and for another type.
std::string member(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains({key.data(), key.size()});
    if (value == nullptr || !value->is_string()) {
        return {};
    }
    return {value->get_string().data(), value->get_string().size()};
}

/// The parts with commas between them.
std::string comma_list(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) {
        out.append(out.empty() ? "" : ",").append(part);
    }
    return out;
}

/// `text`, filled up to `width` with blanks.
std::string padded(std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
}

}  // namespace

Endpoints planned_endpoints(std::optional<std::uint16_t> base_port, std::size_t index) {
    if (!base_port) {
        return {at(0), at(0), at(0), at(0)};
    }
    const std::size_t base = *base_port;
    // Two ports follow each other for a node's mesh and mesh data; the step of 10 leaves room between nodes.
    const std::size_t mesh = base + kMeshOffset + kMeshStep * index;
    return {at(base + index), at(mesh), at(mesh + 1), at(base + kAdminOffset + index)};
}

bool ports_fit(std::uint16_t base_port, int nodes) {
    static_assert(kMaxNodes * kMeshStep < kAdminOffset - kMeshOffset, "the ranges would meet");
    return base_port > 0 && nodes <= kMaxNodes && base_port + kAdminOffset + static_cast<std::size_t>(nodes) <= 65'536;
}

std::vector<std::string> tulled_arguments(const UpOptions& options, const NodePlan& plan) {
    std::vector<std::string> arguments{
        "--name", plan.name, "--cluster", options.cluster, "--listen", plan.endpoints.listen, "--mesh",
        plan.endpoints.mesh, "--mesh-data", plan.endpoints.mesh_data, "--admin", plan.endpoints.admin, "--ports-file",
        plan.ports_file,
        // Nothing balances the clients of these nodes, and whoever stops them waits for their end.
        "--drain-grace", "0", "--drain-duration", "0"};
    if (!plan.peers.empty()) {
        arguments.insert(arguments.end(), {"--peers", comma_list(plan.peers)});
    }
    if (!options.mesh_key.empty()) {
        arguments.insert(arguments.end(), {"--mesh-keys", options.mesh_key});
    }
    if (!options.log_level.empty()) {
        arguments.insert(arguments.end(), {"--log-level", options.log_level});
    }
    if (options.demo) {
        arguments.emplace_back("--demo");
        if (plan.demo_orders >= 0) {
            arguments.insert(arguments.end(), {"--demo-orders", std::to_string(plan.demo_orders)});
        }
    }
    return arguments;
}

std::optional<Endpoints> read_ports_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    json::error_code error;
    const json::value value = json::parse(text, error);
    if (error || !value.is_object()) {
        return std::nullopt;
    }
    const json::object& object = value.get_object();
    Endpoints endpoints{member(object, "listen"), member(object, "mesh"), member(object, "mesh_data"),
                        member(object, "admin")};
    if (endpoints.listen.empty() || endpoints.mesh.empty() || endpoints.mesh_data.empty() || endpoints.admin.empty()) {
        return std::nullopt;
    }
    return endpoints;
}

std::string announcement_json(const std::vector<RunningNode>& nodes, bool demo) {
    json::array list;
    for (const RunningNode& node : nodes) {
        list.push_back(json::object{{"name", node.name},
                                    {"pid", node.pid},
                                    {"listen", node.endpoints.listen},
                                    {"mesh", node.endpoints.mesh},
                                    {"mesh_data", node.endpoints.mesh_data},
                                    {"admin", node.endpoints.admin}});
    }
    json::object line{{"nodes", std::move(list)}};
    if (demo) {
        line["demo"] = "http://" + nodes.front().endpoints.listen + "/";
    }
    return json::serialize(line) + "\n";
}

std::string announcement_text(const std::vector<RunningNode>& nodes, bool demo, const std::string& program) {
    std::string out =
        "\n" + std::to_string(nodes.size()) + (nodes.size() == 1 ? " node is up\n\n" : " nodes are up\n\n");
    for (const RunningNode& node : nodes) {
        out += "  " + padded(node.name, 4) + " ws://" + padded(node.endpoints.listen, 16) + "  admin " +
               padded(node.endpoints.admin, 16) + "  mesh " + padded(node.endpoints.mesh, 16) + "  pid " +
               std::to_string(node.pid) + "\n";
    }
    const Endpoints& first = nodes.front().endpoints;
    // The example publishes at another node than the subscriber's, so that the message crosses the mesh.
    const Endpoints& last = nodes.back().endpoints;
    out += "\n  app-id / app-key / app-secret: the app that they serve\n\n";
    if (demo) {
        out += "  http://" + first.listen + "/   a page to try them\n";
    }
    out += "  http://" + first.admin + "/   all nodes at a glance\n";
    out += "  " + program + " status -s " + first.admin + "\n";
    out += "  " + program + " sub news --url ws://" + first.listen + "\n";
    out += "  " + program + " pub news greeting '{\"text\":\"hello\"}' --url http://" + last.listen + "\n";
    out += "\nCtrl-C stops them.\n\n";
    return out;
}

}  // namespace tulle::cli
