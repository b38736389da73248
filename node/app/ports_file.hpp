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

}  // namespace tulle::node
