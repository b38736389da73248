#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/core/node/mesh_node.hpp"
#include "tests/sim/clerk.hpp"
#include "tests/sim/defects.hpp"
#include "tests/sim/edge.hpp"
#include "tests/sim/liveness.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/roster.hpp"
#include "tests/sim/scheduler.hpp"
#include "tests/sim/shelf.hpp"

namespace tulle::sim {

/// Which version of the protocol a process speaks: this one or the one before.
enum class Versions : std::uint8_t {
    kNewest,    ///< all this one, handing over messages as they are; else as bytes
    kUpgrade,   ///< the one before, and this one whoever starts after WorldOptions::turn
    kRollback,  ///< the other way round
    kMixed,     ///< each process one of the two, by chance
};

struct WorldOptions {
    std::uint64_t seed = 1;
    std::size_t hosts = 3;
    std::size_t channels = 8;
    bool trace = false;                                     ///< print what happens
    std::function<void(Instant, const std::string&)> sink;  ///< or give it there
    bool peers_by_name = false;  ///< nodes are given one name for all hosts instead of their seeds
    bool skewed_clocks = false;  ///< each node's clock runs at a rate of its own, up to 2 % off
    std::size_t high_water = 1000;
    Versions versions = Versions::kNewest;
    Duration turn{};  ///< since the beginning
    Planted planted = Planted::kNone;
    mesh::Timing timing;
    mesh::Limits limits;
};

/// Whom a fault concerns: all that these hosts have to do with, and every two of which one is on this side (bits of
/// both).
struct Concerned {
    std::uint64_t hosts = ~std::uint64_t{0};
    std::uint64_t side = 0;
    [[nodiscard]] bool concern(HostId a, HostId b) const {
        return (((hosts >> a) | (hosts >> b)) & 1) != 0 || ((side >> a) & 1) != ((side >> b) & 1);
    }
};

/// A message that a node accepted.
struct Accepted {
    OriginId origin;
    HostId host = 0;
    mesh::RecordNo n;
    std::string channel;
    Instant at;
};

/// One incarnation of a node: the real MeshNode core, and shards that remember what their clients saw.
struct Process {
    OriginId oid;
    std::string name;
    std::unique_ptr<mesh::MeshNode> node;
    HostId host = 0;
    std::uint32_t newest = mesh::kProtocolVersion;  ///< of the protocol, that it speaks
    bool frozen = false;
    bool fatal = false;
    bool left = false;
    bool left_late = false;  ///< at the drain deadline, without every receipt
    std::optional<Instant> leaving_since;
    bool turn_due = false;
    Instant started;
    std::int64_t clock_ppm = 0;  ///< how much its clock is fast
    Instant wake_at;
    Instant last_turn;
    std::uint64_t turns_at_once = 0;
    std::vector<mesh::Input> inbox;
    Edge edge;
    Roster roster;
    Shelf shelf;
    std::map<std::string, mesh::Stamp> retained_found;  // answers to ask_retained
    std::map<std::uint64_t, std::string> retained_asked;
    Clerk clerk;
    Instant frozen_at;
    Instant thawed;
    std::uint64_t deaths = 0;        ///< that it has declared …
    std::uint64_t stuck_deaths = 0;  ///< … and of these, of peers that were stuck
    std::uint64_t last_publish_id = 0;
    std::map<std::uint64_t, std::string> unanswered;  // channel of a publish
    std::map<OriginId, Instant> first_session;
    std::map<OriginId, Instant> met;  ///< when a session with whom stood while one was made
    std::vector<OriginId> members;    ///< with whom it has a session
    /// of each cache channel, and since when, by those members
    std::map<std::string, std::map<OriginId, Instant>> keepers;
    std::uint64_t sessions = 0;
};

/// Hosts, processes, a network and a virtual clock. All behaviour comes from the seed.
class World {
public:
    explicit World(const WorldOptions& options);

    // actions
    void start(HostId host, const std::vector<HostId>& seeds, const std::string& name);
    void kill(HostId host);
    /// The end of the run: nobody is to find out.
    void stop_all();
    void freeze(HostId host);
    void thaw(HostId host);
    void leave(HostId host);
    void subscribe(HostId host, mesh::ShardIndex shard, const std::string& channel);
    void unsubscribe(HostId host, mesh::ShardIndex shard, const std::string& channel);
    void publish(HostId host, const std::string& channel);
    /// A user connects to a presence channel, or disconnects.
    void join(HostId host, mesh::ShardIndex shard, const std::string& channel, const std::string& user);
    void part(HostId host, mesh::ShardIndex shard, const std::string& channel, const std::string& user);
    /// An event that its channel keeps; who subscribes to such a channel, and does so no more; who asks for its last
    /// event.
    void publish_retained(HostId host, const std::string& channel);
    void subscribe_retained(HostId host, mesh::ShardIndex shard, const std::string& channel);
    void unsubscribe_retained(HostId host, mesh::ShardIndex shard, const std::string& channel);
    void ask_retained(HostId host, const std::string& channel);
    /// A shard counts so much of an item, or orders a task.
    void count(HostId host, mesh::ShardIndex shard, const DutyLedger::Item& item, std::uint64_t count);
    void order(HostId host, const std::string& key);
    /// How long the shards that do duties take for one, from now on: at most so long, and one in ten up to `hanging`.
    void let_duties_take(Duration usual, Duration hanging) { duty_takes_ = {usual, hanging}; }
    void run_for(Duration duration) { scheduler_.run_until(scheduler_.now() + duration); }

