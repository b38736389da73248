#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "mesh/base/hash.hpp"
#include "node/app/address_check.hpp"
#include "node/app/command_line.hpp"
#include "node/app/composition.hpp"
#include "node/app/config.hpp"
#include "node/app/config_print.hpp"
#include "node/app/config_redis.hpp"
#include "node/app/config_source.hpp"
#include "node/app/config_tls.hpp"
#include "node/app/draining.hpp"
#include "node/app/reloader.hpp"
#include "node/app/service_manager.hpp"
#include "node/app/signals.hpp"
#include "node/app/standard_descriptors.hpp"
#include "node/edge/memory_gauge.hpp"
#include "node/log/logging.hpp"

namespace tulle::node {
namespace {

// The exit codes of tulled: ended in order, failed, and wrong usage or configuration.
constexpr int kOk = 0;
constexpr int kRuntimeFailure = 1;
constexpr int kUsageError = 2;

/// Raises the limit of descriptors as far as the system allows, because every client takes a descriptor. Returns the
/// limit.
std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return Machine{}.descriptors;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        const rlimit raised{limit.rlim_max, limit.rlim_max};
        limit = ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised : limit;
    }
    // An unlimited number is cut to 2^30, so that sums of descriptors cannot overflow.
    return static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, 1u << 30));
}

/// The facts about this machine on which defaults depend.
Machine this_machine() {
    char name[256] = {};
    ::gethostname(name, sizeof(name) - 1);
    return {name, std::thread::hardware_concurrency(), raise_descriptor_limit(), memory_of_machine()};
}

/// The environment as "NAME=value" texts.
std::vector<std::string> environment() {
    std::vector<std::string> variables;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        variables.emplace_back(*variable);
    }
    return variables;
}

/// Draws the key of all hash tables. Must run before a name chosen by a stranger enters a table.
void draw_hash_key() {
    HashKey key{};
    if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
        throw std::runtime_error("no random numbers from the system");
    }
    set_hash_key(key);
}

/// The warning about ignored variables, in a single line; empty for none. Kubernetes sets eight variables for each port
/// of a Service, so at most kMostNamed variables are named.
std::string ignored_variables(const ConfigSource& source) {
    constexpr std::size_t kMostNamed = 20;
    const std::vector<std::string>& names = source.ignored_variables();
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), kMostNamed); ++i) {
        text += (i == 0 ? "" : ", ") + names[i];
    }
    return text.empty()
               ? text
               : "environment variables that are no setting of tulled are ignored: " + text +
                     (names.size() > kMostNamed ? " and " + std::to_string(names.size() - kMostNamed) + " more" : "");
}

/// Carries out reloads and drains until the node is to leave. Returns false when a part of the node has failed.
bool attend(ConfigSource& source, const Config& config, Signals& signals, Composition& node,
            const ServiceManager& manager, bool& is_hasty) {
    Reloader reloader(source, node, signals, config);
    Draining draining(node, manager, config.drain);
    while (!draining.is_leaving()) {
        const std::optional<Duration> reading = reloader.patience();
        const std::optional<Duration> moving = draining.patience();
        const Signals::Event event = signals.wait(0, reading && moving ? std::min(reading, moving)
                                                     : reading         ? reading
                                                                       : moving);
        if (event == Signals::Event::kFailed) {
            return false;
        }
        reloader.on(event);
        draining.on(event);
    }
    is_hasty = draining.is_hasty();
    return true;
}

/// Runs the node until a signal or a failure. Returns the exit code.
int serve(ConfigSource& source, const Config& config) {
    Signals signals;
    const ServiceManager manager;
    Composition node(config, signals);
    node.start();
    const BoundPorts& ports = node.ports();
    // The file tells tests and scripts: the node listens. The file is therefore written after start().
    if (!config.ports_file.empty()) {
        write_ports_file(config.ports_file, ports);
    }
    const std::string tls = ports.tls_listen.empty() ? "" : " and by TLS on " + ports.tls_listen;
    const std::string redis = ports.redis.empty() ? "" : " and those of Redis on " + ports.redis;
    spdlog::info("tulled {} serves clients on {}{}{}, the mesh on {} and {}, admin on {}", TULLE_VERSION, ports.listen,
                 tls, redis, ports.mesh, ports.mesh_data, ports.admin);
    if (config.has_default_app) {
        spdlog::warn("no app is configured: serving the app app-id, whose secret is public, on loopback");
    }
    if (config.key_ring.is_empty() && !(config.mesh.is_loopback() && config.mesh_data.is_loopback())) {
        spdlog::warn("insecure_mesh: whoever reaches {} and {} is a member of the mesh and reads all messages",
                     ports.mesh, ports.mesh_data);
    }
    if (const std::string ignored = ignored_variables(source); !ignored.empty()) {
        spdlog::warn("{}", ignored);
    }
    manager.ready();
    manager.status("serving");
    bool is_hasty = false;
    if (!attend(source, config, signals, node, manager, is_hasty)) {
        spdlog::error("{}", signals.failure());
        return kRuntimeFailure;
    }
    if (!node.leave(is_hasty)) {
        spdlog::warn("ended in haste");
        flush_logging();
        // No destructor runs: joining the threads could take as long as the rest of the end.
        std::_Exit(kRuntimeFailure);
    }
    spdlog::info("left");
    return kOk;
}

/// The whole program. All errors of the start end here as a line on stderr and an exit code.
int run(int argc, char** argv) {
    try {
        draw_hash_key();
        const CommandLine line = parse_command_line(argc, argv);
        if (line.print) {
            std::cout << *line.print;
            return kOk;
        }
        ConfigSource source(line, environment(), this_machine());
        const Config config = source.load();
        check_machine(config);
        std::vector<std::string> warnings = check_tls_files(config);
        if (std::string warning = redis_memory_warning(config); !warning.empty()) {
            warnings.push_back(std::move(warning));
        }
        if (line.check_config || line.print_config) {
            for (const std::string& warning : warnings) {
                std::cerr << "tulled: " << warning << '\n';
            }
            if (const std::string ignored = ignored_variables(source); !ignored.empty()) {
                std::cerr << "tulled: " << ignored << '\n';
            }
            std::cout << (line.print_config ? printed_config(config) : "the configuration is good\n");
            return kOk;
        }
        // Errors up to here go to stderr, not into the log, whose level is not known before.
        set_up_logging(config.name, config.log_level);
        for (const std::string& warning : warnings) {
            spdlog::warn("{}", warning);
        }
        return serve(source, config);
    } catch (const ConfigError& error) {
        say_at_end(std::string("tulled: ") + error.what());
        return kUsageError;
    } catch (const std::exception& error) {
        say_at_end(std::string("tulled: ") + error.what());
        return kRuntimeFailure;
    }
}

}  // namespace
}  // namespace tulle::node

// The standard descriptors come first: the next call that opens a descriptor must not get 0, 1 or 2.
int main(int argc, char** argv) {
    tulle::node::keep_standard_descriptors();
    const int code = tulle::node::run(argc, argv);
    tulle::node::flush_logging();
    return code;
}
