#include "tools/chaos/runner.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <utility>

#include "tools/chaos/checker.hpp"
#include "tools/chaos/slow_client.hpp"

namespace tulle::chaos {
namespace {

constexpr Duration kUpPatience = 30s;
constexpr Duration kLeavePatience = 10s;
constexpr Duration kJoinPatience = 10s;
constexpr Duration kTurn = 50ms;
/// The end of a run: the mesh must be whole again within 5 s, and the last messages have 3 s to arrive.
constexpr Duration kRest = 5500ms;
constexpr Duration kDrain = 3500ms;

}  // namespace

Runner::Runner(const ChaosOptions& options, const std::vector<cli::Endpoints>& running, cli::Signals& signals)
    : options_(options),
      signals_(signals),
      recorder_(options.history),
      cluster_({options.nodes, options.tulled, running, options.logs}, signals, recorder_) {}

History Runner::run(const std::vector<Fault>& plan) {
    Event first;
    first.kind = EventKind::kRun;
    first.number = options_.nodes;
    first.text = std::to_string(options_.seed);
    recorder_.add(std::move(first));
    bring_up();
    for (std::size_t i = 0; i < plan.size() && !interrupted_; ++i) {
        wait(plan[i].pause);
        if (!interrupted_) {
            say("fault " + std::to_string(i + 1) + " of " + std::to_string(plan.size()) + ": " + describe(plan[i]));
            perform(plan[i]);
        }
    }
    if (plan.empty()) {
        watch();
    }
    come_to_rest();
    subscribers_.clear();
    publishers_.clear();
    watcher_.reset();
    return recorder_.finish();
}

void Runner::bring_up() {
    say((options_.peers.empty() ? "starting " : "watching ") + std::to_string(options_.nodes) + " nodes");
    std::vector<std::string> admins;
    for (std::uint32_t node = 1; node <= options_.nodes; ++node) {
        cluster_.start(node);
        admins.push_back(cluster_.endpoints(node).admin);
    }
    watcher_ = std::make_unique<Watcher>(admins, recorder_);
    if (!wait(kUpPatience, [this] { return watcher_->is_whole(); }) && !interrupted_) {
        throw std::runtime_error("the mesh has not come up");
    }
    for (std::uint32_t i = 0; i < options_.clients * options_.nodes && !interrupted_; ++i) {
        const std::uint32_t node = i % options_.nodes + 1;
        subscribers_.push_back(std::make_unique<ChaosSubscriber>(target(node), i * kChannelsOfClient, recorder_));
    }
    const std::size_t expected = subscribers_.size() * kChannelsOfClient;
    if (!wait(kUpPatience, [&] { return recorder_.count(EventKind::kSubscribed) >= expected; }) && !interrupted_) {
        throw std::runtime_error("the clients have not been subscribed");
    }
    const double rate = static_cast<double>(options_.rate) / options_.nodes;
    for (std::uint32_t node = 1; node <= options_.nodes && !interrupted_; ++node) {
        publishers_.push_back(std::make_unique<ChaosPublisher>(target(node), rate, recorder_));
    }
    wait(1s);
}

void Runner::perform(const Fault& fault) {
    record(EventKind::kFault, describe(fault));
    switch (fault.kind) {
        case FaultKind::kStop:
            cluster_.stop(fault.nodes.front());
            wait(fault.hold);
            cluster_.resume(fault.nodes.front());
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
        case FaultKind::kSlow: {
            std::vector<std::string> channels;
            for (std::uint32_t channel = 1; channel <= kChannels; ++channel) {
                channels.push_back(channel_name(channel));
            }
            const SlowClient slow(cluster_.endpoints(fault.nodes.front()).listen, options_.app_key, channels);
            wait(fault.hold);
            break;
        }
        default:
            kill_and_restart(fault);
            break;
    }
    record(EventKind::kCalm, describe(fault));
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
            say("n" + std::to_string(node) + " does not leave");
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
    record(EventKind::kFault, "none");
    wait(std::max<Duration>(std::chrono::seconds(options_.seconds) - kRest - kDrain, kHeal));
    record(EventKind::kCalm, "none");
}

Target Runner::target(std::uint32_t node) const {
    return {node, cluster_.endpoints(node).listen, options_.app_id, options_.app_key, options_.app_secret};
}

void Runner::come_to_rest() {
    if (!interrupted_) {
        say("coming to rest");
    }
    wait(kRest);
    for (const std::unique_ptr<ChaosPublisher>& publisher : publishers_) {
        publisher->stop();
    }
    wait(kDrain);
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
        cluster_.turn(std::min<Duration>(deadline - moment, kTurn));
        recorder_.flush();
        while (const std::optional<int> signal = signals_.next()) {
            if (*signal != SIGCHLD) {
                interrupted_ = true;
                say("interrupted");
            }
        }
    }
    return false;
}

void Runner::wait(Duration patience) {
    static_cast<void>(wait(patience, [] { return false; }));
}

void Runner::record(EventKind kind, const std::string& text) {
    Event event;
    event.kind = kind;
    event.text = text;
    recorder_.add(std::move(event));
}

void Runner::say(const std::string& what) {
    std::array<char, 64> head{};
    std::snprintf(head.data(), head.size(), "%7.1f s %8zu accepted %9zu delivered  ",
                  std::chrono::duration<double>(now().time_since_epoch()).count(),
                  recorder_.count(EventKind::kAccepted), recorder_.count(EventKind::kDelivered));
    std::cerr << head.data() << what << "\n";
}

}  // namespace tulle::chaos
