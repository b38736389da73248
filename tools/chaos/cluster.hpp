#pragma once

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tools/chaos/private_network.hpp"
#include "tools/chaos/recorder.hpp"
#include "tools/cli/child.hpp"
#include "tools/cli/launcher.hpp"
#include "tools/cli/signals.hpp"
#include "tools/cli/up_plan.hpp"

namespace tulle::chaos {

/// How the nodes of a run are found or started.
struct ClusterOptions {
    /// At least 1. With `running` not empty, the number of entries there.
    std::uint32_t nodes = 5;
    /// Path of the node program. Empty: the program beside this program.
    std::string tulled;
    /// The nodes of a mesh already there. Not empty: the Cluster starts nothing and ends nothing.
    std::vector<cli::Endpoints> running;
    /// A directory for the nodes' output, created when absent. Empty: the output is dropped.
    std::string logs;
    /// The app that every started node serves; see write_config().
    std::string app_id;
    std::string app_key;
    std::string app_secret;
    /// URL of the backend for webhooks. Unused for a mesh already there.
    std::string hooks;
    /// Where the nodes live; must outlive the Cluster. Null: on loopback.
    const PrivateNetwork* network = nullptr;
};

/// The processes of a mesh, named n1, n2… Each node has ports of its own, shared by all incarnations of the node, so
/// that a new process is reachable at the addresses of the dead process.
///
/// Order:  every action on a process is recorded: an action that takes something away is recorded beforehand, an action
///         that gives something back afterwards. The judge therefore never holds a node liable for a moment at which
///         the node may already be gone.
/// Thread: the main thread only. The system kills a child when the thread that started the child ends.
/// Errors: throws std::exception when a process cannot be started, and std::out_of_range for a node number beyond the
///         mesh.
class Cluster {
public:
    /// Picks addresses and writes the configuration; starts no process. `signals` and `recorder` must outlive the
    /// Cluster. Throws std::runtime_error without a node program or without free ports.
    Cluster(const ClusterOptions& options, const cli::Signals& signals, Recorder& recorder);
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;
    /// Kills all processes still running and waits for their ends.
    ~Cluster();

    /// Nodes count from 1. An action on a node without a process does nothing.
    ///
    /// Starts a process of the node; does nothing when a process runs already.
    void start(std::uint32_t node);
    /// Sends SIGKILL to all given nodes first, then waits until the system has ended each. The kills are thus
    /// simultaneous.
    void kill(const std::vector<std::uint32_t>& nodes);
    /// Freezes the process (SIGSTOP).
    void stop(std::uint32_t node);
    /// Thaws the process (SIGCONT).
    void resume(std::uint32_t node);
    /// Records the resident memory of each running process, in bytes.
    void note_memory();
    /// Processes killed so far by kill().
    [[nodiscard]] std::uint32_t kills() const { return kills_; }
    /// A mesh key: its id, and the file that holds the key.
    struct KeyFile {
        std::string id;
        std::string file;
    };
    /// Makes a key that no node has yet.
    [[nodiscard]] KeyFile make_key();
    [[nodiscard]] const KeyFile& key() const { return key_; }
    /// Gives all nodes these keys, the key in use first: those that run by a reload, and those that start later by the
    /// configuration. REQUIRES: the mesh was started here, and every process is up, as SIGHUP ends a process that has
    /// only begun.
    void give_keys(const std::vector<KeyFile>& keys);
    /// Resets the TCP connections to the node's mesh ports. Connections that the node itself opened to peers stay.
    void reset_connections(std::uint32_t node);
    /// Sends SIGTERM. turn() notices the end of the process and records "leave" for an exit status of 0.
    void ask_to_leave(std::uint32_t node);
    /// True from start() until the end of the process is noticed. False for every node of a mesh already there.
    [[nodiscard]] bool is_running(std::uint32_t node) const { return at(node).child != nullptr; }
    /// Valid as long as the Cluster lives.
    [[nodiscard]] const cli::Endpoints& endpoints(std::uint32_t node) const { return at(node).plan.endpoints; }

    /// Waits up to `timeout` for a signal or for the output of a node, takes the output and notices processes that have
    /// ended.
    void turn(Duration timeout);

private:
    /// A place in the mesh; the process behind the place changes.
    struct Node {
        cli::NodePlan plan;
        /// Null while no process runs.
        std::unique_ptr<cli::Child> child;
        /// True after SIGTERM: an exit with status 0 then counts as a leave.
        bool leaving = false;
        std::ofstream log;
    };

    [[nodiscard]] const Node& at(std::uint32_t node) const { return nodes_.at(node - 1); }
    [[nodiscard]] Node& at(std::uint32_t node) { return nodes_.at(node - 1); }
    /// Starts a process, within the node's namespace if a network is given.
    [[nodiscard]] std::unique_ptr<cli::Child> launch(std::uint32_t node) const;
    /// Writes the configuration file shared by all nodes: `config_`.
    void write_config(const std::vector<KeyFile>& keys) const;
    /// Notices processes that have ended by themselves or by SIGTERM.
    void reap();
    /// Copies whole lines of output to the node's log.
    void take_output(Node& node);
    void record(EventKind kind, std::uint32_t node, const std::string& text = {});

    const cli::Signals& signals_;
    Recorder& recorder_;
    cli::ScratchDirectory scratch_;
    cli::UpOptions up_;
    const PrivateNetwork* network_;
    /// Empty for a mesh already there.
    std::string program_;
    std::string config_;
    /// The configuration without the keys, as TOML.
    std::string settings_;
    /// The key in use.
    KeyFile key_;
    std::uint32_t keys_made_ = 0;
    std::uint32_t kills_ = 0;
    std::vector<Node> nodes_;
};

}  // namespace tulle::chaos
