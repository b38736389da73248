#pragma once

#include <string>

namespace tulle::node {

struct BoundPorts {
    std::string listen;
    std::string mesh;
    std::string mesh_data;
    std::string admin;
};

/// Writes the addresses as a JSON object, atomically: a reader sees the whole file or none. Throws std::runtime_error.
void write_ports_file(const std::string& path, const BoundPorts& ports);

/// Why write_ports_file would fail; empty: it would not. Found out by making and removing the file that it writes
/// first.
[[nodiscard]] std::string why_no_ports_file(const std::string& path);

}  // namespace tulle::node
