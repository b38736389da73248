#include "tools/load/report.hpp"

#include <cmath>
#include <string>

namespace tulle::load {
namespace {

/// Microseconds with a digit behind the point.
double microseconds(Duration duration) {
    return std::round(static_cast<double>(duration.count()) / 100) / 10;
}

}  // namespace

double seconds_of(Duration duration) {
    return static_cast<double>(duration.count()) / 1e9;
}

boost::json::object latency_json(const Histogram& latency) {
    return {{"p50", microseconds(latency.quantile(0.5))},  {"p90", microseconds(latency.quantile(0.9))},
            {"p99", microseconds(latency.quantile(0.99))}, {"p999", microseconds(latency.quantile(0.999))},
            {"max", microseconds(latency.max())},          {"count", latency.count()}};
}

boost::json::object connect_json(const ConnectReport& report) {
    return {{"connections", report.ready},
            {"failed", report.failed},
            {"connect_seconds", seconds_of(report.took)},
            {"connect_latency_us", latency_json(report.latency)}};
}

boost::json::object run_json(const RunReport& report, const Histogram& latency) {
    const double seconds = seconds_of(report.took);
    boost::json::object by_pid;
    for (const auto& [pid, used] : report.cpu.by_pid) {
        by_pid[std::to_string(pid)] = used.count();
    }
    boost::json::object out{{"sent", report.sent},
                            {"expected", report.expected},
                            {"received", report.tally.received},
                            {"seconds", seconds},
                            {"cpu_ns", report.cpu.sum.count()},
                            {"cpu_ns_by_pid", by_pid},
                            {"generator_cpu_ns", report.cpu.own.count()},
                            {"messages_per_s", static_cast<double>(report.sent) / seconds},
                            {"deliveries_per_s", static_cast<double>(report.tally.received) / seconds},
                            {"latency_us", latency_json(latency)},
                            {"missing", report.missing()},
                            {"unsent", report.unsent},
                            {"duplicates", report.tally.duplicates},
                            {"out_of_order", report.tally.out_of_order},
                            {"malformed", report.tally.malformed},
                            {"stale", report.tally.stale}};
    // Only publishing by HTTP has requests.
    if (report.requests > 0) {
        out["requests"] = report.requests;
        out["requests_per_s"] = static_cast<double>(report.requests) / seconds;
    }
    if (const std::string errors = report.errors(); !errors.empty()) {
        out["error"] = errors;
    }
    return out;
}

}  // namespace tulle::load
