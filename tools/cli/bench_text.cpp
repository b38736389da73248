#include "tools/cli/bench_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "mesh/base/assert.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/load/report.hpp"

namespace tulle::cli {
namespace {

// A part of a core. A busier load generator measures itself rather than the nodes.
constexpr double kBusy = 0.9;

/// A number with the given digits after the point.
std::string fixed(double value, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return text.data();
}

/// A number with its noun, in singular or plural.
std::string counted(std::uint64_t count, const std::string& what) {
    return grouped(count) + " " + what + (count == 1 ? "" : "s");
}

/// `text`, filled up to the width of the first column.
std::string padded(std::string text) {
    text.resize(std::max<std::size_t>(text.size() + 1, 12), ' ');
    return text;
}

/// The quantiles of a histogram, in a single line.
std::string latencies(const load::Histogram& latency) {
    std::string out;
    for (const auto& [name, part] :
         {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1.0}}) {
        out += (out.empty() ? "" : "   ") + std::string(name) + " " + readable(latency.quantile(part));
    }
    return out;
}

/// The first line: the parameters of the run.
std::string headline(const BenchOptions& options) {
    const std::string name(to_string(options.kind));
    if (!has_traffic(options)) {
        return name + ": " + counted(options.subscribers, "connection") + ", " + counted(options.channels, "channel") +
               "\n";
    }
    std::string out =
        name + ": " + counted(options.publishers, "publisher") + " (" +
        (options.via == "http" ? "HTTP, " + counted(options.http_batch, "event") + " a request" : "client events") +
        ") to " + counted(options.subscribers, "subscriber") + ", " + counted(options.channels, "channel") + ", " +
        counted(options.payload, "byte");
    out += options.rate > 0 ? ", " + fixed(options.rate, options.rate < 10 ? 1 : 0) + " messages/s, open loop"
                            : ", as fast as it goes with " + grouped(options.window) + " under way, closed loop";
    return out + "\n";
}

/// The lines about messages: sent, delivered, requests, latency.
std::string deliveries_lines(const BenchOptions& options, const BenchResult& result) {
    const load::RunReport& run = result.run;
    const double seconds = load::seconds_of(run.took);
    const auto rate = [seconds](std::uint64_t count) {
        return grouped(static_cast<std::uint64_t>(std::llround(static_cast<double>(count) / seconds))) + "/s";
    };
    std::string out =
        "  sent        " + counted(run.sent, "message") + " in " + fixed(seconds, 2) + " s (" + rate(run.sent) + ")\n";
    out += "  delivered   " + grouped(run.tally.received) + " of " + grouped(run.expected) + " (" +
           rate(run.tally.received) + "); " +
           (run.clean() ? "none lost, duplicated or out of order" : "WRONG: " + printable(run.trouble())) + "\n";
    if (run.requests > 0) {
        out += "  requests    " + grouped(run.requests) + " (" + rate(run.requests) + ")\n";
    }
    // The latency of an open loop counts from the time when a message was due. A late sender would otherwise hide the
    // delay that slow nodes cause.
    if (result.latency.count() > 0) {
        out +=
            "  latency     " + latencies(result.latency) + "\n              counted from " +
            (options.rate > 0 ? "when each message was due, sent late or not (no coordinated omission)\n"
                              : "the moment of sending: shows how long a full queue is, not how long an event takes\n");
    }
    return out;
}

/// A line for each process of --pid: CPU time and memory.
std::string process_lines(const BenchOptions& options, const BenchResult& result) {
    std::string out;
    const double seconds = load::seconds_of(result.run.took);
    for (const ProcessMemory& memory : result.memory) {
        out += "  " + padded("pid " + std::to_string(memory.pid));
        if (const auto used = result.run.cpu.by_pid.find(memory.pid);
            used != result.run.cpu.by_pid.end() && seconds > 0) {
            const double cpu = load::seconds_of(used->second);
            out += "CPU " + fixed(100 * cpu / seconds, 1) + " % of a core";
            if (result.run.tally.received > 0) {
                out += ", " + fixed(1e6 * cpu / static_cast<double>(result.run.tally.received), 2) + " us a delivery";
            }
            out += "; ";
        }
        // Memory may also shrink, so the difference is computed in floating point.
        const double grown = static_cast<double>(memory.after) - static_cast<double>(memory.before);
        out += "memory " + fixed(static_cast<double>(memory.after) / 1e6, 1) + " MB, grown by " +
               fixed(grown / 1e6, 1) + " MB";
        if (!has_traffic(options)) {
            out += ", " + fixed(grown / 1e3 / options.subscribers, 2) +
                   " KB a connection (of a node that had fewer before)";
        }
        out += "\n";
    }
    return out;
}

}  // namespace

std::string readable(Duration duration) {
    const double ns = static_cast<double>(duration.count());
    for (const auto& [unit, size] : {std::pair{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}}) {
        const double value = ns / size;
        // 0.9995 rounds up to 1.00, so the larger unit is right from there on.
        if (value >= 0.9995) {
            return fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + " " + unit;
        }
    }
    return fixed(ns, 0) + " ns";
}

std::string grouped(std::uint64_t number) {
    std::string out = std::to_string(number);
    for (std::size_t at = out.size(); at > 3; at -= 3) {
        out.insert(at - 3, ",");
    }
    return out;
}

