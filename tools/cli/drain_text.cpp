#include "tools/cli/drain_text.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tools/cli/doctor_report.hpp"
#include "tools/cli/json_fields.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/cli/text_table.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

/// The object that `text` is; nothing for another text.
std::optional<json::object> object_of(std::string_view text) {
    json::error_code error;
    json::value value = json::parse(text, error);
    return error || !value.is_object() ? std::nullopt : std::optional(std::move(value.get_object()));
}

}  // namespace

std::optional<DrainProgress> parse_drain_progress(std::string_view text) {
    const std::optional<json::object> status = object_of(text);
    if (!status || text_field(*status, "drain").empty()) {
        return std::nullopt;
    }
    const json::object* gauges = object_field(*status, "gauges");
    return DrainProgress{text_field(*status, "drain"), gauges == nullptr ? 0 : count_field(*gauges, "clients")};
}

std::optional<DrainProgress> find_drain_progress(std::string_view text, std::string_view name) {
    const auto sample = parse_sample(text);
    if (sample.has_error()) {
        return std::nullopt;
    }
    for (const auto& [oid, node] : sample->nodes) {
        if (node.name == name && !node.drain.empty()) {
            return DrainProgress{node.drain, static_cast<std::uint64_t>(std::max(node.clients, 0.0))};
        }
    }
    return std::nullopt;
}

std::string progress_line(const DrainProgress& progress) {
    return progress.state + ": " + std::to_string(progress.clients) + (progress.clients == 1 ? " client" : " clients") +
           " left\n";
}

std::string progress_json(const DrainProgress& progress) {
    return json::serialize(json::object{{"state", progress.state}, {"clients", progress.clients}});
}

std::optional<RebalanceReport> parse_rebalance(std::string_view text) {
    const std::optional<json::object> answer = object_of(text);
    const json::value* nodes = answer ? answer->if_contains("nodes") : nullptr;
    if (nodes == nullptr || !nodes->is_array()) {
        return std::nullopt;
    }
    RebalanceReport report;
    for (const json::value& node : nodes->get_array()) {
        if (node.is_object()) {
            const json::object& row = node.get_object();
            report.rows.push_back({text_field(row, "name"), count_field(row, "clients"), count_field(row, "mean"),
                                   count_field(row, "moves")});
        }
    }
    if (const json::value* missing = answer->if_contains("missing"); missing != nullptr && missing->is_array()) {
        for (const json::value& name : missing->get_array()) {
            report.missing.push_back(name.is_string() ? printable(std::string(name.get_string())) : "?");
        }
    }
    std::sort(report.rows.begin(), report.rows.end(),
              [](const RebalanceRow& a, const RebalanceRow& b) { return a.name < b.name; });
    return report;
}

std::string rebalance_table(const RebalanceReport& report) {
    std::vector<std::vector<std::string>> rows{{"NAME", "CLIENTS", "MEAN", "CLOSES"}};
    for (const RebalanceRow& row : report.rows) {
        rows.push_back({row.name, std::to_string(row.clients), std::to_string(row.mean), std::to_string(row.moves)});
    }
    return aligned(rows);
}

}  // namespace tulle::cli
