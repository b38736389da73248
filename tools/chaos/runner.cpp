#include "tools/chaos/runner.hpp"

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <utility>

#include "tools/chaos/checker.hpp"
#include "tools/chaos/rest_reader.hpp"
#include "tools/chaos/slow_client.hpp"

namespace tulle::chaos {
namespace {

constexpr Duration kUpPatience = 30s;
constexpr Duration kLeavePatience = 10s;
constexpr Duration kJoinPatience = 10s;
constexpr Duration kTurn = 50ms;
constexpr Duration kMemoryInterval = 500ms;
/// The end of a run: the mesh must be whole again within 5 s, and the last messages have 3 s to arrive.
constexpr Duration kRest = 6s;
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
    Event first;
    first.kind = EventKind::kRun;
    first.number = options_.nodes;
    first.text = std::to_string(options_.seed);
    recorder_.add(std::move(first));
    bring_up();
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
    watcher_ = std::make_unique<Watcher>(admins, recorder_);
    if (!wait(kUpPatience, [this] { return watcher_->is_whole(); }) && !interrupted_) {
        throw std::runtime_error("the mesh has not come up");
    }
    subscribe();
    const double rate = static_cast<double>(options_.rate) / options_.nodes;
    for (std::uint32_t node = 1; node <= options_.nodes && !interrupted_; ++node) {
        publishers_.push_back(std::make_unique<ChaosPublisher>(target(node), rate, recorder_));
    }
    wait(1s);
}

void Runner::subscribe() {
    std::size_t expected = 0;
    for (std::uint32_t i = 0; i < options_.clients * options_.nodes && !interrupted_; ++i) {
        std::vector<std::uint32_t> channels;
        for (std::uint32_t k = 0; k < kChannelsOfClient; ++k) {
            channels.push_back((i * kChannelsOfClient + k) % kChannels + 1);
        }
        if (i < options_.nodes) {
            channels.push_back(kCanaryChannel);
            channels.push_back(kFirstHookChannel + options_.nodes + i);  // occupied for good
        }
        expected += channels.size();
        subscribers_.push_back(std::make_unique<ChaosSubscriber>(target(i % options_.nodes + 1), channels, recorder_));
    }
    if (!wait(kUpPatience, [&] { return recorder_.count(EventKind::kSubscribed) >= expected; }) && !interrupted_) {
        throw std::runtime_error("the clients have not been subscribed");
    }
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
        wait(kTurn);
        wait(kJoinPatience, [this] { return watcher_->is_whole(); });
    }
}

void Runner::watch() {
    record(EventKind::kFault, kNoFault);
    wait(std::max<Duration>(std::chrono::seconds(options_.seconds) - kRest - kDrain, kHeal));
    record(EventKind::kCalm, kNoFault);
}

Target Runner::target(std::uint32_t node) const {
    return {node, cluster_.endpoints(node).listen, options_.app_id, options_.app_key, options_.app_secret};
}

void Runner::come_to_rest() {
    doing_ = "rest";
    guests_.clear();
    movers_.clear();
    wait(kRest);
    for (const std::unique_ptr<ChaosPublisher>& publisher : publishers_) {
        if (!interrupted_) {
            publisher->finish();
        }
    }
    wait(kDrain);
    if (!interrupted_) {
        read_all();
    }
}

void Runner::read_all() {
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
