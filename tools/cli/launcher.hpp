#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/child.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/signals.hpp"
#include "tools/cli/up_plan.hpp"

namespace tulle::cli {

/// A directory that goes with its owner, and what is in it.
class ScratchDirectory {
public:
    ScratchDirectory();
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    ~ScratchDirectory();
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// Starts the nodes of one mesh, hands their logs on with their names in front, and stops them all.
///
/// Starting: with given ports all at once, each with all the others as peers; with free ports the first one first,
/// since
///           the others must be told where it is. Up means that every node says so at /ready.
/// Stopping: SIGTERM, and SIGKILL at a second signal, a second later at the earliest, or after kStopTimeout. A node
///           that dies before all are up ends the start; one that dies later is reported, and the others go on.
/// Thread:   one; single-threaded process.
class Launcher {
public:
    explicit Launcher(const UpOptions& options);

    /// Until all nodes have ended.
    [[nodiscard]] int run();

private:
    enum class Stage { kStarting, kUp, kStopping };
    struct Node {
        NodePlan plan;
        std::unique_ptr<Child> child;
        bool bound = false;
        bool ready = false;
        bool ended = false;
    };
    using Clock = std::chrono::steady_clock;

    void start_those_that_can();
    void start(std::size_t index);
    void look_for_progress();
    void announce();
    void wait_for_something();
    void on_signals();
    void reap();
    void on_end(Node& node, int status);
    void print_lines(std::size_t index);
    void stop(int exit_code);
    void on_deadline();
    [[nodiscard]] bool all_ended() const;
    [[nodiscard]] int poll_timeout() const;

    const UpOptions& options_;
    Signals signals_;
    ScratchDirectory scratch_;
    std::string program_;
    std::vector<Node> nodes_;
    Stage stage_ = Stage::kStarting;
    Clock::time_point deadline_;
    int exit_code_ = 0;
    bool tty_ = false;
    bool colour_ = false;
};

}  // namespace tulle::cli
