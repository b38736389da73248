#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tulle::cli {

/// A line of an answer of GET /metrics.
struct MetricLine {
    std::string name;
    /// The text between the braces, unread; empty for none.
    std::string labels;
    double value = 0;
    friend bool operator==(const MetricLine&, const MetricLine&) = default;
};

/// Reads the text format of Prometheus. Lines of another form are left out, and comments. Pure.
[[nodiscard]] std::vector<MetricLine> parse_metrics(std::string_view text);

/// The value of the first line named `name`. Nothing when there is none.
[[nodiscard]] std::optional<double> metric_of(const std::vector<MetricLine>& lines, std::string_view name);

}  // namespace tulle::cli
