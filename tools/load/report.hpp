#pragma once

#include <boost/json.hpp>

#include "tools/load/histogram.hpp"
#include "tools/load/runner.hpp"
#include "tools/load/swarm.hpp"

namespace tulle::load {

/// p50, p90, p99, p999 and max in microseconds, and the count.
[[nodiscard]] boost::json::object latency_json(const Histogram& latency);

/// The connections of a swarm: counts, seconds, and latencies as by latency_json().
[[nodiscard]] boost::json::object connect_json(const ConnectReport& report);

/// The figures of a run. The member "error" is present when wrong messages came or a connection was lost. Missing
/// messages have a number of their own and are no error.
[[nodiscard]] boost::json::object run_json(const RunReport& report, const Histogram& latency);

/// Seconds as a number with a fraction.
[[nodiscard]] double seconds_of(Duration duration);

}  // namespace tulle::load
