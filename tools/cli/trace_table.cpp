#include "tools/cli/trace_table.hpp"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>

#include "tools/cli/json_fields.hpp"
#include "tools/cli/text_table.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

/// Reads the entry of a node.
TraceRow row_of(const json::object& object) {
    TraceRow row;
    row.name = text_field(object, "name");
    row.state = text_field(object, "state");
    row.fate = text_field(object, "fate");
    row.path = text_field(object, "path");
    row.via = text_field(object, "via");
    row.shards = count_field(object, "shards");
    row.reported_us = integer_field(object, "reported_us");
    if (object.contains("received_us")) {
        row.received_us = integer_field(object, "received_us");
        row.clock_error_us = count_field(object, "clock_error_us");
    }
    return row;
}

/// The fate of the message, in words.
std::string fate_text(const TraceRow& row) {
    if (row.fate == "origin") {
        return "sent it";
    }
    if (row.fate == "got") {
        return "got it";
    }
    if (row.fate == "no-subscriber") {
        return "no interest: nobody there is subscribed";
    }
    if (row.fate == "interest-unknown") {
        return "no report: its interest was not known yet";
    }
    if (row.fate == "no-session") {
        return "not sent: no session (" + row.state + ")";
    }
    return "no report (" + row.state + ")";
}

/// The path of the message, in words.
std::string path_text(const TraceRow& row) {
    if (row.path == "relayed") {
        return "relayed by " + row.via;
    }
    if (row.path == "repaired" && !row.via.empty()) {
        return "repaired, relayed by " + row.via;
    }
    if (row.path == "filled-in") {
        return row.via.empty() ? "held beyond a hole" : "filled in by " + row.via;
    }
    return or_dash(row.path);
}

/// The time of arrival with its error.
std::string received_text(const TraceRow& row) {
    if (!row.received_us) {
        return "-";
    }
    return std::to_string(*row.received_us) + "us ±" + std::to_string(row.clock_error_us) + "us";
}

}  // namespace

Result<std::vector<TraceRow>, TraceErrc> parse_trace(std::string_view text) {
    json::error_code error;
    const json::value value = json::parse({text.data(), text.size()}, error);
    const json::value* nodes = error || !value.is_object() ? nullptr : value.get_object().if_contains("nodes");
    if (nodes == nullptr || !nodes->is_array() || nodes->get_array().empty()) {
        return TraceErrc::kNotTrace;
    }
    std::vector<TraceRow> rows;
    for (const json::value& node : nodes->get_array()) {
        if (!node.is_object()) {
            return TraceErrc::kNotTrace;
        }
        rows.push_back(row_of(node.get_object()));
    }
    return rows;
}

bool is_complete(const std::vector<TraceRow>& rows) {
    return std::all_of(rows.begin(), rows.end(), [](const TraceRow& row) {
        // A node that is dead or has left need not get the message.
        const bool is_gone = row.fate == "no-session" && (row.state == "dead" || row.state == "left");
        return row.fate == "origin" || row.fate == "got" || row.fate == "no-subscriber" || is_gone;
    });
}

std::string trace_table(const std::vector<TraceRow>& rows, std::size_t width) {
    std::vector<std::vector<std::string>> lines{{"NODE", "RESULT", "PATH", "RECEIVED", "REPORTED", "SHARDS"}};
    bool has_times = false;
    for (const TraceRow& row : rows) {
        // Only nodes with the message have times. The origin has neither path nor time.
        const bool is_there = row.fate == "got";
        has_times = has_times || is_there;
        lines.push_back({or_dash(row.name), fate_text(row), path_text(row), is_there ? received_text(row) : "-",
                         is_there ? std::to_string(row.reported_us) + "us" : "-",
                         is_there || row.fate == "origin" ? std::to_string(row.shards) : "-"});
    }
    std::string out = aligned(lines, width);
    if (has_times) {
        out +=
            "Times count from the sending. RECEIVED: by the receiver's clock, compared with the sender's by "
            "heartbeats.\n"
            "REPORTED: until the receiver's report was back. SHARDS: of that node, with subscribers of the channel.\n";
    }
    return out;
}

}  // namespace tulle::cli
