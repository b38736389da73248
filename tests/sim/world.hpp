#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/core/node/mesh_node.hpp"
#include "tests/sim/annals.hpp"
#include "tests/sim/clerk.hpp"
#include "tests/sim/defects.hpp"
#include "tests/sim/edge.hpp"
#include "tests/sim/liveness.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/roamers.hpp"
#include "tests/sim/roster.hpp"
#include "tests/sim/scheduler.hpp"
#include "tests/sim/shelf.hpp"

namespace tulle::sim {

/// The versions of the protocol that processes speak: the present version, or the version before.
enum class Versions : std::uint8_t {
    /// All processes speak the present version, and messages are handed over as values. In all other cases messages go
    /// as bytes.
    kNewest,
    /// Processes started before WorldOptions::turn speak the version before, later processes the present version.
    kUpgrade,
    /// The reverse of kUpgrade.
    kRollback,
    /// Each process speaks a version drawn at the start.
    kMixed,
};

/// The options of a world.
struct WorldOptions {
    std::uint64_t seed = 1;
    std::size_t hosts = 3;
    std::size_t channels = 8;
    /// Print all notes to standard output.
    bool trace = false;
    /// Gets all notes, if set.
    std::function<void(Instant, const std::string&)> sink;
    /// True: nodes are given a single name for all hosts instead of seeds.
    bool peers_by_name = false;
    /// True: each node's clock runs at a rate of its own, up to 2 % off.
    bool skewed_clocks = false;
    /// Messages in a publisher's pipe, see Network.
    std::size_t high_water = 1000;
    Versions versions = Versions::kNewest;
    /// For kUpgrade and kRollback, since the beginning of the run.
    Duration turn{};
    Planted planted = Planted::kNone;
    /// See Variant::copies.
    bool copies = false;
    /// See Variant::histories.
    bool histories = false;
    mesh::Timing timing;
    mesh::Limits limits;
};

/// The pairs of hosts that a fault concerns: every pair with a host in `hosts`, and every pair with exactly one host in
/// `side`. Both are bits.
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
    /// When the publish was answered.
    Instant at;
    /// When the publish was made: not later than the numbering. For a message without copies equal to `at`, unless the
    /// node held the publish back.
    Instant asked;
    /// Nodes that held the message when it was accepted, for a message that wanted copies; 0 for others.
    std::uint32_t copies = 0;
};

/// An incarnation of a node: the real MeshNode core, and shards that remember what their clients saw.
struct Process {
    OriginId oid;
    std::string name;
    std::unique_ptr<mesh::MeshNode> node;
    HostId host = 0;
    /// The newest version of the protocol that the process speaks.
    std::uint32_t newest = mesh::kProtocolVersion;
    bool frozen = false;
    /// True: the process takes no more input.
    bool fatal = false;
    bool left = false;
    /// True: left at the drain deadline, without every receipt.
    bool left_late = false;
    std::optional<Instant> leaving_since;
    bool turn_due = false;
    Instant started;
    /// By how many millionths the clock is fast.
    std::int64_t clock_ppm = 0;
    Instant wake_at;
    Instant last_turn;
    /// Turns in a row without a move of the clock; a great number is a livelock.
    std::uint64_t turns_at_once = 0;
    std::vector<mesh::Input> inbox;
    Edge edge;
    Roster roster;
    Shelf shelf;
    // Answers to ask_retained().
    std::map<std::string, mesh::Stamp> retained_found;
    std::map<std::uint64_t, std::string> retained_asked;
    Clerk clerk;
    Instant frozen_at;
    Instant thawed;
    /// Deaths that the process has declared.
    std::uint64_t deaths = 0;
    /// Deaths of stuck peers, counted in `deaths` as well.
    std::uint64_t stuck_deaths = 0;
    std::uint64_t last_publish_id = 0;
    /// The questions about histories: the channel, and when the question was asked.
    std::map<std::uint64_t, std::pair<std::string, Instant>> history_asked;
    struct Unanswered {
        std::string channel;
        Instant at;
    };
    // By id of a publish.
    std::map<std::uint64_t, Unanswered> unanswered;
    std::map<OriginId, Instant> first_session;
    /// By peer: when a session with the peer last stood while any session was made.
    std::map<OriginId, Instant> met;
    /// The peers in session.
    std::vector<OriginId> members;
    /// By cache channel: the keepers according to `members`, and since when.
    std::map<std::string, std::map<OriginId, Instant>> keepers;
    std::uint64_t sessions = 0;
};

/// Hosts, processes, a network and a virtual clock. All behaviour comes from the seed.
///
/// Thread: one thread. Actions on a host need a process there, unless the action says otherwise.
class World {
public:
    explicit World(const WorldOptions& options);