    // what to look at
    /// Between now and `until` survivors may be unable to reach each other.
    void disturbed(Duration time) { disturbances_.emplace_back(now(), now() + time); }
    [[nodiscard]] bool quiet(Instant from, Instant to) const;
    /// A fault of whatever kind lasts so long, and kRecovery after it nothing need be as it should.
    void faulty(Duration time, const Concerned& concerned = {}) {
        faults_.push_back({now(), now() + time + kRecovery, concerned});
    }
    [[nodiscard]] bool calm(Instant from, Instant to) const;
    /// P1: while nothing is wrong, a message takes no longer: a hole is asked for within 2 ms, and a lost last frame is
    /// found by the tail of the next second at the latest.
    static constexpr Duration kInTime = 1500ms;
    /// When what was accepted then at one host must have come to the other, or be told of there as missing: kInTime
    /// later, during which nothing was wrong with either, nor had been for kRecovery.
    [[nodiscard]] Instant due(Instant accepted, HostId from, HostId to) const;
    /// P9: after a death, until everybody has found out, and the next duty node knows all
    static constexpr Duration kFoundOut = 6s;
    static constexpr Duration kHandOn = 1s;    ///< P10: that handing a last event on takes
    static constexpr Duration kRecovery = 6s;  ///< P6: 5 s, and a moment for what was held up
    struct Dead {
        std::unique_ptr<Process> process;
        Instant at;
        std::map<std::string, std::set<OriginId>> keepers = {};  ///< of each cache channel, those that it could reach
        std::set<OriginId> heirs = {};  ///< whom it could have given what it held, for as long as handing on takes
    };
    [[nodiscard]] const std::vector<Dead>& dead() const { return dead_; }
    [[nodiscard]] Process* process(HostId host) { return processes_[host].get(); }
    [[nodiscard]] std::size_t channels() const { return options_.channels; }
    [[nodiscard]] std::size_t hosts() const { return processes_.size(); }
    [[nodiscard]] Network& network() { return network_; }
    [[nodiscard]] Scheduler& scheduler() { return scheduler_; }
    [[nodiscard]] Prng& prng() { return prng_; }
    /// Sessions of which one side speaks an older version, and processes that speak another one than the one before
    /// them on their host.
    [[nodiscard]] std::uint64_t mixed_sessions() const { return mixed_sessions_; }
    [[nodiscard]] std::uint64_t upgrades() const { return upgrades_; }
    [[nodiscard]] std::uint64_t rollbacks() const { return rollbacks_; }
    /// Look-ups of names that were answered.
    [[nodiscard]] std::uint64_t looked_up() const { return looked_up_; }
    [[nodiscard]] Instant now() const { return scheduler_.now(); }
    [[nodiscard]] const std::vector<Accepted>& accepted() const { return accepted_; }
    struct RetainedAccepted {
        std::string channel;
        mesh::Stamp stamp;
        Instant at;
        HostId host = 0;
    };
    [[nodiscard]] const std::vector<RetainedAccepted>& retained_accepted() const { return retained_accepted_; }
    /// With a process all living copies of a channel's last event have gone.
    struct RetainedLoss {
        std::string channel;
        mesh::Stamp lost;
        mesh::Stamp left;  ///< what the living still hold of the channel; time 0: nothing
        Instant at;
        OriginId holder;
        std::string rule;  ///< by which P10 does not promise that it outlives this; empty: it does
    };
    [[nodiscard]] bool is_serving(OriginId oid) const;
    [[nodiscard]] const std::vector<RetainedLoss>& retained_losses() const { return retained_losses_; }
    [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
    /// Called with each client that is confirmed.
    void on_confirmed(std::function<void(HostId, const std::string& channel)> call) { confirmed_ = std::move(call); }
    void violation(const std::string& what);
    /// What looked like a violation, and is none by this rule.
    void exempt(const std::string& rule) { ++exempted_[rule]; }
    void checked() { ++checked_; }
    [[nodiscard]] std::uint64_t times_checked() const { return checked_; }
    [[nodiscard]] const std::map<std::string, std::uint64_t>& exempted() const { return exempted_; }
    void note(const std::string& what);
    [[nodiscard]] DutyLedger& ledger() { return ledger_; }
    [[nodiscard]] Liveness& liveness() { return liveness_; }
    [[nodiscard]] const mesh::Limits& limits() const { return options_.limits; }
    /// Of everything that has happened: two runs that differ in one event have different ones.
    [[nodiscard]] std::uint64_t hash() const { return hash_; }
    /// What the clock of a process shows.
    [[nodiscard]] static Instant local_time(const Process& process, Instant at);
    [[nodiscard]] static Instant global_time(const Process& process, Instant local);
    [[nodiscard]] std::string name_of(OriginId oid) const;
    [[nodiscard]] const std::map<std::string, std::uint64_t>& counters() const { return counters_; }

private:
    void input(HostId host, mesh::Input input);
    void schedule_turn(HostId host, Instant when);
    /// Answers a node that looks up the name of all hosts: late, in any order, a part of them at times, and at times
    /// not at all.
    void look_up(HostId host, const std::string& name);
    void turn(HostId host);
    [[nodiscard]] Network::Receiver receiver();
    /// Of a process that starts there now.
    [[nodiscard]] std::uint32_t newest_protocol(HostId host);
    void run(HostId host, mesh::Effects& effects);
    void deliver(Process& process, const mesh::DeliverLocal& local);
    using Gaps = std::vector<std::pair<mesh::ShardIndex, mesh::Gap>>;
    /// The notice that follows gaps says whose messages are missing: the shards are told without, but the judge must
    /// know.
    void tell_gaps(Process& process, const std::string& notice, Gaps& gaps);
    void note_retained(Process& process, const std::string& channel);
    void judge_shelf(const Process& process, mesh::ShardIndex shard, const std::string& channel);
    void judge_shelves(const Process& process);
    /// The process is about to end: what does nobody else hold?
    void note_retained_losses(HostId host, const std::set<OriginId>& heirs);
    [[nodiscard]] std::string excuse_loss(const Process& process, std::set<OriginId> heirs, const std::string& channel,
                                          const mesh::Stamp& lost) const;
    void watch_keepers(Process& process) const;
    [[nodiscard]] std::set<OriginId> reached_keepers(const Process& process, const std::string& channel) const;
    [[nodiscard]] std::set<OriginId> heirs_of(HostId host) const;
    [[nodiscard]] bool speak(const Process& a, HostId of_a, const Process& b, HostId of_b) const;
    void on_retained(Process& process, mesh::ShardIndex shard, const mesh::Subscribed& answer);
    [[nodiscard]] Roster::Ask asking(HostId host);
    void to_shard(HostId host, Process& process, mesh::ShardIndex shard, const mesh::ToShard& message);
    [[nodiscard]] Duration duty_time();
    void answer_later(HostId host, std::uint64_t token, Duration pause);
    void revoke(HostId host, std::uint64_t token);
    void breathe_last(const Process& process);
    [[nodiscard]] DutyLedger::Speaker speaker(const Process& process) const;
    [[nodiscard]] std::set<OriginId> living_beside(const Process& process) const;
    void perform_later(HostId host, const mesh::DutyPerform& task, Duration pause);
    void check_flap(const Process& process, const mesh::MemberChanged& change);
    void to_clerk(HostId host, Process& process, const mesh::ToShard& message);
    void collect(const Process& process);
    void watch_membership(HostId host, Process& process);
    void leave_done(HostId host, Process& process);
    void mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15ULL + (hash_ >> 29); }

