#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>

#include <boost/json.hpp>

#include "client/wire/server_url.hpp"
#include "tools/cli/app_options.hpp"
#include "tools/cli/app_urls.hpp"
#include "tools/cli/bench_options.hpp"
#include "tools/cli/bench_text.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/signals.hpp"
#include "tools/load/report.hpp"
#include "tools/load/runner.hpp"
#include "tools/load/swarm.hpp"

namespace tulle::cli {
namespace {

// A publisher of client events must subscribe to all published channels, so their number is bounded.
constexpr std::uint32_t kPublishedChannels = 1'000;

/// The nodes to connect to.
struct Nodes {
    /// HOST:PORT of each.
    std::vector<std::string> endpoints;
    bool is_tls = false;
};

/// The nodes of the URLs. Throws std::invalid_argument for a wrong URL.
Nodes nodes_of(const AppOptions& app) {
    Nodes out;
    for (const std::string& url : with_scheme(app.urls, "ws")) {
        const auto parsed = client::parse_server_url(url, "ws");
        if (!parsed) {
            throw std::invalid_argument("--url " + url + ": " + std::string(client::describe(parsed.error())));
        }
        if (!parsed->prefix.empty()) {
            throw std::invalid_argument("--url " + url +
                                        ": bench speaks to nodes themselves, which have no path before /app");
        }
        if (!out.endpoints.empty() && parsed->is_tls != out.is_tls) {
            throw std::invalid_argument("--url " + url + ": bench speaks to all nodes with TLS, or to all without");
        }
        out.is_tls = parsed->is_tls;
        out.endpoints.push_back(
            (parsed->host.find(':') == std::string::npos ? parsed->host : "[" + parsed->host + "]") + ":" +
            parsed->port);
    }
    return out;
}

/// The connections and channels of the run. Throws std::invalid_argument for numbers that exclude each other.
load::Plan plan_of(const BenchOptions& options) {
    if (options.channels > options.subscribers) {
        throw std::invalid_argument("there are more channels than connections: some would have nobody to hear them");
    }
    load::Plan plan{.subscribers = options.subscribers,
                    .publishers = has_traffic(options) ? options.publishers : 0,
                    .channels = options.channels,
                    .published_channels = std::min(options.channels, kPublishedChannels),
                    .publishers_hear = options.via != "http"};
    if (const std::string complaint = plan.complaint(); !complaint.empty()) {
        throw std::invalid_argument(complaint);
    }
    return plan;
}

/// The nodes to connect to, and the pace of connecting. A relay publishes at the first node alone, and subscribes at
/// the others alone, so that every message crosses the mesh.
load::SwarmConfig swarm_config(const BenchOptions& options) {
    const Nodes found = nodes_of(options.app);
    const std::vector<std::string>& nodes = found.endpoints;
    load::SwarmConfig config{.subscribe_at = nodes,
                             .publish_at = nodes,
                             .source_addresses = options.source_addresses,
                             .connects_per_second = options.connect_rate,
                             .opening_at_once = options.at_once};
    if (found.is_tls) {
        config.trust = std::make_shared<client::ServerTrust>(options.app.ca_file, "tulle");
    }
    if (options.kind == BenchKind::kRelay) {
        if (nodes.size() < 2) {
            throw std::invalid_argument("relay needs two nodes at least: --url URL --url URL");
        }
        config.publish_at = {nodes.front()};
        config.subscribe_at.erase(config.subscribe_at.begin());
    }
    return config;
}

/// The measurement. Without a rate each publisher keeps `window` messages under way.
load::RunOptions run_options(const BenchOptions& options) {
    using Kind = load::RunOptions::Kind;
    return {.kind = !has_traffic(options) ? Kind::kIdle
                    : options.rate > 0    ? Kind::kRate
                                          : Kind::kSaturate,
            .text_bytes = options.payload,
            .length = Duration(static_cast<Duration::rep>(options.seconds * 1e9)),
            .rate = options.rate,
            .window = options.window};
}

/// The memory of the processes before the first connection.
std::vector<ProcessMemory> memory_of(const std::vector<pid_t>& pids) {
    std::vector<ProcessMemory> out;
    for (const pid_t pid : pids) {
        const std::optional<std::uint64_t> bytes = load::rss_of(pid);
        if (!bytes) {
            throw std::invalid_argument("--pid " + std::to_string(pid) + ": there is no such process on this machine");
        }
        out.push_back({.pid = pid, .before = *bytes});
    }
    return out;
}

/// A line of progress on standard error, for people: each text overwrites the last. Shown on a terminal alone.
class ProgressLine {
public:
    ProgressLine() : shown_(::isatty(STDERR_FILENO) == 1) {}
    void show(const std::string& text) const {
        if (shown_) {
            std::cerr << "\r\x1b[K" << text << std::flush;
        }
    }

private:
    bool shown_;
};

/// No connection, or wrong keys: unreachable. A loss, a duplicate or a failed connection: failed.
int exit_code_of(const BenchResult& result) {
    if (result.connected.ready == 0 || unauthorised(result.connected.first_failure) ||
        unauthorised(result.run.complaints.first)) {
        return kUnreachable;
    }
    if (result.connected.failed > 0 || !result.ran) {
        return kFailed;
    }
    return result.run.clean() ? kOk : kFailed;
}

/// A run: connects, measures, and notes memory. A signal ends the run early, with the figures so far.
class Bench {
public:
    explicit Bench(const BenchOptions& options)
        : options_(options),
          keys_{options.app.id, options.app.key, options.app.secret},
          dialect_(options.via == "http" ? load::http_dialect(keys_, options.http_batch) : load::pusher_dialect(keys_)),
          plan_(plan_of(options)),
          swarm_(*dialect_, plan_, swarm_config(options)) {
        result_.memory = memory_of(options.pids);
    }

