// The launcher is a loop on a single thread. Each turn waits in poll() for output of a node, for a signal or for the
// next deadline; then the turn takes signals and orders of the demonstration page, prints the lines that have come,
// takes exit statuses, and, during the start, looks at ports files and at /ready. The stage decides about everything
// else: a node that ends is a failure while the mesh is starting, news while the mesh is up, and expected while the
// mesh is stopping.

#include "tools/cli/launcher.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "mesh/keys/key_file.hpp"
#include "tools/cli/admin.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/terminal.hpp"

namespace tulle::cli {
namespace {

/// The path by which the reader can call this program from the current directory.
std::string own_path() {
    std::error_code error;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
    const std::filesystem::path near = std::filesystem::proximate(program, error);
    return near.empty() || *near.begin() == ".." ? program.string() : near.string();
}

// Longer than a node usually takes to say goodbye to clients, webhooks and mesh. A node that still runs then is killed.
constexpr std::chrono::seconds kStopTimeout{20};
// A single wish to stop often comes as several signals within a moment.
constexpr std::chrono::seconds kEcho{1};
// Time for an answer to /ready. The launcher does nothing else meanwhile.
constexpr std::chrono::milliseconds kReadyTimeout{500};
/// How often nodes that are starting are looked at.
constexpr std::chrono::milliseconds kLookInterval{20};

/// Throws std::runtime_error when the port of `endpoint` is in use. The check is made here, because a node shares its
/// port among its threads (SO_REUSEPORT), so a port of another node would not stop the node.
void require_free(const std::string& endpoint, const std::string& name) {
    const auto port = static_cast<std::uint16_t>(std::stoul(endpoint.substr(endpoint.find(':') + 1)));
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        throw std::system_error(errno, std::generic_category(), "socket");
    }
    // SO_REUSEADDR: connections of an earlier run in TIME_WAIT do not count as use.
    const int one = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int result = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    ::close(fd);
    if (result != 0) {
        throw std::runtime_error("port " + std::to_string(port) + ", meant for " + name +
                                 ", cannot be had: " + std::generic_category().message(error));
    }
}

}  // namespace

ScratchDirectory::ScratchDirectory() {
    path_ = (std::filesystem::temp_directory_path() / "tulle-up-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) {
        throw std::system_error(errno, std::generic_category(), "cannot make a directory " + path_);
    }
}

ScratchDirectory::~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Launcher::Launcher(const UpOptions& options)
    : options_(options),
      signals_({SIGINT, SIGTERM, SIGHUP, SIGCHLD}),
      program_(find_tulled(options.tulled)),
      nodes_(static_cast<std::size_t>(options.nodes)),
      deadline_(Clock::now() + options.timeout),
      tty_(isatty(STDERR_FILENO) == 1),
      colour_(use_colour(STDERR_FILENO)) {
    if (options_.mesh_key.empty()) {
        options_.mesh_key = scratch_.path() + "/mesh.key";
        mesh::write_key_file(options_.mesh_key, mesh::MeshKey::make());
    }
    if (options_.demo) {
        orders_.emplace();
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        NodePlan& plan = nodes_[i].plan;
        plan.name = "n" + std::to_string(i + 1);
        plan.endpoints = planned_endpoints(options.base_port, i);
        plan.ports_file = scratch_.path() + "/" + plan.name + ".json";
        plan.demo_orders = orders_ ? orders_->node_end() : -1;
        if (options.base_port) {
            for (const std::string& endpoint :
                 {plan.endpoints.listen, plan.endpoints.mesh, plan.endpoints.mesh_data, plan.endpoints.admin}) {
                require_free(endpoint, plan.name);
            }
        }
    }
}

int Launcher::run() {
    start_those_that_can();
    while (!all_ended()) {
        wait_for_something();
        on_signals();
        on_orders();
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            // Lines come before exit statuses, so that the last words of a node stand before the report of its end.
            print_lines(i);
        }
        reap();
        if (stage_ == Stage::kStarting) {
            look_for_progress();
        }
        on_deadline();
    }
    return exit_code_;
}

