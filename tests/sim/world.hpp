#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/core/mesh_node.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/scheduler.hpp"

namespace tulle::sim {

struct WorldOptions {
    std::uint64_t seed = 1;
    std::size_t hosts = 3;
    std::size_t channels = 8;
    bool trace = false;
    mesh::Timing timing;
    mesh::Limits limits;
};

/// A message that a node accepted.
struct Accepted {
    OriginId origin;
    HostId host = 0;
    mesh::RecordNo n;
    std::string channel;
    Instant at;
};

/// What one subscription of one process saw.
struct Subscriber {
    std::string channel;
    Instant confirmed;
    std::optional<Instant> ended;
    std::map<OriginId, std::vector<mesh::RecordNo>> seen;
    std::uint64_t gap = 0;        ///< announced missing
    bool gap_unknown = false;
};

/// One incarnation of a node: the real MeshNode core, and a shard that remembers what its clients would have seen.
struct Process {
    OriginId oid;
    std::string name;
    std::unique_ptr<mesh::MeshNode> node;
    bool frozen = false;
    bool fatal = false;
    bool left = false;
    bool left_late = false;  ///< at the drain deadline, without every receipt
    std::optional<Instant> leaving_since;
    bool turn_due = false;
    Instant started;
    Instant wake_at;
    Instant last_turn;
    std::uint64_t turns_at_once = 0;
    std::vector<mesh::Input> inbox;
    std::uint64_t generation = 0;
    struct Pending {
        std::uint64_t generation = 0;
        Instant since;
    };
    std::map<std::string, Pending> pending;  // by channel
    Instant thawed;
    std::map<std::string, Subscriber> subscribed;
    std::vector<Subscriber> ended;
    std::uint64_t last_publish_id = 0;
    std::map<std::uint64_t, std::string> unanswered;  // channel of a publish
    std::map<OriginId, Instant> first_session;
    std::uint64_t sessions = 0;
};

/// Hosts, processes, a network and a virtual clock. All behaviour comes from the seed.
class World {
public:
    explicit World(const WorldOptions& options);

    // actions
    void start(HostId host, const std::vector<HostId>& seeds, const std::string& name);
    void kill(HostId host);
    void freeze(HostId host);
    void thaw(HostId host);
    void leave(HostId host);
    void subscribe(HostId host, const std::string& channel);
    void unsubscribe(HostId host, const std::string& channel);
    void publish(HostId host, const std::string& channel);
    void run_for(Duration duration) { scheduler_.run_until(scheduler_.now() + duration); }

    // what to look at
    /// Between now and `until` survivors may be unable to reach each other.
    void disturbed(Duration time) { disturbances_.emplace_back(now(), now() + time); }
    [[nodiscard]] bool quiet(Instant from, Instant to) const;
    struct Dead {
        std::unique_ptr<Process> process;
        Instant at;
    };
    [[nodiscard]] const std::vector<Dead>& dead() const { return dead_; }
    [[nodiscard]] Process* process(HostId host) { return processes_[host].get(); }
    [[nodiscard]] std::size_t channels() const { return options_.channels; }
    [[nodiscard]] std::size_t hosts() const { return processes_.size(); }
    [[nodiscard]] Network& network() { return network_; }
    [[nodiscard]] Scheduler& scheduler() { return scheduler_; }
    [[nodiscard]] Prng& prng() { return prng_; }
    [[nodiscard]] Instant now() const { return scheduler_.now(); }
    [[nodiscard]] const std::vector<Accepted>& accepted() const { return accepted_; }
    [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
    void violation(const std::string& what);
    void note(const std::string& what);
    [[nodiscard]] std::uint64_t deaths_declared() const { return deaths_; }
    [[nodiscard]] std::string name_of(OriginId oid) const;
    [[nodiscard]] const std::map<std::string, std::uint64_t>& counters() const { return counters_; }

private:
    void input(HostId host, mesh::Input input);
    void schedule_turn(HostId host, Instant when);
    void turn(HostId host);
    void run(HostId host, mesh::Effects& effects);
    void deliver(Process& process, const mesh::RecordPtr& record);
    void to_shard(HostId host, Process& process, const mesh::ToShard& message);
    void collect(const Process& process);

    WorldOptions options_;
    Prng prng_;
    Scheduler scheduler_;
    Network network_;
    std::vector<std::unique_ptr<Process>> processes_;
    std::vector<Dead> dead_;
    std::vector<std::pair<Instant, Instant>> disturbances_;
    std::map<OriginId, std::string> names_;
    std::vector<Accepted> accepted_;
    std::vector<std::string> violations_;
    std::map<std::string, std::uint64_t> counters_;
    std::uint64_t deaths_ = 0;
};

}  // namespace tulle::sim
