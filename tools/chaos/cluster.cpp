#include "tools/chaos/cluster.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>
#include <random>
#include <stdexcept>

#include "mesh/keys/key_file.hpp"
#include "tools/chaos/plan.hpp"
#include "tools/chaos/resets.hpp"

namespace tulle::chaos {
namespace {

/// Nodes on loopback take ports below the range that the system gives to outgoing connections. Such a connection could
/// otherwise hold the port of a node that is away for a moment.
constexpr std::uint16_t kFirstPort = 10'000;
/// Base ports are drawn from this many. The highest port of a node lies some 4,100 above the base
/// (cli::planned_endpoints), below the usual begin of the ephemeral range at 32,768.
constexpr std::uint16_t kPorts = 16'000;
/// Draws of a base port before giving up. Each draw may meet the ports of another run on this machine.
constexpr int kTries = 200;

std::uint16_t port_of(const std::string& endpoint) {
    return static_cast<std::uint16_t>(std::stoul(endpoint.substr(endpoint.find(':') + 1)));
}

/// True when a listener can bind the port right now. Another program may still take the port before the node does.
bool is_free(const std::string& endpoint) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_of(endpoint));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return bound;
}

/// A basic string of TOML, with quotes and backslashes escaped.
std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        out.append(c == '"' || c == '\\' ? "\\" : "").push_back(c);
    }
    return out + "\"";
}

/// Endpoints in a private network. Each node has an address of its own, so all nodes have equal ports. The admin
/// listeners are on Unix sockets in `directory`: off loopback a listener would want a token.
std::vector<cli::Endpoints> own_endpoints(std::uint32_t nodes, const std::string& directory) {
    std::vector<cli::Endpoints> out;
    for (std::uint32_t node = 1; node <= nodes; ++node) {
        const std::string address = PrivateNetwork::address(node);
        out.push_back({address + ":6001", address + ":7001", address + ":7002",
                       "unix:" + directory + "/n" + std::to_string(node) + ".sock"});
    }
    return out;
}

/// Endpoints on loopback from a base port drawn at random, so that runs on a single machine seldom meet. Throws
/// std::runtime_error when no draw finds free ports.
std::vector<cli::Endpoints> free_endpoints(std::uint32_t nodes) {
    std::random_device random;
    for (int i = 0; i < kTries; ++i) {
        const auto base = static_cast<std::uint16_t>(kFirstPort + random() % kPorts);
        std::vector<cli::Endpoints> out;
        for (std::uint32_t node = 0; node < nodes; ++node) {
            const cli::Endpoints endpoints = cli::planned_endpoints(base, node);
            if (is_free(endpoints.listen) && is_free(endpoints.mesh) && is_free(endpoints.mesh_data) &&
                is_free(endpoints.admin)) {
                out.push_back(endpoints);
            }
        }
        if (out.size() == nodes) {
            return out;
        }
    }
    throw std::runtime_error("no free ports");
}

/// The configuration of all nodes, without the keys. The app stands there as a node has a ready-made app only on
/// loopback. Webhooks go to the backend of this program, on a private address; a short vacated_hold lets
/// channel_vacated arrive before the rest of the run ends.
std::string settings_of(const ClusterOptions& options) {
    return "[[apps]]\nid = " + quoted(options.app_id) + "\nkey = " + quoted(options.app_key) +
           "\nsecret = " + quoted(options.app_secret) + "\n[[apps.webhooks]]\nurl = " + quoted(options.hooks) +
           "\nevent_types = [\"channel_occupied\", \"channel_vacated\"]\n"
           "channel_name_starts_with = \"hook-chaos-\"\n"
           "[webhooks]\nallow_private_addresses = true\nvacated_hold = \"1s\"\n";
}

}  // namespace