std::string_view to_string(BenchKind kind) {
    switch (kind) {
        case BenchKind::kFanout:
            return "fanout";
        case BenchKind::kRelay:
            return "relay";
        case BenchKind::kStorm:
            return "storm";
        case BenchKind::kIdle:
            break;
    }
    return "idle";
}

std::string connecting_line(std::uint32_t ready, std::uint32_t failed, std::uint32_t total) {
    return "connecting: " + grouped(ready) + " of " + grouped(total) +
           (failed > 0 ? ", " + grouped(failed) + " failed" : "");
}

std::string running_line(Duration elapsed, std::uint64_t deliveries) {
    TULLE_ASSERT(elapsed > Duration::zero());
    const double seconds = load::seconds_of(elapsed);
    return fixed(seconds, 1) + " s: " + grouped(deliveries) + " deliveries, " +
           grouped(static_cast<std::uint64_t>(static_cast<double>(deliveries) / seconds)) + "/s";
}

bool refused(std::string_view complaint) {
    return complaint.find("4301") != std::string_view::npos || complaint.find("HTTP/1.1 4") != std::string_view::npos;
}

bool unauthorised(std::string_view complaint) {
    return complaint.find("HTTP/1.1 401") != std::string_view::npos ||
           complaint.find("HTTP/1.1 404") != std::string_view::npos ||
           // An answer to a subscription has "AuthError" in place of a status.
           complaint.find("\"AuthError\"") != std::string_view::npos;
}

std::string bench_text(const BenchOptions& options, const BenchResult& result) {
    const load::ConnectReport& connected = result.connected;
    std::string out = headline(options);
    if (has_traffic(options) && result.ran) {
        out += deliveries_lines(options, result);
    } else if (options.kind == BenchKind::kIdle && result.ran) {
        out += "  held        for " + fixed(load::seconds_of(result.run.took), 1) + " s; " +
               (result.run.clean() ? "none lost" : "WRONG: " + printable(result.run.trouble())) + "\n";
    }
    out += "  connected   " + grouped(connected.ready) + " in " + fixed(load::seconds_of(connected.took), 2) + " s, " +
           grouped(connected.failed) + " failed" +
           (connected.failed > 0 ? ", the first: " + printable(connected.first_failure) : "") + "\n";
    if (connected.latency.count() > 0) {
        out += "  subscribed  " + latencies(connected.latency) + " after connect()\n";
    }
    return out + process_lines(options, result);
}

boost::json::object bench_json(const BenchOptions& options, const BenchResult& result) {
    boost::json::object out{{"bench", std::string(to_string(options.kind))},
                            {"subscribers", options.subscribers},
                            {"channels", options.channels},
                            {"connect", load::connect_json(result.connected)}};
    if (has_traffic(options)) {
        out["publishers"] = options.publishers;
        out["payload"] = options.payload;
        out["rate"] = options.rate;
        out["via"] = options.via;
    }
    if (!result.connected.first_failure.empty()) {
        out["connect"].as_object()["error"] = result.connected.first_failure;
    }
    if (result.ran && options.kind != BenchKind::kStorm) {
        out["run"] = load::run_json(result.run, result.latency);
        out["trouble"] = result.run.trouble();
    }
    boost::json::object memory;
    for (const ProcessMemory& process : result.memory) {
        memory[std::to_string(process.pid)] = {{"rss_before", process.before}, {"rss_after", process.after}};
    }
    out["memory"] = std::move(memory);
    return out;
}

std::vector<std::string> bench_advice(const BenchOptions& options, const BenchResult& result) {
    std::vector<std::string> out;
    const load::ConnectReport& connected = result.connected;
    if (connected.failed > 0 && options.kind != BenchKind::kStorm) {
        out.push_back(counted(connected.failed, "connection") +
                      " failed, so nothing was measured: " + printable(connected.first_failure));
    }
    const std::string& complaint = result.run.complaints.first;
    // 4301 is the error of client events that the app forbids or limits.
    if (complaint.find("4301") != std::string::npos) {
        out.emplace_back(
            "the node refuses these client events: give the app client_events = true and client_events_per_second = 0 "
            "(no limit; "
            "10 for a connection is the default), or publish with --via http");
    } else if (unauthorised(complaint)) {
        out.emplace_back("the node refuses to publish: see --app-id, --app-key and --app-secret");
    } else if (complaint.find("HTTP/1.1 429") != std::string::npos) {
        out.emplace_back("the app's max_backend_events_per_second is less than what was published");
    } else if (complaint.find("HTTP/1.1 400") != std::string::npos && options.http_batch > 1) {
        out.emplace_back("a request may hold max_event_batch_size events of the app (10 by default): see --http-batch");
    }
    if (result.run.unsent > 0 && options.via == "http") {
        out.emplace_back("a publisher waits for the answer to each request: see --publishers and --http-batch");
    }
    const double seconds = load::seconds_of(result.run.took);
    // The generator's own limit must not be taken for the limit of the nodes.
    if (seconds > 0 && load::seconds_of(result.run.cpu.own) > kBusy * seconds) {
        out.emplace_back("this program used all of a core: the figures show what it can do, not what the node can");
    }
    return out;
}

}  // namespace tulle::cli