    // Actions.
    /// Starts a process on a host without a process.
    void start(HostId host, const std::vector<HostId>& seeds, const std::string& name);
    /// Ends the process, alive or frozen, at once. All that the judges need is kept in dead().
    void kill(HostId host);
    /// The end of the run: nobody is to find out.
    void stop_all();
    void freeze(HostId host);
    void thaw(HostId host);
    /// Asks the process to leave in order.
    void leave(HostId host);
    /// The process's mesh key has changed: the process tells its peers, and binds its ports again some seconds later.
    void change_key(HostId host);
    /// Puts an input into the process's inbox and plans a turn.
    void input(HostId host, mesh::Input input);
    /// A client subscribes to a channel on a shard.
    void subscribe(HostId host, mesh::ShardIndex shard, const std::string& channel);
    /// The youngest client of the channel on the shard goes.
    void unsubscribe(HostId host, mesh::ShardIndex shard, const std::string& channel);
    /// Publishes a message on a channel.
    void publish(HostId host, const std::string& channel);
    /// A user connects to a presence channel.
    void join(HostId host, mesh::ShardIndex shard, const std::string& channel, const std::string& user);
    /// A user disconnects from a presence channel.
    void part(HostId host, mesh::ShardIndex shard, const std::string& channel, const std::string& user);
    /// Publishes an event that the channel keeps.
    void publish_retained(HostId host, const std::string& channel);
    /// A client subscribes to a channel that keeps an event.
    void subscribe_retained(HostId host, mesh::ShardIndex shard, const std::string& channel);
    /// The clients of such a channel go.
    void unsubscribe_retained(HostId host, mesh::ShardIndex shard, const std::string& channel);
    /// Asks the process on the host for the history of a channel, if the process serves and sees all others.
    void ask_history(HostId host, const std::string& channel);
    [[nodiscard]] const Annals& annals() const { return annals_; }
    [[nodiscard]] Roamers& roamers() { return roamers_; }
    /// Some channels hold little, so entries are evicted.
    [[nodiscard]] static mesh::HistoryLimits history_limits(const std::string& channel) {
        return {channel.back() % 2 == 0 ? 10u : 1000u, 64u << 10, 1h};
    }
    /// Asks for the last event of such a channel. Process::retained_found gets the answer.
    void ask_retained(HostId host, const std::string& channel);
    /// A shard counts an item.
    void count(HostId host, mesh::ShardIndex shard, const DutyLedger::Item& item, std::uint64_t count);
    /// A shard orders a task.
    void order(HostId host, const std::string& key);
    /// From now on shards take up to `usual` for a duty, and for one duty in ten up to `hanging`.
    void let_duties_take(Duration usual, Duration hanging) { duty_takes_ = {usual, hanging}; }
    void run_for(Duration duration) { scheduler_.run_until(scheduler_.now() + duration); }

