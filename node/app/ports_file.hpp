#pragma once

#include <string>

namespace tulle::node {

/// The addresses of a running node, each as HOST:PORT with the real port. `admin` may be unix:/PATH instead.
struct BoundPorts {
    std::string listen;
    /// Empty without an address for TLS; the file then has no such member.
    std::string tls_listen;
    /// Empty without an address for clients of Redis; the file then has no such member.
    std::string redis;
    std::string mesh;
    std::string mesh_data;
    std::string admin;
};

/// Writes the addresses to `path` as a JSON object, in a single step: a reader sees the whole file or none. An existing
/// file is replaced. Throws std::runtime_error when the file cannot be written.
void write_ports_file(const std::string& path, const BoundPorts& ports);

/// The reason why write_ports_file would fail; empty when the file can be written. The function makes and removes the
/// temporary file that write_ports_file writes first, and leaves an existing ports file alone.
[[nodiscard]] std::string why_no_ports_file(const std::string& path);

}  // namespace tulle::node