    BenchResult run() {
        const std::uint32_t total = plan_.subscribers + plan_.publishers;
        result_.connected = swarm_.connect([this, total](std::uint32_t ready, std::uint32_t failed) {
            progress_.show(connecting_line(ready, failed, total));
            return !interrupted();
        });
        // With connections missing the figures would be wrong, so nothing is measured. A storm has measured already.
        const bool whole = result_.connected.ready == total;
        if (options_.kind != BenchKind::kStorm && whole) {
            carry_out();
        }
        result_.ran = options_.kind == BenchKind::kStorm ? !signalled_ : result_.ran;
        for (ProcessMemory& memory : result_.memory) {
            memory.after = load::rss_of(memory.pid).value_or(0);
        }
        progress_.show("");
        return std::move(result_);
    }

private:
    /// Runs the measurement.
    void carry_out() {
        load::Runner runner(swarm_, *dialect_, plan_, [this](Duration elapsed, std::uint64_t deliveries) {
            progress_.show(running_line(elapsed, deliveries));
            // The first refused publish ends the run, because the other publishes would be refused too.
            return !interrupted() && !refused(swarm_.complaints().first);
        });
        const load::RunOptions run = run_options(options_);
        if (const std::string complaint = runner.complaint(run); !complaint.empty()) {
            throw std::invalid_argument(complaint);
        }
        result_.run = runner.run(run, options_.pids);
        result_.latency = swarm_.ledger().latency();
        result_.ran = true;
    }

    /// True once a signal has come.
    bool interrupted() {
        signalled_ = signalled_ || signals_.next().has_value();
        return signalled_;
    }

    const BenchOptions& options_;
    load::AppKeys keys_;
    std::unique_ptr<load::Dialect> dialect_;
    load::Plan plan_;
    load::Swarm swarm_;
    // Constructed before the measurement, so that Ctrl-C never loses the figures.
    Signals signals_{SIGINT, SIGTERM};
    bool signalled_ = false;
    ProgressLine progress_;
    BenchResult result_;
};

}  // namespace

int run_bench(const BenchOptions& given) {
    BenchOptions options = given;
    use_default_url(options.app);
    std::optional<Bench> bench;
    // A std::runtime_error of the preparations counts as: no node can be reached.
    try {
        bench.emplace(options);
    } catch (const std::runtime_error& error) {
        std::cerr << "tulle: " << error.what() << "\n";
        return kUnreachable;
    }
    const BenchResult result = bench->run();
    if (options.json) {
        std::cout << boost::json::serialize(bench_json(options, result)) << "\n";
    } else {
        std::cout << bench_text(options, result);
    }
    // Advice goes to standard error, so that standard output holds the result alone.
    for (const std::string& advice : bench_advice(options, result)) {
        std::cerr << "tulle: " << advice << "\n";
    }
    return exit_code_of(result);
}

}  // namespace tulle::cli