    // Things to look at, and to note.
    /// For `time` from now on survivors may be unable to reach each other.
    void disturbed(Duration time) { disturbances_.emplace_back(now(), now() + time); }
    /// True when nothing was disturbed() within [from, to].
    [[nodiscard]] bool quiet(Instant from, Instant to) const;
    /// A fault of any kind lasts for `time`. For kRecovery afterwards nothing need be in order.
    void faulty(Duration time, const Concerned& concerned = {}) {
        faults_.push_back({now(), now() + time + kRecovery, concerned});
    }
    /// True when no fault or recovery touches [from, to].
    [[nodiscard]] bool calm(Instant from, Instant to) const;
    /// P1: while nothing is wrong, a message takes no longer. A hole is asked for within 2 ms, and a lost last frame is
    /// found by the tail of the next second at the latest.
    static constexpr Duration kInTime = 1500ms;
    /// When a message accepted at a host at `accepted` must have come to the other host, or must be told of there as
    /// missing: after kInTime without any fault at either host, with kRecovery after each fault.
    [[nodiscard]] Instant due(Instant accepted, HostId from, HostId to) const;
    /// P9: after a death, until every node has found out, and the next duty node knows all.
    static constexpr Duration kFoundOut = 6s;
    /// P10: the time that handing a last event on takes.
    static constexpr Duration kHandOn = 1s;
    /// P6: 5 s, and a moment for messages held up.
    static constexpr Duration kRecovery = 6s;
    /// A process that has ended, kept for the judges.
    struct Dead {
        std::unique_ptr<Process> process;
        Instant at;
        /// By cache channel: the keepers that the process could reach at the end.
        std::map<std::string, std::set<OriginId>> keepers = {};
        /// The processes that could have been given the process's events at the end, and for as long as handing on
        /// takes before.
        std::set<OriginId> heirs = {};
    };
    [[nodiscard]] const std::vector<Dead>& dead() const { return dead_; }
    /// The process on a host; null when no process runs there.
    [[nodiscard]] Process* process(HostId host) { return processes_[host].get(); }
    [[nodiscard]] std::size_t channels() const { return options_.channels; }
    [[nodiscard]] std::size_t hosts() const { return processes_.size(); }
    [[nodiscard]] Network& network() { return network_; }
    [[nodiscard]] Scheduler& scheduler() { return scheduler_; }
    [[nodiscard]] Prng& prng() { return prng_; }
    /// Sessions with a side that speaks an older version.
    [[nodiscard]] std::uint64_t mixed_sessions() const { return mixed_sessions_; }
    /// Processes with a newer version than the process before on the host.
    [[nodiscard]] std::uint64_t upgrades() const { return upgrades_; }
    /// Processes with an older version than the process before on the host.
    [[nodiscard]] std::uint64_t rollbacks() const { return rollbacks_; }
    /// Look-ups of names that were answered.
    [[nodiscard]] std::uint64_t looked_up() const { return looked_up_; }
    [[nodiscard]] Instant now() const { return scheduler_.now(); }
    [[nodiscard]] const std::vector<Accepted>& accepted() const { return accepted_; }
    /// An event for a cache channel that a node accepted.
    struct RetainedAccepted {
        std::string channel;
        mesh::Stamp stamp;
        Instant at;
        HostId host = 0;
    };
    [[nodiscard]] const std::vector<RetainedAccepted>& retained_accepted() const { return retained_accepted_; }
    /// With the end of a process all living copies of a channel's last event have gone.
    struct RetainedLoss {
        std::string channel;
        mesh::Stamp lost;
        /// The last event of the channel that the living still hold; a time of 0: none.
        mesh::Stamp left;
        Instant at;
        OriginId holder;
        /// The rule by which P10 does not promise survival; empty: P10 does.
        std::string rule;
    };
    /// True when the process runs, is not frozen, does not leave, and is ready.
    [[nodiscard]] bool is_serving(OriginId oid) const;
    [[nodiscard]] const std::vector<RetainedLoss>& retained_losses() const { return retained_losses_; }
    [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
    /// Sets a function called for each client just confirmed.
    void on_confirmed(std::function<void(HostId, const std::string& channel)> call) { confirmed_ = std::move(call); }
    /// Notes a broken promise.
    void violation(const std::string& what);
    /// Counts a case that looked like a violation, and is none by this rule.
    void exempt(const std::string& rule) { ++exempted_[rule]; }
    /// Counts a check made during the run.
    void checked() { ++checked_; }
    [[nodiscard]] std::uint64_t times_checked() const { return checked_; }
    [[nodiscard]] const std::map<std::string, std::uint64_t>& exempted() const { return exempted_; }
    /// Passes a line to the trace and the sink.
    void note(const std::string& what);
    [[nodiscard]] DutyLedger& ledger() { return ledger_; }
    [[nodiscard]] Liveness& liveness() { return liveness_; }
    [[nodiscard]] const mesh::Limits& limits() const { return options_.limits; }
    /// Of everything that has happened: two runs that differ in an event have different hashes.
    [[nodiscard]] std::uint64_t hash() const { return hash_; }
    /// The time on the clock of a process at `at`.
    [[nodiscard]] static Instant local_time(const Process& process, Instant at);
    /// The reverse of local_time(), an hour ahead at most.
    [[nodiscard]] static Instant global_time(const Process& process, Instant local);
    /// "NAME/OID's first digits" of a process, for notes.
    [[nodiscard]] std::string name_of(OriginId oid) const;
    [[nodiscard]] const std::map<std::string, std::uint64_t>& counters() const { return counters_; }

private:
    /// Plans a turn of the process at `when`, unless an earlier turn is planned.
    void schedule_turn(HostId host, Instant when);
    /// Answers a node that looks up the name of all hosts: late, in any order, at times in part, and at times not at
    /// all.
    void look_up(HostId host, const std::string& name);
    /// Runs the node over the inbox.
    void turn(HostId host);
    [[nodiscard]] Network::Receiver receiver();
    /// The version of a process that starts on the host now.
    [[nodiscard]] std::uint32_t newest_protocol(HostId host);
    /// Carries out the effects of a turn.
    void run(HostId host, mesh::Effects& effects);
    /// Gives a record to the clients of the process.
    void deliver(Process& process, const mesh::DeliverLocal& local);
    using Gaps = std::vector<std::pair<mesh::ShardIndex, mesh::Gap>>;
    /// Tells the clients of the gaps of this turn. The notice that follows gaps names the origin of the missing
    /// messages: shards are told without the origin, but the judge must know.
    void tell_gaps(Process& process, const std::string& notice, Gaps& gaps);
    /// Notes the event just accepted for a cache channel.
    void note_retained(Process& process, const std::string& channel);
    /// Judges the last event given to the clients of a channel on a shard.
    void judge_shelf(const Process& process, mesh::ShardIndex shard, const std::string& channel);
    /// Judges all cache channels of a process.
    void judge_shelves(const Process& process);
    /// The process is about to end: notes the last events that no other process holds.
    void note_retained_losses(HostId host, const std::set<OriginId>& heirs);
    /// The rule that excuses the loss of an event; empty without a rule.
    [[nodiscard]] std::string excuse_loss(const Process& process, std::set<OriginId> heirs, const std::string& channel,
                                          const mesh::Stamp& lost) const;
    /// Updates the keepers of a process when the peers in session have changed.
    void watch_keepers(Process& process) const;
    [[nodiscard]] std::set<OriginId> reached_keepers(const Process& process, const std::string& channel) const;
    /// The processes in session with the host's process, both ways and for long enough.
    [[nodiscard]] std::set<OriginId> heirs_of(HostId host) const;
    /// True when `a` has had a session with `b` for kHandOn and messages from `a` get through.
    [[nodiscard]] bool speak(const Process& a, HostId of_a, const Process& b, HostId of_b) const;
    /// Takes the hub's answer for a cache channel, and judges the answer.
    void on_retained(Process& process, mesh::ShardIndex shard, const mesh::Subscribed& answer);
    [[nodiscard]] Roster::Ask asking(HostId host);
    /// Takes a message of the hub to a shard.
    void to_shard(HostId host, Process& process, mesh::ShardIndex shard, const mesh::ToShard& message);
    void on_published(HostId host, Process& process, const mesh::Published& published);
    /// Draws the time that a duty takes.
    [[nodiscard]] Duration duty_time();
    /// Answers a duty after a pause, unless revoked before.
    void answer_later(HostId host, std::uint64_t token, Duration pause);
    /// Takes the revocation of a duty, with an outcome drawn.
    void revoke(HostId host, std::uint64_t token);
    /// Lets words under way reach the world outside after the death.
    void breathe_last(const Process& process);
    /// The process as a speaker of this moment.
    [[nodiscard]] DutyLedger::Speaker speaker(const Process& process) const;
    /// All other living processes.
    [[nodiscard]] std::set<OriginId> living_beside(const Process& process) const;
    /// Does a task after a pause.
    void perform_later(HostId host, const mesh::DutyPerform& task, Duration pause);
    /// P6: judges a change of presence.
    void check_flap(const Process& process, const mesh::MemberChanged& change);
    /// Takes the hub's messages about duties.
    void to_clerk(HostId host, Process& process, const mesh::ToShard& message);
    /// Adds the counters of a process to the sums.
    void collect(const Process& process);
    /// Notes new sessions and new deaths of a process, and judges the deaths.
    void watch_membership(HostId host, Process& process);
    /// The node has left; the process ends.
    void leave_done(HostId host, Process& process);
    /// Mixes a value into the hash of the run.
    void mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15ULL + (hash_ >> 29); }

