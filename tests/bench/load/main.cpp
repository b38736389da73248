// The load generator as a process of the benchmark: connects once, then carries out the runs that it is told of on
// standard input, and answers each with a line of JSON. See README.md.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "tests/bench/load/command.hpp"
#include "tools/load/dialect.hpp"
#include "tools/load/report.hpp"
#include "tools/load/runner.hpp"
#include "tools/load/swarm.hpp"

namespace tulle::bench {
namespace {

struct Options {
    std::string protocol;
    load::SwarmConfig swarm;
    load::Plan plan;
    std::uint32_t published_channels = 0;
    std::string publish_via = "client-events";
    std::uint32_t http_batch = 1;
    std::string pids;
    load::AppKeys keys{.id = "app-id", .key = "app-key", .secret = "app-secret"};
};

void add_options(CLI::App& app, Options& options) {
    app.add_option("--protocol", options.protocol)
        ->required()
        ->check(CLI::IsMember({"pusher", "ws", "redis", "nats", "socketio"}));
    app.add_option("--subscribe", options.swarm.subscribe_at, "HOST:PORT,… taken in turn")->delimiter(',');
    app.add_option("--publish", options.swarm.publish_at, "HOST:PORT,… taken in turn")->delimiter(',');
    app.add_option("--subscribers", options.plan.subscribers, "Subscribing connections")->required();
    app.add_option("--publishers", options.plan.publishers, "Publishing connections")->capture_default_str();
    app.add_option("--channels", options.plan.channels, "Channels, over which the subscribers are spread")
        ->capture_default_str();
    app.add_option("--subscriptions-per-connection", options.plan.subscriptions_each)->capture_default_str();
    app.add_option("--published-channels", options.published_channels,
                   "So many of the channels, evenly among all, are published to (default: all, at most 1000)");
    app.add_option("--publish-via", options.publish_via,
                   "With pusher: client-events, or http (signed requests, kept alive)")
        ->check(CLI::IsMember({"client-events", "http"}))
        ->capture_default_str();
    app.add_option("--http-batch", options.http_batch, "Events in a request; more than 1: by the batch endpoint")
        ->check(CLI::Range(1, 1'000))
        ->capture_default_str();
    app.add_option("--pids", options.pids, "PID,PID of the server's processes, whose CPU is told");
    app.add_option("--app-id", options.keys.id)->capture_default_str();
    app.add_option("--app-key", options.keys.key)->capture_default_str();
    app.add_option("--app-secret", options.keys.secret);
    app.add_option("--connect-rate", options.swarm.connects_per_second, "Connections a second (0: as fast as it goes)");
    app.add_option("--source-addresses", options.swarm.source_addresses, "Addresses to connect from, taken in turn")
        ->delimiter(',');
}

std::unique_ptr<load::Dialect> dialect_of(const Options& options) {
    if (options.protocol == "ws") {
        return load::plain_ws_dialect();
    }
    if (options.protocol == "redis") {
        return load::redis_dialect();
    }
    if (options.protocol == "nats") {
        return load::nats_dialect();
    }
    if (options.protocol == "socketio") {
        return load::socketio_dialect();
    }
    if (options.publish_via == "http") {
        return load::http_dialect(options.keys, options.http_batch);
    }
    return load::pusher_dialect(options.keys);
}

load::Plan plan_of(const Options& options, const load::Dialect& dialect) {
    load::Plan plan = options.plan;
    plan.published_channels =
        options.published_channels > 0 ? options.published_channels : std::min<std::uint32_t>(plan.channels, 1'000);
    plan.publishers_hear = dialect.publishers_subscribe();
    if (const std::string complaint = plan.complaint(); !complaint.empty()) {
        throw std::runtime_error(complaint);
    }
    if (options.protocol != "pusher" && options.protocol != "redis" && options.protocol != "nats" &&
        plan.channels != 1) {
        throw std::runtime_error(options.protocol + " has one channel");
    }
    return plan;
}

/// Lines of standard input; the connections are served while there is none.
class Lines {
public:
    explicit Lines(load::Swarm& swarm) : swarm_(swarm) {}

    /// False at the end of the input.
    bool next(std::string& line) {
        for (;;) {
            if (const std::size_t end = held_.find('\n'); end != std::string::npos) {
                line = held_.substr(0, end);
                held_.erase(0, end + 1);
                return true;
            }
            std::array<pollfd, 2> watched{pollfd{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                                          pollfd{.fd = swarm_.descriptor(), .events = POLLIN, .revents = 0}};
            if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) {
                return false;
            }
            if (watched[1].revents != 0) {
                swarm_.poll(load::monotonic_now());
            }
            if (watched[0].revents != 0 && !read_some()) {
                return false;
            }
        }
    }

private:
    bool read_some() {
        std::array<char, 4'096> buffer{};
        const ssize_t size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (size > 0) {
            held_.append(buffer.data(), static_cast<std::size_t>(size));
        }
        return size > 0 || (size < 0 && errno == EINTR);
    }

    load::Swarm& swarm_;
    std::string held_;
};

void say(const boost::json::object& object) {
    std::cout << boost::json::serialize(object) << std::endl;
}

boost::json::object run_one(load::Swarm& swarm, load::Runner& runner, const load::RunOptions& options,
                            const std::vector<pid_t>& pids) {
    if (const std::string complaint = runner.complaint(options); !complaint.empty()) {
        return {{"error", complaint}};
    }
    const load::RunReport report = runner.run(options, pids);
    return load::run_json(report, swarm.ledger().latency());
}

void serve(load::Swarm& swarm, load::Runner& runner, std::vector<pid_t> pids) {
    Lines lines(swarm);
    std::string line;
    while (lines.next(line)) {
        Command command = parse_command(line);
        if (std::holds_alternative<Quit>(command)) {
            return;
        }
        if (const Wrong* const wrong = std::get_if<Wrong>(&command)) {
            say({{"error", wrong->why}});
        } else if (WatchPids* const watch = std::get_if<WatchPids>(&command)) {
            pids = std::move(watch->pids);
            say({{"pids", pids.size()}});
        } else {
            say(run_one(swarm, runner, std::get<load::RunOptions>(command), pids));
        }
    }
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app{"Load generator of the benchmark", "bench_load"};
    add_options(app, options);
    CLI11_PARSE(app, argc, argv);
    std::vector<pid_t> pids;
    if (!parse_pids(options.pids, pids)) {
        throw std::runtime_error("--pids needs PID,PID,…");
    }
    const std::unique_ptr<load::Dialect> dialect = dialect_of(options);
    const load::Plan plan = plan_of(options, *dialect);
    load::Swarm swarm(*dialect, plan, options.swarm);
    const load::ConnectReport connected = swarm.connect({});
    if (connected.failed > 0) {
        throw std::runtime_error(std::to_string(connected.failed) + " of " +
                                 std::to_string(connected.failed + connected.ready) +
                                 " connections failed, the first: " + connected.first_failure);
    }
    boost::json::object ready = load::connect_json(connected);
    ready["ready"] = true;
    say(ready);
    load::Runner runner(swarm, *dialect, plan);
    serve(swarm, runner, std::move(pids));
    return 0;
}

}  // namespace
}  // namespace tulle::bench

int main(int argc, char** argv) {
    try {
        return tulle::bench::run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "bench_load: " << error.what() << "\n";
        return 1;
    }
}
