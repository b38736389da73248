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
#include <random>
#include <stdexcept>

#include "tools/chaos/resets.hpp"

namespace tulle::chaos {
namespace {

/// Below the ports that the system gives to outgoing connections: one of those could hold a port of a node that is away
/// for a moment.
constexpr std::uint16_t kFirstPort = 10'000;
constexpr std::uint16_t kPorts = 16'000;
constexpr int kTries = 200;
constexpr std::uint32_t kSeeds = 2;

std::uint16_t port_of(const std::string& endpoint) {
    return static_cast<std::uint16_t>(std::stoul(endpoint.substr(endpoint.find(':') + 1)));
}

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

}  // namespace

Cluster::Cluster(const ClusterOptions& options, const cli::Signals& signals, Recorder& recorder)
    : signals_(signals), recorder_(recorder), nodes_(options.nodes) {
    if (!options.running.empty()) {
        for (std::uint32_t i = 0; i < options.nodes; ++i) {
            nodes_[i].plan.endpoints = options.running.at(i);
        }
        return;
    }
    program_ = cli::find_tulled(options.tulled);
    const std::vector<cli::Endpoints> endpoints = free_endpoints(options.nodes);
    up_.cluster = "chaos";
    for (std::uint32_t i = 0; i < options.nodes; ++i) {
        cli::NodePlan& plan = nodes_[i].plan;
        plan.name = "n" + std::to_string(i + 1);
        plan.endpoints = endpoints[i];
        plan.ports_file = scratch_.path() + "/" + plan.name + ".json";
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
    record(EventKind::kStart, number);
    node.leaving = false;
    if (program_.empty()) {
        return;
    }
    node.child = std::make_unique<cli::Child>(program_, cli::tulled_arguments(up_, node.plan), signals_, false);
}

void Cluster::kill(const std::vector<std::uint32_t>& nodes) {
    for (const std::uint32_t number : nodes) {
        if (is_running(number)) {
            record(EventKind::kEnd, number, "kill");
            at(number).child->send(SIGKILL);
        }
    }
    for (const std::uint32_t number : nodes) {
        Node& node = at(number);
        if (node.child) {
            ::waitpid(node.child->pid(), nullptr, 0);
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
    chaos::reset_connections({port_of(endpoints.mesh), port_of(endpoints.mesh_data)}, signals_);
}

void Cluster::ask_to_leave(std::uint32_t number) {
    if (is_running(number)) {
        at(number).leaving = true;
        at(number).child->send(SIGTERM);
    }
}

void Cluster::turn(Duration timeout) {
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
