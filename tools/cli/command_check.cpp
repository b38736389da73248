#include <memory>
#include <stdexcept>

#include "tools/cli/check.hpp"
#include "tools/cli/command_groups.hpp"
#include "tools/cli/common_options.hpp"

namespace tulle::cli {
namespace {

/// Adds --format.
void add_format(CLI::App& command, std::string& format) {
    command
        .add_option("--format", format, "One line as a plugin of Nagios prints it, a line for each reading, or JSON")
        ->check(CLI::IsMember({"nagios", "json", "text"}))
        ->capture_default_str();
}

void add_check_node(CommandList& commands, CLI::App& check) {
    const auto options = std::make_shared<CheckNodeOptions>();
    CLI::App& node = commands.add_to(
        check, "node", "Whether a node lives, is ready, and has room: connections, memory, certificates", [options] {
            if (options->limits.warn > options->limits.crit || options->limits.cert_warn < options->limits.cert_crit) {
                throw std::invalid_argument("the limit of a warning lies beyond the critical one");
            }
            return run_check_node(*options);
        });
    add_admin_options(node, options->admin, "As --format json");
    add_format(node, options->format);
    node.add_option("--warn", options->limits.warn, "Percent of connections, memory or descriptors: warning")
        ->check(CLI::Range(0.0, 100.0))
        ->type_name("PERCENT")
        ->capture_default_str();
    node.add_option("--crit", options->limits.crit, "Percent of connections, memory or descriptors: critical")
        ->check(CLI::Range(0.0, 100.0))
        ->type_name("PERCENT")
        ->capture_default_str();
    node.add_option("--cert-warn", options->limits.cert_warn, "Days that a certificate holds yet: warning")
        ->check(CLI::Range(0.0, 36'500.0))
        ->type_name("DAYS")
        ->capture_default_str();
    node.add_option("--cert-crit", options->limits.cert_crit, "Days that a certificate holds yet: critical")
        ->check(CLI::Range(0.0, 36'500.0))
        ->type_name("DAYS")
        ->capture_default_str();
}

void add_check_mesh(CommandList& commands, CLI::App& check) {
    const auto options = std::make_shared<CheckMeshOptions>();
    CLI::App& mesh = commands.add_to(
        check, "mesh", "Whether all nodes are there and understand each other, as doctor judges", [options] {
            if (options->limits.warn > options->limits.crit) {
                throw std::invalid_argument("the limit of a warning lies beyond the critical one");
            }
            return run_check_mesh(*options);
        });
    add_admin_options(mesh, options->admin, "As --format json", kMaxMeshSeconds);
    add_format(mesh, options->format);
    add_expect(mesh, options->limits.expect, "Nodes that must serve (default: those that the mesh knows)");
    mesh.add_option("--warn", options->limits.warn, "Missing nodes: warning")
        ->check(CLI::Range(1, kMaxExpected))
        ->type_name("NODES")
        ->capture_default_str();
    mesh.add_option("--crit", options->limits.crit, "Missing nodes: critical")
        ->check(CLI::Range(1, kMaxExpected))
        ->type_name("NODES")
        ->capture_default_str();
    mesh.add_option_function<std::uint64_t>(
            "--max-gaps", [options](std::uint64_t gaps) { options->limits.max_gaps = gaps; },
            "Gaps that links have not repaired since the nodes started, beyond which there is a warning")
        ->type_name("GAPS");
}

}  // namespace

void add_checks(CommandList& commands) {
    CLI::App& check = commands.add_parent(kAskNodes, "check",
                                          "For monitoring: one line, and the exit code of a Nagios plugin (0 1 2 3)");
    add_check_node(commands, check);
    add_check_mesh(commands, check);
}

}  // namespace tulle::cli
