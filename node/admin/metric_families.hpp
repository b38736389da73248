#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <prometheus/metric_family.h>

#include "node/core/histogram.hpp"

/// How the metrics of the node become the values of the Prometheus library.
namespace tulle::node {

/// The labels of a value.
using Labels = std::vector<prometheus::ClientMetric::Label>;
using Families = std::vector<prometheus::MetricFamily>;

enum class Kind : std::uint8_t { kCounter, kGauge };

/// A metric without values yet. The name gets the prefix "tulle_".
[[nodiscard]] prometheus::MetricFamily family(std::string name, std::string help, Kind kind);
/// Adds a value to a metric.
void add(prometheus::MetricFamily& target, double value, Labels labels = {});
/// A metric with a single value.
[[nodiscard]] prometheus::MetricFamily single(std::string name, std::string help, Kind kind, std::uint64_t value);
/// A histogram without values yet. The name gets the prefix "tulle_".
[[nodiscard]] prometheus::MetricFamily histogram(std::string name, std::string help);
/// Adds the sum of several histograms under the labels.
void add(prometheus::MetricFamily& target, const std::vector<const Histogram*>& parts, Labels labels = {});

}  // namespace tulle::node
