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
#include "tools/cli/signals.hpp"

namespace tulle::chaos {

/// One run: starts the mesh and the load, does the faults of the plan one after the other, lets the mesh come to rest,
/// and stops everything. Tells how far it is. Main thread.
class Runner {
public:
    /// `running` and `network` as in ClusterOptions.
    Runner(const ChaosOptions& options, const std::vector<cli::Endpoints>& running, PrivateNetwork* network,
           cli::Signals& signals);

    /// The history, cut short when a signal interrupts it; with an empty plan the mesh is only watched. Throws when the
    /// mesh does not come up.
    [[nodiscard]] History run(const std::vector<Fault>& plan);
    [[nodiscard]] bool interrupted() const { return interrupted_; }

private:
    // More fields than 15: the cluster, five kinds of clients, and what judges them.
    void bring_up();
    void subscribe();
    void perform(const Fault& fault);
    void freeze(const Fault& fault);
    void be_slow(const Fault& fault);
    void impair(const Fault& fault);
    void kill_and_restart(const Fault& fault);
    void roll(const Fault& fault);
    void watch();
    void come_to_rest();
    void read_all();
    [[nodiscard]] Target target(std::uint32_t node) const;
    /// Until `done()`, for `patience` at most, or until a signal: false.
    template <class Done>
    bool wait(Duration patience, Done done);
    void wait(Duration patience);
    void turn(Duration patience);
    void record(EventKind kind, const std::string& text);
    void record(EventKind kind, const std::vector<Direction>& directions);

    const ChaosOptions& options_;
    cli::Signals& signals_;
    PrivateNetwork* network_;
    Recorder recorder_;
    Progress progress_;
    std::string doing_ = "start";
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
