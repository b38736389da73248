#include "tools/chaos/runner.hpp"

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <utility>

#include "tools/chaos/checker.hpp"
#include "tools/chaos/rest_reader.hpp"
#include "tools/chaos/slow_client.hpp"
#include "tools/cli/admin.hpp"

namespace tulle::chaos {
namespace {

/// For the start of all nodes and clients, on a machine busy with other things.
constexpr Duration kUpPatience = 30s;
/// For an orderly leave. A node that takes longer is killed, and the kill is recorded as such.
constexpr Duration kLeavePatience = 10s;
/// For a restarted node to join. A rolling restart goes on afterwards in any case; P6 judges the result.
constexpr Duration kJoinPatience = 10s;
/// For each step of a change of the mesh key: a node binds its ports again within 6 s, and is dialled again by all.
constexpr Duration kKeysPatience = 20s;
/// For the answer of a node that asks all others for their keys. The main loop stands still meanwhile.
constexpr std::chrono::milliseconds kKeysAnswer = 1s;
/// The longest pass of the main loop: how soon conditions are noticed.
constexpr Duration kTurn = 50ms;
/// Between two looks at the memory of the nodes.
constexpr Duration kMemoryInterval = 500ms;
/// The end of a run: within 5 s the mesh must be whole again, with a second as margin.
constexpr Duration kRest = 6s;
/// After the last messages: 3 s to arrive, with half a second as margin.
constexpr Duration kDrain = 3500ms;

}  // namespace

Runner::Runner(const ChaosOptions& options, const std::vector<cli::Endpoints>& running, PrivateNetwork* network,
               cli::Signals& signals)
    : options_(options),
      signals_(signals),
      network_(network),
      recorder_(options.history),
      hooks_(network != nullptr ? PrivateNetwork::router_address() : "127.0.0.1", recorder_),
      cluster_({options.nodes, options.tulled, running, options.logs, options.app_id, options.app_key,
                options.app_secret, hooks_.url(), network},
               signals, recorder_) {}

History Runner::run(const std::vector<Fault>& plan) {
    // The first event carries the facts of the run that a judge of the file needs.
    Event first;
    first.kind = EventKind::kRun;
    first.number = options_.nodes;
    first.text = std::to_string(options_.seed);
    recorder_.add(std::move(first));
    bring_up();
    // Faults never overlap: each begins after the pause that follows the fault before.
    for (std::size_t i = 0; i < plan.size() && !interrupted_; ++i) {
        doing_ = "pause";
        wait(plan[i].pause);
        if (!interrupted_) {
            doing_ = std::to_string(i + 1) + "/" + std::to_string(plan.size()) + " " + describe(plan[i]);
            perform(plan[i]);
        }
    }
    if (plan.empty()) {
        watch();
    }
    come_to_rest();
    // The load ends before the recorder, so that the ends of all subscriptions are in the history.
    users_.clear();
    subscribers_.clear();
    publishers_.clear();
    watcher_.reset();
    return recorder_.finish();
}

void Runner::bring_up() {
    progress_.say((options_.peers.empty() ? "starting " : "watching ") + std::to_string(options_.nodes) + " nodes" +
                  (network_ != nullptr ? ", each in a network namespace of its own" : ""));
    std::vector<std::string> admins;
    for (std::uint32_t node = 1; node <= options_.nodes; ++node) {
        cluster_.start(node);
        admins.push_back(cluster_.endpoints(node).admin);
    }
    // The load starts only when every node sees every other: earlier messages could be owed by nobody.
    watcher_ = std::make_unique<Watcher>(admins, cli::read_admin_token(options_.admin_token_file), recorder_);
    if (!wait(kUpPatience, [this] { return watcher_->is_whole(); }) && !interrupted_) {
        throw std::runtime_error("the mesh has not come up");
    }
    subscribe();
    // The rate is the whole mesh's, in equal parts.
    const double rate = static_cast<double>(options_.rate) / options_.nodes;
    for (std::uint32_t node = 1; node <= options_.nodes && !interrupted_; ++node) {
        publishers_.push_back(std::make_unique<ChaosPublisher>(target(node), rate, recorder_));
    }
    wait(1s);
}

void Runner::subscribe() {
    std::size_t expected = 0;
    // Channels are dealt in turn, so that each has subscribers at several nodes.
    for (std::uint32_t i = 0; i < options_.clients * options_.nodes && !interrupted_; ++i) {
        std::vector<std::uint32_t> channels;
        for (std::uint32_t k = 0; k < kChannelsOfClient; ++k) {
            channels.push_back((i * kChannelsOfClient + k) % kChannels + 1);
        }
        // The first client of each node also hears the canaries, and keeps a webhook channel occupied for good.
        if (i < options_.nodes) {
            channels.push_back(kCanaryChannel);
            channels.push_back(kFirstHookChannel + options_.nodes + i);
        }
        expected += channels.size();
        subscribers_.push_back(std::make_unique<ChaosSubscriber>(target(i % options_.nodes + 1), channels, recorder_));
    }
    if (!wait(kUpPatience, [&] { return recorder_.count(EventKind::kSubscribed) >= expected; }) && !interrupted_) {
        throw std::runtime_error("the clients have not been subscribed");
    }
    // Clients that come and go. Each mover has a webhook channel to itself, so the moves vacate and occupy the channel.
    std::vector<Target> targets;
    for (std::uint32_t node = 1; node <= options_.nodes; ++node) {
        targets.push_back(target(node));
    }
    for (std::uint32_t i = 0; i < options_.nodes && !interrupted_; ++i) {
        std::vector<std::uint32_t> channels{i % kChannels + 1, (i + kChannels / 2) % kChannels + 1,
                                            kFirstHookChannel + i};
        movers_.push_back(std::make_unique<ChaosMover>(targets, i, std::move(channels), recorder_));
        users_.push_back(std::make_unique<ChaosUser>(targets[i], "user-" + std::to_string(i + 1), recorder_));
        guests_.push_back(std::make_unique<ChaosGuest>(targets, i, recorder_));
    }
    if (!wait(kUpPatience, [&] { return recorder_.count(EventKind::kEntered) >= users_.size(); }) && !interrupted_) {
        throw std::runtime_error("the users have not been let in");
    }
}

void Runner::perform(const Fault& fault) {
    record(EventKind::kFault, describe(fault));
    switch (fault.kind) {
        case FaultKind::kStop:
        case FaultKind::kFreeze60:
            freeze(fault);
            break;
        case FaultKind::kRolling:
            roll(fault);
            break;
        case FaultKind::kReset:
            for (std::uint32_t i = 0; i < fault.times && !interrupted_; ++i) {
                cluster_.reset_connections(fault.nodes.front());
                wait(fault.hold);
            }
            break;
        case FaultKind::kRotate:
            rotate();
            break;
        case FaultKind::kSlow:
            be_slow(fault);
            break;
        case FaultKind::kSplit:
        case FaultKind::kPartial:
        case FaultKind::kOneWay:
        case FaultKind::kDelay:
        case FaultKind::kThrottle:
            impair(fault);
            break;
        default:
            kill_and_restart(fault);
            break;
    }
    record(EventKind::kCalm, describe(fault));
}

void Runner::freeze(const Fault& fault) {
    const bool is_long = fault.kind == FaultKind::kFreeze60;
    // Large messages fill the rings of the other nodes while a node is frozen for 60 s.
    for (const std::unique_ptr<ChaosPublisher>& publisher : publishers_) {
        publisher->set_padding(is_long ? kLargePaddingBytes : kPaddingBytes);
    }
    cluster_.stop(fault.nodes.front());
    wait(fault.hold);
    cluster_.resume(fault.nodes.front());
    for (const std::unique_ptr<ChaosPublisher>& publisher : publishers_) {
        publisher->set_padding(kPaddingBytes);
    }
}

void Runner::be_slow(const Fault& fault) {
    std::vector<std::string> channels;
    for (std::uint32_t channel = 1; channel <= kChannels; ++channel) {
        channels.push_back(channel_name(channel));
    }
    const SlowClient slow(cluster_.endpoints(fault.nodes.front()).listen, options_.app_key, channels);
    wait(fault.hold);
}

void Runner::impair(const Fault& fault) {
    const std::vector<Direction> directions = directions_of(fault, options_.nodes);
    if (fault.kind == FaultKind::kDelay || fault.kind == FaultKind::kThrottle) {
        // Recorded before the harm and after the relief: no message is owed by mistake.
        record(EventKind::kSlowed, directions);
        network_->slow(directions, fault);
        wait(fault.hold);
        network_->ease(directions);
        record(EventKind::kEased, directions);
    } else {
        record(EventKind::kCut, directions);
        network_->cut(directions);
        wait(fault.hold);
        network_->heal(directions);
        record(EventKind::kHealed, directions);
    }
}

void Runner::kill_and_restart(const Fault& fault) {
    for (std::uint32_t i = 0; i < fault.times && !interrupted_; ++i) {
        // A flap: the new process lives for `hold` before the next kill.
        if (i > 0) {
            wait(fault.hold);
        }
        cluster_.kill(fault.nodes);
        wait(fault.hold);
        for (const std::uint32_t node : fault.nodes) {
            cluster_.start(node);
        }
    }
}

void Runner::roll(const Fault& fault) {
    for (const std::uint32_t node : fault.nodes) {
        cluster_.ask_to_leave(node);
        if (!wait(kLeavePatience, [&] { return !cluster_.is_running(node); })) {
            progress_.say("n" + std::to_string(node) + " does not leave");
            cluster_.kill({node});
        }
        if (interrupted_) {
            return;
        }
        cluster_.start(node);
        // A turn lets the watcher see the absence first: right after the start the last answers still say "alive".
        wait(kTurn);
        wait(kJoinPatience, [this] { return watcher_->is_whole(); });
    }
}

void Runner::rotate() {
    // A process that has only begun would end by a SIGHUP, and would not answer for its keys.
    if (!wait(kJoinPatience, [this] { return watcher_->is_whole(); }) && !interrupted_) {
        throw std::runtime_error("the mesh key could not be replaced: the mesh is not whole");
    }
    const Cluster::KeyFile former = cluster_.key();
    const Cluster::KeyFile next = cluster_.make_key();
    struct Step {
        std::vector<Cluster::KeyFile> keys;
        cli::KeyGoal goal;
        std::string gone;
    };
    const Step steps[] = {{{former, next}, {.accepted = next.id, .used = {}}, {}},
                          {{next, former}, {.accepted = {}, .used = next.id}, {}},
                          {{next}, {.accepted = {}, .used = next.id}, former.id}};
    for (const Step& step : steps) {
        if (interrupted_) {
            return;
        }
        cluster_.give_keys(step.keys);
        wait_for_keys(step.goal, step.gone);
    }
}

void Runner::wait_for_keys(const cli::KeyGoal& goal, const std::string& gone) {
    cli::Admin admin(cluster_.endpoints(1).admin, kKeysAnswer, {});
    std::string missing = "n1 has not answered";
    const bool is_reached = wait(kKeysPatience, [&] {
        const client::Exchange answer = admin.get("/v1/doctor?timeout_ms=500");
        const auto sample = answer.outcome == client::ExchangeOutcome::kAnswered && answer.status == 200
                                ? cli::parse_sample(answer.body)
                                : Result<cli::MeshSample, cli::DoctorErrc>(cli::DoctorErrc::kNotReport);
        if (sample.has_error()) {
            return false;
        }
        const cli::KeyVerdict verdict = cli::judge_keys(*sample, goal, options_.nodes);
        const bool is_there = !gone.empty() && cli::keys_text(*sample).find(gone) != std::string::npos;
        missing = !verdict.missing.empty() ? verdict.missing.front() : (is_there ? gone + " is still accepted" : "");
        return missing.empty();
    });
    if (!is_reached && !interrupted_) {
        throw std::runtime_error("the mesh key could not be replaced: " + missing);
    }
}

void Runner::watch() {
    record(EventKind::kFault, kNoFault);
    // The whole run is to take the asked time, and the quiet must last for kHeal at least to be judged.
    wait(std::max<Duration>(std::chrono::seconds(options_.seconds) - kRest - kDrain, kHeal));
    record(EventKind::kCalm, kNoFault);
}

Target Runner::target(std::uint32_t node) const {
    return {node, cluster_.endpoints(node).listen, options_.app_id, options_.app_key, options_.app_secret};
}

void Runner::come_to_rest() {
    doing_ = "rest";
    // Guests and movers leave first, so that presence and channels have a fixed truth at rest.
    guests_.clear();
    movers_.clear();
    wait(kRest);
    for (const std::unique_ptr<ChaosPublisher>& publisher : publishers_) {
        if (!interrupted_) {
            // The last canaries give every pair a message to carry after the last fault.
            publisher->finish();
        }
    }
    wait(kDrain);
    if (!interrupted_) {
        read_all();
    }
}

void Runner::read_all() {
    // A mesh already there is not configured with the webhooks of this run.
    if (options_.peers.empty()) {
        chaos::Event event;
        event.kind = EventKind::kRead;
        event.text = kHooksRead;
        recorder_.add(std::move(event));
    }
    for (const std::unique_ptr<ChaosUser>& user : users_) {
        user->tell_members();
    }
    for (std::uint32_t node = 1; node <= options_.nodes; ++node) {
        read_api(target(node), recorder_);
    }
    for (std::uint32_t node = 1; node <= options_.nodes; ++node) {
        read_caches(target(node), options_.nodes, recorder_);
    }
}

template <class Done>
bool Runner::wait(Duration patience, Done done) {
    const Instant deadline = now() + patience;
    while (!interrupted_) {
        if (done()) {
            return true;
        }
        const Instant moment = now();
        if (moment >= deadline) {
            return false;
        }
        turn(std::min<Duration>(deadline - moment, kTurn));
    }
    return false;
}

void Runner::wait(Duration patience) {
    static_cast<void>(wait(patience, [] { return false; }));
}

void Runner::turn(Duration patience) {
    cluster_.turn(patience);
    if (now() >= next_memory_) {
        cluster_.note_memory();
        next_memory_ = now() + kMemoryInterval;
    }
    recorder_.flush();
    progress_.show(
        {doing_, recorder_.count(EventKind::kAccepted), recorder_.count(EventKind::kDelivered), cluster_.kills()});
    // SIGCHLD only wakes the loop: cluster_.turn() has noticed the end of the child.
    while (const std::optional<int> signal = signals_.next()) {
        if (*signal != SIGCHLD) {
            interrupted_ = true;
            progress_.say("interrupted");
        }
    }
}

void Runner::record(EventKind kind, const std::string& text) {
    Event event;
    event.kind = kind;
    event.text = text;
    recorder_.add(std::move(event));
}

void Runner::record(EventKind kind, const std::vector<Direction>& directions) {
    for (const auto& [from, to] : directions) {
        Event event;
        event.kind = kind;
        event.node = from;
        event.other = to;
        recorder_.add(std::move(event));
    }
}

}  // namespace tulle::chaos