    WorldOptions options_;
    Defects defects_{options_.planted};
    Prng prng_;
    /// Generators of their own for names, versions and copies: seeds without any of these stay unchanged.
    Prng name_server_;
    std::uint64_t looked_up_ = 0;
    Prng versions_;
    Prng copies_;
    Prng histories_;
    Annals annals_{*this};
    Roamers roamers_;
    // By host: the version of the last process; 0 before the first.
    std::vector<std::uint32_t> spoken_;
    std::uint64_t mixed_sessions_ = 0;
    std::uint64_t upgrades_ = 0;
    std::uint64_t rollbacks_ = 0;
    Scheduler scheduler_;
    Network network_;
    std::vector<std::unique_ptr<Process>> processes_;
    std::vector<Dead> dead_;
    std::vector<std::pair<Instant, Instant>> disturbances_;
    /// A fault with the time of recovery.
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
    // By rule.
    std::map<std::string, std::uint64_t> exempted_;
    // Checks made during the run.
    std::uint64_t checked_ = 0;
    std::map<std::string, std::uint64_t> counters_;
    std::function<void(HostId, const std::string&)> confirmed_;
    DutyLedger ledger_;
    std::pair<Duration, Duration> duty_takes_{5ms, 5ms};
    Liveness liveness_{*this};
    std::uint64_t hash_ = 0;
};

}  // namespace tulle::sim
