#include "tools/cli/doctor_text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "tools/cli/text_table.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;
using Row = std::vector<std::string>;

/// The skew of a clock with its error, such as "+0.3ms ±0.1ms".
std::string skew_text(const NodeVerdict& node) {
    if (!node.skew_us) {
        return "-";
    }
    const auto milliseconds = [](double us) { return printed("%.1fms", us / 1'000); };
    const std::string sign = *node.skew_us < 0 ? "" : "+";
    return sign + milliseconds(static_cast<double>(*node.skew_us)) + " ±" +
           milliseconds(static_cast<double>(node.skew_error_us));
}

/// The table of all nodes.
std::string nodes_table(const Diagnosis& diagnosis, std::size_t width) {
    std::vector<Row> rows{{"NODE", "STATE", "VERSION", "UPTIME", "CLIENTS", "INTEREST", "CLOCK"}};
    for (const NodeVerdict& node : diagnosis.nodes) {
        // A silent node has no numbers; a dash stands for each.
        const bool is_silent = node.state == "silent";
        rows.push_back({or_dash(node.name), node.state, or_dash(node.version), uptime_text(node.uptime_s),
                        count_text(node.clients), is_silent ? "-" : "v" + std::to_string(node.interest_version),
                        skew_text(node)});
    }
    return aligned(rows, width);
}

/// A cell of the matrix: the round trip of a correct pair, otherwise the first error.
std::string cell_of(const Diagnosis& diagnosis, const PairVerdict& pair) {
    if (pair.ok) {
        return pair.view.state == "alive" ? (pair.view.rtt_us > 0 ? rtt_text(pair.view.rtt_us) : "ok")
                                          : pair.view.state;
    }
    // Findings of kWrong come first, so the search gives the first error of the pair.
    const Row names{pair.viewer, pair.seen};
    const auto found = std::find_if(diagnosis.findings.begin(), diagnosis.findings.end(), [&](const Finding& finding) {
        return finding.severity == Severity::kWrong && finding.nodes == names;
    });
    return found == diagnosis.findings.end() ? "wrong" : found->kind;
}

/// The matrix of all pairs: rows see columns.
std::string matrix(const Diagnosis& diagnosis, std::size_t width) {
    std::vector<Row> rows{{"FROM \\ TO"}};
    for (const NodeVerdict& node : diagnosis.nodes) {
        rows[0].push_back(node.name);
    }
    for (const NodeVerdict& from : diagnosis.nodes) {
        Row row{from.name};
        for (const NodeVerdict& to : diagnosis.nodes) {
            const auto pair = std::find_if(diagnosis.pairs.begin(), diagnosis.pairs.end(), [&](const PairVerdict& p) {
                return p.viewer == from.name && p.seen == to.name;
            });
            const bool is_known = pair != diagnosis.pairs.end();
            row.push_back(&from == &to ? "-" : (is_known ? cell_of(diagnosis, *pair) : "?"));
        }
        rows.push_back(std::move(row));
    }
    return aligned(rows, width);
}

/// A finding as a line.
std::string finding_text(const Finding& finding) {
    std::string line = finding.severity == Severity::kWrong ? "wrong: " : "note: ";
    const bool is_pair = finding.nodes.size() == 2 && finding.kind != "duplicate-name";
    for (std::size_t i = 0; i < finding.nodes.size(); ++i) {
        line += (i == 0 ? "" : (is_pair ? " -> " : ", ")) + finding.nodes[i];
    }
    return line + (finding.nodes.empty() ? "" : (is_pair ? ": " : " ")) + finding.text + "\n";
}

/// A whole number as JSON. Boost.JSON would write a double as 2E0.
json::value whole(double number) {
    return static_cast<std::int64_t>(number);
}

/// The parts of the diagnosis as JSON.
json::object to_json(const NodeVerdict& node) {
    json::object object{{"name", node.name}, {"oid", node.oid}, {"state", node.state}};
    if (node.state != "silent") {
        object["version"] = node.version;
        object["uptime_s"] = whole(node.uptime_s);
        object["clients"] = whole(node.clients);
        object["interest_version"] = node.interest_version;
    }
    if (node.skew_us) {
        object["skew_us"] = *node.skew_us;
        object["skew_error_us"] = node.skew_error_us;
    }
    return object;
}

json::object to_json(const PairVerdict& pair) {
    const std::string_view interest = to_text(pair.interest);
    json::object object{{"from", pair.viewer},
                        {"to", pair.seen},
                        {"ok", pair.ok},
                        {"state", pair.view.state},
                        {"session", pair.view.session.has_value()},
                        {"sessions", pair.view.sessions},
                        {"interest", json::string(interest.data(), interest.size())},
                        {"gaps", pair.view.gaps},
                        {"repaired", pair.view.repaired}};
    if (pair.view.rtt_us > 0) {
        object["rtt_us"] = whole(pair.view.rtt_us);
    }
    if (pair.view.session) {
        object["data_silent_ms"] = pair.view.session->data_silent_ms;
        if (!pair.view.session->heard_via.empty()) {
            object["heard_via"] = pair.view.session->heard_via;
        }
    }
    return object;
}

json::object to_json(const Finding& finding) {
    json::array nodes;
    for (const std::string& name : finding.nodes) {
        nodes.push_back(json::string(name));
    }
    return {{"severity", finding.severity == Severity::kWrong ? "wrong" : "note"},
            {"kind", finding.kind},
            {"nodes", std::move(nodes)},
            {"text", finding.text}};
}

template <class T>
json::array all_of(const std::vector<T>& items) {
    json::array array;
    for (const T& item : items) {
        array.push_back(to_json(item));
    }
    return array;
}

}  // namespace

std::string doctor_text(const Diagnosis& diagnosis, std::size_t width) {
    std::string out = nodes_table(diagnosis, width) + "\n";
    // A single node has no pairs.
    if (diagnosis.nodes.size() > 1 && diagnosis.nodes.size() <= kMaxMatrixNodes) {
        out += matrix(diagnosis, width) + "\n";
    }
    for (const Finding& finding : diagnosis.findings) {
        out += finding_text(finding);
    }
    if (diagnosis.healthy()) {
        const std::size_t nodes = diagnosis.nodes.size();
        out += "healthy: " + std::to_string(nodes) + (nodes == 1 ? " node, " : " nodes, ") +
               std::to_string(diagnosis.pairs.size()) + " pairs\n";
    }
    return out;
}

std::string doctor_json(const Diagnosis& diagnosis) {
    return json::serialize(json::object{{"verdict", diagnosis.healthy() ? "ok" : "wrong"},
                                        {"nodes", all_of(diagnosis.nodes)},
                                        {"pairs", all_of(diagnosis.pairs)},
                                        {"findings", all_of(diagnosis.findings)}});
}

}  // namespace tulle::cli