Cluster::Cluster(const ClusterOptions& options, const cli::Signals& signals, Recorder& recorder)
    : signals_(signals), recorder_(recorder), network_(options.network), nodes_(options.nodes) {
    // A mesh already there: addresses are all that the run needs.
    if (!options.running.empty()) {
        for (std::uint32_t i = 0; i < options.nodes; ++i) {
            nodes_[i].plan.endpoints = options.running.at(i);
        }
        return;
    }
    program_ = cli::find_tulled(options.tulled);
    config_ = scratch_.path() + "/node.toml";
    settings_ = settings_of(options);
    key_ = make_key();
    write_config({key_});
    const std::vector<cli::Endpoints> endpoints =
        network_ != nullptr ? own_endpoints(options.nodes, scratch_.path()) : free_endpoints(options.nodes);
    up_.cluster = "chaos";
    for (std::uint32_t i = 0; i < options.nodes; ++i) {
        cli::NodePlan& plan = nodes_[i].plan;
        plan.name = "n" + std::to_string(i + 1);
        plan.endpoints = endpoints[i];
        plan.ports_file = scratch_.path() + "/" + plan.name + ".json";
        // All nodes know the seeds alone as peers, so the `seeds` fault takes away everything that a newcomer can ask.
        for (std::uint32_t seed = 0; seed < std::min(kSeeds, options.nodes); ++seed) {
            if (seed != i) {
                plan.peers.push_back(endpoints[seed].mesh);
            }
        }
        if (!options.logs.empty()) {
            std::filesystem::create_directories(options.logs);
            nodes_[i].log.open(options.logs + "/" + plan.name + ".log", std::ios::trunc);
        }
    }
}

Cluster::~Cluster() {
    for (Node& node : nodes_) {
        if (node.child) {
            node.child->send(SIGKILL);
            ::waitpid(node.child->pid(), nullptr, 0);
        }
    }
}

void Cluster::start(std::uint32_t number) {
    Node& node = at(number);
    if (node.child) {
        return;
    }
    // The start is recorded even for a mesh already there: the judge needs a process for each node.
    record(EventKind::kStart, number);
    node.leaving = false;
    if (program_.empty()) {
        return;
    }
    node.child = launch(number);
}

std::unique_ptr<cli::Child> Cluster::launch(std::uint32_t number) const {
    std::vector<std::string> arguments = cli::tulled_arguments(up_, at(number).plan);
    arguments.insert(arguments.end(), {"--config", config_});
    // Nodes with odd numbers run the hub on the shard's thread, nodes with even numbers on a thread of its own: a mesh
    // has both.
    arguments.insert(arguments.end(), {"--hub", number % 2 == 1 ? "shard" : "thread"});
    if (network_ == nullptr) {
        return std::make_unique<cli::Child>(program_, arguments, signals_, false);
    }
    // The admin port of a private network is off loopback and without protection; a node refuses such a port unless
    // told to.
    arguments.emplace_back("--insecure-mesh");
    const PrivateNetwork::Inside inside(*network_, number);
    return std::make_unique<cli::Child>(program_, arguments, signals_, false);
}

Cluster::KeyFile Cluster::make_key() {
    const mesh::MeshKey key = mesh::MeshKey::make();
    KeyFile made{key.id(), scratch_.path() + "/mesh-" + std::to_string(++keys_made_) + ".key"};
    mesh::write_key_file(made.file, key);
    return made;
}

void Cluster::give_keys(const std::vector<KeyFile>& keys) {
    key_ = keys.at(0);
    write_config(keys);
    for (const Node& node : nodes_) {
        if (node.child) {
            node.child->send(SIGHUP);
        }
    }
}

// A node that starts at this moment reads the former file or the new one.
void Cluster::write_config(const std::vector<KeyFile>& keys) const {
    std::string files;
    for (const KeyFile& key : keys) {
        files += (files.empty() ? "" : ", ") + quoted(key.file);
    }
    const std::string next = config_ + ".next";
    std::ofstream file(next, std::ios::trunc);
    file << "mesh_keys = [" << files << "]\n" << settings_;
    file.close();
    if (!file) {
        throw std::runtime_error(next + " cannot be written");
    }
    std::filesystem::rename(next, config_);
}

