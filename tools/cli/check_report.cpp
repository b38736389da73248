#include "tools/cli/check_report.hpp"

#include <algorithm>
#include <cmath>

#include <boost/json.hpp>

#include "tools/cli/terminal.hpp"
#include "tools/cli/text_table.hpp"

namespace tulle::cli {
namespace {

constexpr double kSecondsOfDay = 86'400;

/// The state of a value that is worse the larger it is.
CheckState state_above(double value, double warn, double crit) {
    if (value >= crit) {
        return CheckState::kCritical;
    }
    return value >= warn ? CheckState::kWarning : CheckState::kGood;
}

/// Adds the share of `used` in `most`, when the metrics have both.
void add_share(const NodeAnswers& answers, const NodeLimits& limits, const std::string& name, std::string_view used,
               std::string_view most, std::vector<Reading>& out) {
    const std::optional<double> value = metric_of(answers.metrics, used);
    const std::optional<double> limit = metric_of(answers.metrics, most);
    // A limit of 0 stands for "no limit".
    if (!value || !limit || *limit <= 0) {
        return;
    }
    const double percent = 100 * *value / *limit;
    const bool is_bytes = used.ends_with("_bytes");
    const std::string text =
        is_bytes ? printed("%.0f", *value / 1048576) + " of " + printed("%.0f", *limit / 1048576) + " MiB"
                 : printed("%.0f", *value) + " of " + printed("%.0f", *limit);
    out.push_back({state_above(percent, limits.warn, limits.crit), name,
                   name + " " + printed("%.1f", percent) + "% (" + text + ")",
                   PerfValue{name, percent, "%", limits.warn, limits.crit}});
}

/// Adds a warning when the metric `name` is there and 0.
void add_success(const NodeAnswers& answers, const std::string& name, std::string_view metric,
                 const std::string& complaint, std::vector<Reading>& out) {
    const std::optional<double> value = metric_of(answers.metrics, metric);
    if (value) {
        const bool is_good = *value != 0;
        out.push_back({is_good ? CheckState::kGood : CheckState::kWarning, name, is_good ? name + " ok" : complaint});
    }
}

/// Adds the days until the first certificate expires. A value of 0 means: no certificate.
void add_certificate(const NodeAnswers& answers, const NodeLimits& limits, std::vector<Reading>& out) {
    const std::optional<double> end = metric_of(answers.metrics, "tulle_tls_certificate_not_after_seconds");
    if (!end || *end <= 0) {
        return;
    }
    const double days = (*end - answers.now_s) / kSecondsOfDay;
    const CheckState state = days <= limits.cert_crit   ? CheckState::kCritical
                             : days <= limits.cert_warn ? CheckState::kWarning
                                                        : CheckState::kGood;
    const std::string text = days < 0 ? "certificate expired " + printed("%.1f", -days) + " days ago"
                                      : "certificate valid for " + printed("%.1f", days) + " days";
    out.push_back({state, "certificate", text,
                   PerfValue{"certificate_days", days, "", limits.cert_warn, limits.cert_crit, true}});
}

/// Adds what the node does under want of memory.
void add_pressure(const NodeAnswers& answers, std::vector<Reading>& out) {
    const double pressure = metric_of(answers.metrics, "tulle_memory_pressure").value_or(0);
    if (pressure >= 1) {
        out.push_back({pressure >= 2 ? CheckState::kCritical : CheckState::kWarning, "memory_pressure",
                       pressure >= 2 ? "closes clients for want of memory" : "refuses clients for want of memory"});
    }
}

/// The words of a finding as a sentence.
std::string sentence_of(const Finding& finding) {
    std::string who;
    for (const std::string& node : finding.nodes) {
        who.append(who.empty() ? "" : finding.nodes.size() == 2 ? " -> " : ", ").append(node);
    }
    return printable(who.empty() ? finding.text : who + " " + finding.text);
}

/// True for a finding that a node is missing for all others.
bool is_lost_node(const Finding& finding) {
    return finding.severity == Severity::kWrong && finding.nodes.size() == 1 &&
           (finding.kind == "dead" || finding.kind == "silent");
}

/// True for a finding that the number of missing nodes tells already, or that concerns a missing node.
bool is_about_absence(const Finding& finding, const Diagnosis& diagnosis) {
    const bool is_told = finding.kind == "too-few" || finding.kind == "joining";
    return is_told ||
           (finding.kind != "duplicate-name" &&
            std::any_of(diagnosis.findings.begin(), diagnosis.findings.end(), [&finding](const Finding& lost) {
                return is_lost_node(lost) && std::count(finding.nodes.begin(), finding.nodes.end(), lost.nodes[0]) > 0;
            }));
}

/// The number of nodes that answer and serve clients.
std::size_t serving_nodes(const MeshSample& sample) {
    return static_cast<std::size_t>(
        std::count_if(sample.nodes.begin(), sample.nodes.end(), [](const auto& node) { return node.second.ready; }));
}

/// Adds the number of nodes, and what is missing.
void add_members(const MeshSample& last, const Diagnosis& diagnosis, const MeshLimits& limits,
                 std::vector<Reading>& out) {
    const std::size_t serving = serving_nodes(last);
    // Without a number to expect, the nodes that the others miss are missing.
    const auto lost =
        static_cast<std::size_t>(std::count_if(diagnosis.findings.begin(), diagnosis.findings.end(), is_lost_node));
    const std::size_t known = limits.expect.value_or(last.nodes.size() + lost);
    const std::size_t missing = known > serving ? known - serving : 0;
    const CheckState state =
        state_above(static_cast<double>(missing), static_cast<double>(limits.warn), static_cast<double>(limits.crit));
    std::string text = std::to_string(serving) + " of " + std::to_string(known) + " nodes serve";
    for (const Finding& finding : diagnosis.findings) {
        if (is_lost_node(finding)) {
            text += "; " + sentence_of(finding);
        }
    }
    out.push_back({state, "nodes", text, PerfValue{"nodes", static_cast<double>(serving), ""}});
    out.push_back({CheckState::kGood, "missing", std::to_string(missing) + " missing",
                   PerfValue{"missing", static_cast<double>(missing), "", static_cast<double>(limits.warn),
                             static_cast<double>(limits.crit)}});
}

/// Adds the configured peers that no node has met.
void add_unmet(const MeshSample& last, std::vector<Reading>& out) {
    std::uint64_t unmet = 0;
    std::string who;
    for (const auto& [oid, node] : last.nodes) {
        if (node.met < node.configured) {
            unmet += node.configured - node.met;
            who += (who.empty() ? "" : ", ") + node.name;
        }
    }
    out.push_back({unmet > 0 ? CheckState::kWarning : CheckState::kGood, "unmet_peers",
                   unmet > 0 ? std::to_string(unmet) + " configured peers never met by " + printable(who)
                             : "all configured peers met",
                   PerfValue{"unmet_peers", static_cast<double>(unmet), ""}});
}

/// Adds the holes in links since the nodes have started.
void add_gaps(const MeshSample& last, const MeshLimits& limits, std::vector<Reading>& out) {
    std::uint64_t gaps = 0;
    std::uint64_t repaired = 0;
    for (const auto& [oid, node] : last.nodes) {
        for (const auto& [peer, view] : node.peers) {
            gaps += view.gaps;
            repaired += view.repaired;
        }
    }
    const std::uint64_t open = gaps > repaired ? gaps - repaired : 0;
    const bool is_bad = limits.max_gaps && open > *limits.max_gaps;
    std::optional<double> warn;
    if (limits.max_gaps) {
        warn = static_cast<double>(*limits.max_gaps);
    }
    out.push_back({is_bad ? CheckState::kWarning : CheckState::kGood, "gaps",
                   std::to_string(open) + " gaps not repaired by their link",
                   PerfValue{"gaps", static_cast<double>(open), "c", warn}});
}

/// Adds the judgement of doctor, each finding as a reading.
void add_findings(const Diagnosis& diagnosis, std::vector<Reading>& out) {
    bool is_healthy = true;
    for (const Finding& finding : diagnosis.findings) {
        if (finding.severity == Severity::kWrong && !is_about_absence(finding, diagnosis)) {
            is_healthy = false;
            out.push_back({CheckState::kCritical, finding.kind, sentence_of(finding)});
        }
    }
    if (is_healthy) {
        out.push_back({CheckState::kGood, "doctor", "doctor finds nothing else wrong"});
    }
}

/// A number as Nagios reads it.
std::string number_text(double value) {
    return std::floor(value) == value ? printed("%.0f", value) : printed("%.2f", value);
}

std::string perf_text(const PerfValue& perf) {
    std::string out = perf.name + "=" + number_text(perf.value) + perf.unit;
    if (perf.warn || perf.crit) {
        const auto limit = [&perf](std::optional<double> value) {
            return value ? number_text(*value) + (perf.is_least ? ":" : "") : "";
        };
        out += ";" + limit(perf.warn) + ";" + limit(perf.crit);
    }
    return out;
}

std::string report_as_json(const CheckReport& report) {
    boost::json::array readings;
    for (const Reading& reading : report.readings) {
        boost::json::object line{
            {"name", reading.name}, {"state", std::string(to_text(reading.state))}, {"text", reading.text}};
        if (reading.perf) {
            line["value"] = reading.perf->value;
        }
        readings.push_back(std::move(line));
    }
    const boost::json::object out{{"state", std::string(to_text(worst_of(report)))},
                                  {"subject", report.subject},
                                  {"readings", std::move(readings)}};
    return boost::json::serialize(out) + "\n";
}

/// The texts of the readings that deserve a place in the single line: those that are not ok, or all when all are.
std::string summary_of(const CheckReport& report, CheckState worst) {
    std::string out;
    for (const Reading& reading : report.readings) {
        if (worst == CheckState::kGood || reading.state != CheckState::kGood) {
            out += (out.empty() ? "" : ", ") + reading.text;
        }
    }
    // A bar divides the text from the values for graphs.
    std::replace(out.begin(), out.end(), '|', '/');
    return out;
}

}  // namespace

std::string_view to_text(CheckState state) {
    constexpr std::string_view kNames[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    return kNames[static_cast<std::size_t>(state)];
}

CheckReport judge_node_answers(const NodeAnswers& answers, const NodeLimits& limits) {
    CheckReport report{"node", {}};
    std::vector<Reading>& out = report.readings;
    out.push_back({answers.is_live ? CheckState::kGood : CheckState::kCritical, "live",
                   answers.is_live ? "live" : "not live: its threads are stuck"});
    out.push_back({answers.is_ready ? CheckState::kGood : CheckState::kCritical, "ready",
                   answers.is_ready ? "ready" : "not ready: takes no clients"});
    add_share(answers, limits, "connections", "tulle_sockets", "tulle_max_connections", out);
    add_share(answers, limits, "memory", "tulle_memory_used_bytes", "tulle_memory_limit_bytes", out);
    add_pressure(answers, out);
    add_share(answers, limits, "fds", "process_open_fds", "process_max_fds", out);
    add_success(answers, "config", "tulle_config_last_reload_successful",
                "the last reload of the configuration has failed", out);
    add_success(answers, "certificates", "tulle_tls_last_reload_successful",
                "the last reload of the certificates has failed", out);
    add_certificate(answers, limits, out);
    return report;
}

CheckReport judge_mesh(const MeshSample& last, const Diagnosis& diagnosis, const MeshLimits& limits) {
    CheckReport report{"mesh", {}};
    add_members(last, diagnosis, limits, report.readings);
    add_findings(diagnosis, report.readings);
    add_unmet(last, report.readings);
    add_gaps(last, limits, report.readings);
    return report;
}

CheckReport failed_report(const std::string& subject, CheckState state, const std::string& reason) {
    return {subject, {{state, "answer", printable(reason)}}};
}

CheckState worst_of(const CheckReport& report) {
    for (const CheckState state : {CheckState::kCritical, CheckState::kWarning, CheckState::kUnknown}) {
        const bool is_there = std::any_of(report.readings.begin(), report.readings.end(),
                                          [state](const Reading& reading) { return reading.state == state; });
        if (is_there) {
            return state;
        }
    }
    return CheckState::kGood;
}

std::string check_text(const CheckReport& report, std::string_view format) {
    if (format == "json") {
        return report_as_json(report);
    }
    const CheckState worst = worst_of(report);
    if (format == "text") {
        std::string out = report.subject + ": " + std::string(to_text(worst)) + "\n";
        for (const Reading& reading : report.readings) {
            out += "  " + std::string(to_text(reading.state)) + "  " + reading.text + "\n";
        }
        return out;
    }
    std::string perf;
    for (const Reading& reading : report.readings) {
        perf += reading.perf ? " " + perf_text(*reading.perf) : "";
    }
    return "TULLE " + std::string(to_text(worst)) + " - " + report.subject + ": " + summary_of(report, worst) +
           (perf.empty() ? "" : " |" + perf) + "\n";
}

}  // namespace tulle::cli
