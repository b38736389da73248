#include "tools/cli/metrics_text.hpp"

#include <algorithm>
#include <charconv>

namespace tulle::cli {
namespace {

/// The value in `text`, the rest of a line behind the name. A time stamp may follow the value.
std::optional<double> value_in(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    text = text.substr(0, text.find(' '));
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() && !text.empty() ? std::optional(value)
                                                                                     : std::nullopt;
}

/// The end of the labels that begin at `open`, the place of the closing brace. A quoted value may hold braces.
std::size_t end_of_labels(std::string_view line, std::size_t open) {
    bool is_quoted = false;
    for (std::size_t i = open + 1; i < line.size(); ++i) {
        if (is_quoted && line[i] == '\\') {
            ++i;
        } else if (line[i] == '"') {
            is_quoted = !is_quoted;
        } else if (line[i] == '}' && !is_quoted) {
            return i;
        }
    }
    return std::string_view::npos;
}

std::optional<MetricLine> parse_line(std::string_view line) {
    const std::size_t end = line.find_first_of("{ ");
    if (line.empty() || line.front() == '#' || end == std::string_view::npos || end == 0) {
        return std::nullopt;
    }
    MetricLine out{std::string(line.substr(0, end)), {}, 0};
    std::size_t rest = end;
    if (line[end] == '{') {
        const std::size_t close = end_of_labels(line, end);
        if (close == std::string_view::npos) {
            return std::nullopt;
        }
        out.labels = line.substr(end + 1, close - end - 1);
        rest = close + 1;
    }
    const std::optional<double> value = value_in(line.substr(rest));
    if (!value) {
        return std::nullopt;
    }
    out.value = *value;
    return out;
}

}  // namespace

std::vector<MetricLine> parse_metrics(std::string_view text) {
    std::vector<MetricLine> out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (std::optional<MetricLine> line = parse_line(text.substr(0, end))) {
            out.push_back(std::move(*line));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::optional<double> metric_of(const std::vector<MetricLine>& lines, std::string_view name) {
    const auto found =
        std::find_if(lines.begin(), lines.end(), [name](const MetricLine& line) { return line.name == name; });
    return found == lines.end() ? std::nullopt : std::optional(found->value);
}

}  // namespace tulle::cli