// All signals go out before any wait: the nodes are to die together.
void Cluster::kill(const std::vector<std::uint32_t>& nodes) {
    for (const std::uint32_t number : nodes) {
        if (is_running(number)) {
            record(EventKind::kEnd, number, "kill");
            ++kills_;
            at(number).child->send(SIGKILL);
        }
    }
    // The system closes the connections of a process only at the end of the process. On a busy machine the end may come
    // seconds after the signal, so the moment is recorded by itself.
    for (const std::uint32_t number : nodes) {
        Node& node = at(number);
        if (node.child) {
            ::waitpid(node.child->pid(), nullptr, 0);
            record(EventKind::kReaped, number);
            take_output(node);
            node.child.reset();
        }
    }
}

void Cluster::stop(std::uint32_t number) {
    if (is_running(number)) {
        record(EventKind::kStop, number);
        at(number).child->send(SIGSTOP);
    }
}

void Cluster::resume(std::uint32_t number) {
    if (is_running(number)) {
        at(number).child->send(SIGCONT);
        record(EventKind::kContinue, number);
    }
}

void Cluster::reset_connections(std::uint32_t number) {
    const cli::Endpoints& endpoints = at(number).plan.endpoints;
    // `ss` sees only the connections of the namespace in which `ss` runs.
    std::optional<PrivateNetwork::Inside> inside;
    if (network_ != nullptr) {
        inside.emplace(*network_, number);
    }
    chaos::reset_connections({port_of(endpoints.mesh), port_of(endpoints.mesh_data)}, signals_);
}

void Cluster::note_memory() {
    static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    for (std::uint32_t number = 1; number <= nodes_.size(); ++number) {
        if (!is_running(number)) {
            continue;
        }
        std::ifstream file("/proc/" + std::to_string(at(number).child->pid()) + "/statm");
        std::uint64_t size = 0;
        Event event;
        // The second number of statm is the resident memory, in pages.
        if (file >> size >> event.number) {
            event.kind = EventKind::kMemory;
            event.node = number;
            event.number *= page;
            recorder_.add(std::move(event));
        }
    }
}

void Cluster::ask_to_leave(std::uint32_t number) {
    if (is_running(number)) {
        at(number).leaving = true;
        at(number).child->send(SIGTERM);
    }
}

void Cluster::turn(Duration timeout) {
    // The descriptors are gathered at each turn: processes come and go.
    std::vector<pollfd> fds{{signals_.fd(), POLLIN, 0}};
    for (const Node& node : nodes_) {
        if (node.child && node.child->fd() >= 0) {
            fds.push_back({node.child->fd(), POLLIN, 0});
        }
    }
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(std::max(timeout, Duration::zero()));
    ::poll(fds.data(), fds.size(), static_cast<int>(wait.count()));
    for (Node& node : nodes_) {
        take_output(node);
    }
    reap();
}

void Cluster::reap() {
    for (std::uint32_t number = 1; number <= nodes_.size(); ++number) {
        Node& node = at(number);
        int status = 0;
        if (node.child && ::waitpid(node.child->pid(), &status, WNOHANG) == node.child->pid()) {
            // Only an orderly exit after SIGTERM is a leave. Everything else counts as the process's own end and
            // violates UP.
            const bool left = node.leaving && WIFEXITED(status) && WEXITSTATUS(status) == 0;
            record(EventKind::kEnd, number, left ? "leave" : "exit");
            take_output(node);
            node.child.reset();
        }
    }
}

void Cluster::take_output(Node& node) {
    if (!node.child || node.child->fd() < 0) {
        return;
    }
    for (const std::string& line : node.child->read_lines()) {
        if (node.log.is_open()) {
            node.log << line << "\n";
        }
    }
    node.log.flush();
}

void Cluster::record(EventKind kind, std::uint32_t node, const std::string& text) {
    Event event;
    event.kind = kind;
    event.node = node;
    event.text = text;
    recorder_.add(std::move(event));
}

}  // namespace tulle::chaos
