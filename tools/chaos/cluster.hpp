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

struct ClusterOptions {
    std::uint32_t nodes = 5;
    std::string tulled;                   ///< empty: beside this program
    std::vector<cli::Endpoints> running;  ///< of a mesh that is there already: nothing is started or ended
    std::string logs;                     ///< a directory for what the nodes write; empty: nowhere
    std::string app_id;
    std::string app_key;
    std::string app_secret;
    std::string hooks;                        ///< URL of the backend for webhooks; not for a mesh that is there already
    const PrivateNetwork* network = nullptr;  ///< where the nodes live; null: on loopback
};

/// The processes of a mesh, n1, n2…, each with ports of its own that all its incarnations use. Everything that is done
/// to a process is recorded: before it is done where it takes something away, afterwards where it gives it back.
///
/// Thread: the main one only, as children die with the thread that started them.
/// Errors: throws std::exception when a process cannot be started.
class Cluster {
public:
    Cluster(const ClusterOptions& options, const cli::Signals& signals, Recorder& recorder);
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;
    /// Kills what is left.
    ~Cluster();

    /// Nodes count from 1. What is done to a process that is not there does nothing.
    void start(std::uint32_t node);
    void kill(const std::vector<std::uint32_t>& nodes);
    void stop(std::uint32_t node);
    void resume(std::uint32_t node);
    /// Records how much memory each process has.
    void note_memory();
    [[nodiscard]] std::uint32_t kills() const { return kills_; }
    /// What others have connected to its mesh ports.
    void reset_connections(std::uint32_t node);
    /// SIGTERM; reap() finds its end.
    void ask_to_leave(std::uint32_t node);
    [[nodiscard]] bool is_running(std::uint32_t node) const { return at(node).child != nullptr; }
    [[nodiscard]] const cli::Endpoints& endpoints(std::uint32_t node) const { return at(node).plan.endpoints; }

    /// Waits for a signal or for the output of a node, takes the output and finds processes that have ended.
    void turn(Duration timeout);

private:
    struct Node {
        cli::NodePlan plan;
        std::unique_ptr<cli::Child> child;
        bool leaving = false;
        std::ofstream log;
    };

    [[nodiscard]] const Node& at(std::uint32_t node) const { return nodes_.at(node - 1); }
    [[nodiscard]] Node& at(std::uint32_t node) { return nodes_.at(node - 1); }
    [[nodiscard]] std::unique_ptr<cli::Child> launch(std::uint32_t node) const;
    [[nodiscard]] std::string write_config(const ClusterOptions& options) const;
    void reap();
    void take_output(Node& node);
    void record(EventKind kind, std::uint32_t node, const std::string& text = {});

    const cli::Signals& signals_;
    Recorder& recorder_;
    cli::ScratchDirectory scratch_;
    cli::UpOptions up_;
    const PrivateNetwork* network_;
    std::string program_;
    std::string config_;
    std::uint32_t kills_ = 0;
    std::vector<Node> nodes_;
};

}  // namespace tulle::chaos