void Launcher::start_those_that_can() {
    // All addresses are known before the start.
    if (options_.base_port) {
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            for (std::size_t j = 0; j < nodes_.size(); ++j) {
                if (j != i) {
                    nodes_[i].plan.peers.push_back(nodes_[j].plan.endpoints.mesh);
                }
            }
            start(i);
        }
        return;
    }
    // The first node has a free port, known only from its ports file. The others join the mesh through the first.
    if (!nodes_.front().child) {
        start(0);
    }
    for (std::size_t i = 1; nodes_.front().bound && i < nodes_.size(); ++i) {
        if (!nodes_[i].child) {
            nodes_[i].plan.peers = {nodes_.front().plan.endpoints.mesh};
            start(i);
        }
    }
}

void Launcher::start(std::size_t index) {
    Node& node = nodes_[index];
    node.child = std::make_unique<Child>(program_, tulled_arguments(options_, node.plan), signals_, tty_);
}

void Launcher::look_for_progress() {
    for (Node& node : nodes_) {
        if (node.child && !node.bound) {
            // The ports file appears in a single step, once the node has bound all addresses.
            if (const std::optional<Endpoints> endpoints = read_ports_file(node.plan.ports_file)) {
                node.plan.endpoints = *endpoints;
                node.bound = true;
            }
        }
        if (node.bound && !node.ready) {
            const client::Exchange answer = Admin(node.plan.endpoints.admin, kReadyTimeout).get("/ready");
            node.ready = answer.outcome == client::ExchangeOutcome::kAnswered && answer.status == 200;
        }
    }
    if (!options_.base_port) {
        start_those_that_can();
    }
    if (std::all_of(nodes_.begin(), nodes_.end(), [](const Node& node) { return node.ready; })) {
        stage_ = Stage::kUp;
        announce();
    }
}

void Launcher::announce() {
    std::vector<RunningNode> running;
    for (const Node& node : nodes_) {
        running.push_back({node.plan.name, static_cast<int>(node.child->pid()), node.plan.endpoints});
    }
    std::cout << (options_.json ? announcement_json(running, options_.demo)
                                : announcement_text(running, options_.demo, own_path()))
              << std::flush;
}

void Launcher::wait_for_something() {
    std::vector<pollfd> fds{{signals_.fd(), POLLIN, 0}};
    for (const Node& node : nodes_) {
        if (node.child && node.child->fd() >= 0) {
            fds.push_back({node.child->fd(), POLLIN, 0});
        }
    }
    if (orders_) {
        fds.push_back({orders_->fd(), POLLIN, 0});
    }
    ::poll(fds.data(), fds.size(), poll_timeout());
}

void Launcher::on_signals() {
    // Several signals may have come in a single turn.
    while (const std::optional<int> signal = signals_.next()) {
        // reap() looks for nodes that have ended, whatever the signal.
        if (*signal == SIGCHLD) {
            continue;
        }
        if (stage_ == Stage::kStopping) {
            // The deadline tells when the stop began. A wish within kEcho after the beginning is the first wish again.
            const bool is_echo = Clock::now() < deadline_ - kStopTimeout + kEcho;
            deadline_ = is_echo ? deadline_ : Clock::now();
        } else {
            std::cerr << "tulle: stopping\n";
            stop(kOk);
        }
    }
}

void Launcher::on_orders() {
    if (!orders_) {
        return;
    }
    for (const DemoOrder& order : orders_->next()) {
        const auto node =
            std::find_if(nodes_.begin(), nodes_.end(), [&](const Node& one) { return one.plan.name == order.node; });
        if (node == nodes_.end() || stage_ != Stage::kUp || node->ended != order.is_start) {
            std::cerr << "tulle: the page's order to " << (order.is_start ? "start " : "kill ") << order.node
                      << " cannot be carried out now\n";
            continue;
        }
        const auto living =
            std::count_if(nodes_.begin(), nodes_.end(), [](const Node& one) { return !one.ended && !one.doomed; });
        if (order.is_start) {
            start_again(static_cast<std::size_t>(node - nodes_.begin()));
        } else if (living > 1 && !node->doomed) {
            // The last node stays, as its end would be the end of this program.
            node->child->send(SIGKILL);
            node->doomed = true;
        }
    }
}

