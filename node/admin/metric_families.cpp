#include "node/admin/metric_families.hpp"

#include <limits>
#include <utility>

namespace tulle::node {
namespace {

constexpr double kMicrosecondsInSecond = 1e6;

/// The bound of a bucket in seconds.
double bound_of(std::size_t bucket) {
    return bucket < Histogram::kBounds.size()
               ? std::chrono::duration<double, std::micro>(Histogram::kBounds[bucket]).count() / kMicrosecondsInSecond
               : std::numeric_limits<double>::infinity();
}

}  // namespace

prometheus::MetricFamily family(std::string name, std::string help, Kind kind) {
    prometheus::MetricFamily result;
    result.name = "tulle_" + std::move(name);
    result.help = std::move(help);
    result.type = kind == Kind::kGauge ? prometheus::MetricType::Gauge : prometheus::MetricType::Counter;
    return result;
}

void add(prometheus::MetricFamily& target, double value, Labels labels) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    // The library keeps a value for each type of metric; the text shows the value of the family's type.
    if (target.type == prometheus::MetricType::Gauge) {
        metric.gauge.value = value;
    } else {
        metric.counter.value = value;
    }
    target.metric.push_back(std::move(metric));
}

prometheus::MetricFamily single(std::string name, std::string help, Kind kind, std::uint64_t value) {
    prometheus::MetricFamily result = family(std::move(name), std::move(help), kind);
    add(result, static_cast<double>(value));
    return result;
}

prometheus::MetricFamily histogram(std::string name, std::string help) {
    prometheus::MetricFamily result = family(std::move(name), std::move(help), Kind::kCounter);
    result.type = prometheus::MetricType::Histogram;
    return result;
}

void add(prometheus::MetricFamily& target, const std::vector<const Histogram*>& parts, Labels labels) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    std::uint64_t count = 0;
    for (std::size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
        for (const Histogram* part : parts) {
            count += part->in(bucket);
        }
        metric.histogram.bucket.push_back({count, bound_of(bucket)});
    }
    // The sum of the buckets, so that count and last bucket are equal although a shard counts meanwhile.
    metric.histogram.sample_count = count;
    for (const Histogram* part : parts) {
        metric.histogram.sample_sum += static_cast<double>(part->sum_us()) / kMicrosecondsInSecond;
    }
    target.metric.push_back(std::move(metric));
}

}  // namespace tulle::node