    WorldOptions options_;
    Defects defects_{options_.planted};
    Prng prng_;
    Prng name_server_;  ///< of its own: the runs without names stay as they are
    std::uint64_t looked_up_ = 0;
    Prng versions_;                      ///< likewise
    std::vector<std::uint32_t> spoken_;  // by the last process of each host
    std::uint64_t mixed_sessions_ = 0;
    std::uint64_t upgrades_ = 0;
    std::uint64_t rollbacks_ = 0;
    Scheduler scheduler_;
    Network network_;
    std::vector<std::unique_ptr<Process>> processes_;
    std::vector<Dead> dead_;
    std::vector<std::pair<Instant, Instant>> disturbances_;
    struct Fault {
        Instant from;
        Instant to;
        Concerned concerned;
    };
    std::vector<Fault> faults_;
    std::map<OriginId, std::string> names_;
    std::vector<Accepted> accepted_;
    std::vector<RetainedAccepted> retained_accepted_;
    std::vector<RetainedLoss> retained_losses_;
    std::vector<std::string> violations_;
    std::map<std::string, std::uint64_t> exempted_;  // by rule
    std::uint64_t checked_ = 0;                      // what is judged when it happens
    std::map<std::string, std::uint64_t> counters_;
    std::function<void(HostId, const std::string&)> confirmed_;
    DutyLedger ledger_;
    std::pair<Duration, Duration> duty_takes_{5ms, 5ms};
    Liveness liveness_{*this};
    std::uint64_t hash_ = 0;
};

}  // namespace tulle::sim