void Launcher::start_again(std::size_t index) {
    Node& node = nodes_[index];
    node.plan.peers.clear();
    for (const Node& other : nodes_) {
        if (&other != &node) {
            node.plan.peers.push_back(other.plan.endpoints.mesh);
        }
    }
    try {
        start(index);
    } catch (const std::exception& error) {
        std::cerr << "tulle: " << node.plan.name << " cannot be started: " << error.what() << "\n";
        return;
    }
    node.ended = false;
    node.doomed = false;
    std::cerr << "tulle: " << node.plan.name << " is started again (pid " << node.child->pid() << ")\n";
}

void Launcher::reap() {
    for (Node& node : nodes_) {
        int status = 0;
        if (node.child && !node.ended && ::waitpid(node.child->pid(), &status, WNOHANG) == node.child->pid()) {
            on_end(node, status);
        }
    }
}

void Launcher::on_end(Node& node, int status) {
    // The lines from before the end may not have been read yet.
    print_lines(static_cast<std::size_t>(&node - nodes_.data()));
    node.ended = true;
    if (stage_ == Stage::kStopping) {
        return;
    }
    std::cerr << "tulle: " << node.plan.name << " (pid " << node.child->pid() << ") " << describe_wait_status(status);
    if (stage_ == Stage::kStarting) {
        std::cerr << " before all were up; see its log above\n";
        stop(kFailed);
    } else if (all_ended()) {
        std::cerr << "; it was the last one\n";
        exit_code_ = kFailed;
    } else {
        std::cerr << "; the others go on\n";
    }
}

void Launcher::print_lines(std::size_t index) {
    const Node& node = nodes_[index];
    if (!node.child || node.child->fd() < 0) {
        return;
    }
    const std::string prefix = colour_ ? coloured(node.plan.name, index) : node.plan.name;
    for (const std::string& line : node.child->read_lines()) {
        std::cerr << prefix << " | " << line << "\n";
    }
}

void Launcher::stop(int exit_code) {
    exit_code_ = exit_code;
    stage_ = Stage::kStopping;
    deadline_ = Clock::now() + kStopTimeout;
    for (const Node& node : nodes_) {
        if (node.child && !node.ended) {
            node.child->send(SIGTERM);
        }
    }
}

void Launcher::on_deadline() {
    if (stage_ == Stage::kUp || Clock::now() < deadline_) {
        return;
    }
    if (stage_ == Stage::kStarting) {
        for (const Node& node : nodes_) {
            if (!node.ready) {
                std::cerr << "tulle: " << node.plan.name << " is not ready after "
                          << std::chrono::duration<double>(options_.timeout).count() << " s\n";
            }
        }
        stop(kFailed);
        return;
    }
    for (const Node& node : nodes_) {
        if (node.child && !node.ended) {
            std::cerr << "tulle: " << node.plan.name << " does not stop and is killed\n";
            node.child->send(SIGKILL);
        }
    }
    // A killed node ends soon, but not at once.
    deadline_ = Clock::now() + kStopTimeout;
}

bool Launcher::all_ended() const {
    return std::all_of(nodes_.begin(), nodes_.end(), [](const Node& node) { return !node.child || node.ended; });
}

int Launcher::poll_timeout() const {
    if (stage_ == Stage::kUp) {
        return -1;
    }
    if (stage_ == Stage::kStarting) {
        return static_cast<int>(kLookInterval.count());
    }
    // Rounding up keeps poll() from returning just before the deadline again and again.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
}

int run_up(const UpOptions& options) {
    return Launcher(options).run();
}

}  // namespace tulle::cli
