#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/child.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/demo_orders.hpp"
#include "tools/cli/signals.hpp"
#include "tools/cli/up_plan.hpp"

namespace tulle::cli {

/// A temporary directory. The destructor removes the directory and its contents.
class ScratchDirectory {
public:
    /// Makes the directory. Throws std::system_error.
    ScratchDirectory();
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    ~ScratchDirectory();
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// Starts the nodes of a mesh, prints their logs with their names in front, and stops them all.
///
/// Starting: with given ports all nodes start at once, each with all others as peers. With free ports the first node
/// starts first, because the other nodes must be told the address of the first. The mesh is up when every node says so
/// at /ready.
///
/// Stopping: SIGTERM to all nodes. SIGKILL follows after kStopTimeout, or at a second signal, a second later at the
/// earliest. A node that dies before all are up ends the start; a node that dies later is reported, and the others go
/// on. While the mesh of a demonstration is up, the page's orders kill nodes and start ended nodes again.
///
/// Thread: one, in a process with a single thread.
/// Errors: the constructor and run() throw std::exception for a port in use and for a program that cannot be run.
class Launcher {
public:
    /// Finds the program and checks that given ports are free. Without a mesh key in `options`, makes one in
    /// the temporary directory.
    explicit Launcher(const UpOptions& options);

    /// Starts the nodes, and returns the exit code when all nodes have ended.
    [[nodiscard]] int run();

private:
    /// kUp: all nodes are ready. kStopping: all nodes have been told to stop.
    enum class Stage { kStarting, kUp, kStopping };
    /// A node: its plan, its process, and its progress. `bound`: the ports file is there. `ready`: /ready has said yes.
    /// `doomed`: killed by an order.
    struct Node {
        NodePlan plan;
        std::unique_ptr<Child> child;
        bool bound = false;
        bool ready = false;
        bool doomed = false;
        bool ended = false;
    };
    using Clock = std::chrono::steady_clock;

    /// Starts all nodes with known addresses of their peers.
    void start_those_that_can();
    /// Starts a node.
    void start(std::size_t index);
    /// Looks at the ports files and at /ready of the nodes that are starting.
    void look_for_progress();
    /// Prints the addresses of the running nodes.
    void announce();
    /// Waits for output, a signal, an order, or the next deadline.
    void wait_for_something();
    /// Takes all signals that have come.
    void on_signals();
    /// Carries out the orders of the demonstration page that have come.
    void on_orders();
    /// Starts a node that has ended, with the addresses that the node had.
    void start_again(std::size_t index);
    /// Takes the exit statuses of nodes that have ended.
    void reap();
    /// Reports the end of a node, and stops the others if the start has failed.
    void on_end(Node& node, int status);
    /// Prints the lines of a node's log that have come.
    void print_lines(std::size_t index);
    /// Tells all nodes to stop.
    void stop(int exit_code);
    /// Acts when the time for starting or stopping is over.
    void on_deadline();
    [[nodiscard]] bool all_ended() const;
    /// Milliseconds for poll(); -1 for no limit.
    [[nodiscard]] int poll_timeout() const;

    UpOptions options_;
    Signals signals_;
    ScratchDirectory scratch_;
    std::string program_;
    std::vector<Node> nodes_;
    /// Nothing without the demonstration.
    std::optional<DemoOrders> orders_;
    Stage stage_ = Stage::kStarting;
    /// The end of the start, then the end of the stop. Not used while the mesh is up.
    Clock::time_point deadline_;
    int exit_code_ = 0;
    /// True when the logs go to a terminal: the nodes then write for people.
    bool tty_ = false;
    bool colour_ = false;
};

}  // namespace tulle::cli
