#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/doctor_judge.hpp"
#include "tools/cli/metrics_text.hpp"

/// What `tulle check` judges and says, in the way of Nagios plugins. Pure: answers of nodes in, readings out.
namespace tulle::cli {

/// The states of Nagios. The number is the exit code.
enum class CheckState : std::uint8_t { kGood = 0, kWarning = 1, kCritical = 2, kUnknown = 3 };

/// "OK", "WARNING", "CRITICAL" or "UNKNOWN".
[[nodiscard]] std::string_view to_text(CheckState state);

/// A value for the graphs of a monitoring system.
struct PerfValue {
    std::string name;
    double value = 0;
    /// As Nagios writes units: "%", "c" for a counter; empty for a plain number.
    std::string unit;
    /// The limits; nothing where none is set.
    std::optional<double> warn = {};
    std::optional<double> crit = {};
    /// True when values below the limits are bad, and not the values above.
    bool is_least = false;
};

/// A single judgement.
struct Reading {
    CheckState state = CheckState::kGood;
    /// A word for programs, such as "connections".
    std::string name;
    /// For people.
    std::string text;
    std::optional<PerfValue> perf = {};
};

/// A whole check: a name, such as "node n1", and what was read.
struct CheckReport {
    std::string subject;
    std::vector<Reading> readings;
};

/// The limits of `tulle check node`.
struct NodeLimits {
    /// Percent of connections, memory and descriptors.
    double warn = 80;
    double crit = 95;
    /// Days until a certificate expires.
    double cert_warn = 14;
    double cert_crit = 3;
};

/// The answers of a node.
struct NodeAnswers {
    bool is_live = false;
    bool is_ready = false;
    std::vector<MetricLine> metrics;
    /// Seconds since 1970.
    double now_s = 0;
};

/// Judges a node. What the answers do not tell is left out.
[[nodiscard]] CheckReport judge_node_answers(const NodeAnswers& answers, const NodeLimits& limits);

/// The limits of `tulle check mesh`.
struct MeshLimits {
    /// Nodes that must answer and serve. Nothing: those that the mesh itself misses are missing.
    std::optional<std::size_t> expect;
    /// Missing nodes from which on the state is a warning, and critical.
    std::size_t warn = 1;
    std::size_t crit = 2;
    /// Holes in links, not filled by the link itself, beyond which there is a warning. Nothing: no limit.
    std::optional<std::uint64_t> max_gaps;
};

/// Judges a mesh by the last of its samples and by the diagnosis of doctor.
/// REQUIRES: `diagnosis` was made of samples that end with `last`.
[[nodiscard]] CheckReport judge_mesh(const MeshSample& last, const Diagnosis& diagnosis, const MeshLimits& limits);

/// A report that says nothing but that the question failed.
[[nodiscard]] CheckReport failed_report(const std::string& subject, CheckState state, const std::string& reason);

/// The worst state of the readings: critical, then warning, then unknown, then ok.
[[nodiscard]] CheckState worst_of(const CheckReport& report);

/// The report in `format`: "nagios" (one line with values for graphs), "text" (a line for each reading) or "json".
[[nodiscard]] std::string check_text(const CheckReport& report, std::string_view format);

}  // namespace tulle::cli
