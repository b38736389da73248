#pragma once

#include <boost/json.hpp>

#include "tools/load/histogram.hpp"
#include "tools/load/runner.hpp"
#include "tools/load/swarm.hpp"

namespace tulle::load {

/// p50, p90, p99, p999 and max in microseconds, and the count.
[[nodiscard]] boost::json::object latency_json(const Histogram& latency);

[[nodiscard]] boost::json::object connect_json(const ConnectReport& report);

/// A run; has a member "error" when something came that should not have, or a connection was lost. What is missing is a
/// number.
[[nodiscard]] boost::json::object run_json(const RunReport& report, const Histogram& latency);

[[nodiscard]] double seconds_of(Duration duration);

}  // namespace tulle::load
