#pragma once

#include <memory>
#include <vector>

#include "tools/chaos/cluster.hpp"
#include "tools/chaos/command.hpp"
#include "tools/chaos/hook_sink.hpp"
#include "tools/chaos/load.hpp"
#include "tools/chaos/plan.hpp"
#include "tools/chaos/private_network.hpp"
#include "tools/chaos/progress.hpp"
#include "tools/chaos/recorder.hpp"
#include "tools/chaos/users.hpp"
#include "tools/chaos/watcher.hpp"
#include "tools/cli/keys_report.hpp"
#include "tools/cli/signals.hpp"

namespace tulle::chaos {

/// A single run: starts the mesh and the load, does the faults of the plan in sequence, lets the mesh come to rest, and
/// stops the load. Tells on standard error how far the run is. The nodes end with the Runner.
///
/// Thread: the main thread. Clients, publishers and watchers have threads of their own, all ended when run() returns.
///         The thread of the webhook backend ends with the Runner.
/// Errors: throws std::exception when nodes or the webhook backend cannot be started.
class Runner {
public:
    /// `running` and `network` as in ClusterOptions. `options`, `network` and `signals` must outlive the Runner.
    Runner(const ChaosOptions& options, const std::vector<cli::Endpoints>& running, PrivateNetwork* network,
           cli::Signals& signals);

    /// Returns the history, cut short when a signal interrupts the run. An empty plan means: the mesh is only watched.
    /// Throws std::runtime_error when the mesh, the clients or the users are not there within 30 s each. To be called
    /// once.
    [[nodiscard]] History run(const std::vector<Fault>& plan);
    /// True when a signal ended the run early.
    [[nodiscard]] bool interrupted() const { return interrupted_; }

private:
    // More fields than 15: the cluster, five kinds of clients, and what judges them.
    /// Starts the nodes, waits for a whole mesh, then starts the load.
    void bring_up();
    /// Starts subscribers, movers, users and guests, and waits until all are confirmed.
    void subscribe();
    /// Does a fault from begin to end, between a kFault and a kCalm.
    void perform(const Fault& fault);
    /// SIGSTOP for the hold; during a freeze of 60 s publishers send large messages.
    void freeze(const Fault& fault);
    /// Runs a client that does not read.
    void be_slow(const Fault& fault);
    /// Cuts or slows directions of the private network.
    void impair(const Fault& fault);
    /// Kills and restarts the nodes of the fault, `times` times.
    void kill_and_restart(const Fault& fault);
    /// Lets each node leave and start again, in turn.
    void roll(const Fault& fault);
    /// Replaces the mesh key on all nodes. Throws std::runtime_error when a step does not come to its end.
    void rotate();
    /// Waits until the keys of all nodes are as `goal` says, and no node has the key with the id `gone`, if there is
    /// one; throws std::runtime_error otherwise.
    void wait_for_keys(const cli::KeyGoal& goal, const std::string& gone);
    /// Waits for the asked time without harm.
    void watch();
    /// Ends the moving load, waits for the mesh to settle, and reads all.
    void come_to_rest();
    /// Records presence, reads of the API and caches of every node.
    void read_all();
    [[nodiscard]] Target target(std::uint32_t node) const;
    /// Runs turns until `done()`, for `patience` at most. Returns false when the time is over, or when a signal
    /// interrupts.
    template <class Done>
    bool wait(Duration patience, Done done);
    /// Runs turns for `patience`, or until a signal interrupts.
    void wait(Duration patience);
    /// A pass of the main loop, of `patience` at most: nodes, memory, the file, the display and signals.
    void turn(Duration patience);
    void record(EventKind kind, const std::string& text);
    void record(EventKind kind, const std::vector<Direction>& directions);

    const ChaosOptions& options_;
    cli::Signals& signals_;
    PrivateNetwork* network_;
    Recorder recorder_;
    Progress progress_;
    /// The step under way, for the display.
    std::string doing_ = "start";
    /// When memory is looked at again.
    Instant next_memory_{};
    HookSink hooks_;
    Cluster cluster_;
    std::unique_ptr<Watcher> watcher_;
    std::vector<std::unique_ptr<ChaosSubscriber>> subscribers_;
    std::vector<std::unique_ptr<ChaosMover>> movers_;
    std::vector<std::unique_ptr<ChaosUser>> users_;
    std::vector<std::unique_ptr<ChaosGuest>> guests_;
    std::vector<std::unique_ptr<ChaosPublisher>> publishers_;
    bool interrupted_ = false;
};

}  // namespace tulle::chaos
