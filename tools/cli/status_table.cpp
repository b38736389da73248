// An answer of GET /v1/status has the form {"self":{…},"members":[{…},…],"counters":{…}}. `self` is the asked node, and
// `members` are the nodes that the asked node knows.

#include "tools/cli/status_table.hpp"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>

#include "tools/cli/json_fields.hpp"
#include "tools/cli/text_table.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

using Cells = std::vector<std::string>;

/// Reads the entry of a node.
MemberRow row(const json::object& member) {
    MemberRow row;
    row.name = text_field(member, "name");
    row.oid = text_field(member, "oid");
    row.state = text_field(member, "state");
    row.version = text_field(member, "version");
    row.uptime_s = number_field(member, "uptime_s");
    row.clients = number_field(member, "clients");
    row.channels = number_field(member, "channels");
    row.rtt_us = number_field(member, "rtt_us");
    row.gaps = number_field(member, "gaps");
    row.repaired = number_field(member, "repaired");
    row.name_conflict = flag_field(member, "name_conflict");
    if (const json::object* endpoints = object_field(member, "endpoints")) {
        row.mesh = text_field(*endpoints, "mesh");
        row.listen = text_field(*endpoints, "listen");
    }
    return row;
}

/// The cells of a row. The asked node has no round trip to itself.
Cells cells(const MemberRow& row) {
    return {or_dash(row.name) + (row.self ? " *" : ""),
            or_dash(row.state),
            or_dash(row.mesh),
            or_dash(row.listen),
            or_dash(row.version),
            uptime_text(row.uptime_s),
            count_text(row.clients),
            count_text(row.channels),
            row.self ? "-" : rtt_text(row.rtt_us),
            count_text(row.gaps),
            count_text(row.repaired)};
}

}  // namespace

Result<std::vector<MemberRow>, StatusErrc> parse_status(std::string_view text) {
    json::error_code error;
    const json::value value = json::parse({text.data(), text.size()}, error);
    if (error || !value.is_object()) {
        return StatusErrc::kNotStatus;
    }
    const json::value* self = value.get_object().if_contains("self");
    const json::value* members = value.get_object().if_contains("members");
    if (self == nullptr || !self->is_object() || members == nullptr || !members->is_array()) {
        return StatusErrc::kNotStatus;
    }
    std::vector<MemberRow> rows{row(self->get_object())};
    rows.front().self = true;
    for (const json::value& member : members->get_array()) {
        if (!member.is_object()) {
            return StatusErrc::kNotStatus;
        }
        MemberRow other = row(member.get_object());
        // The asked node may also stand among the members, and must not count twice.
        if (other.oid.empty() || other.oid != rows.front().oid) {
            rows.push_back(std::move(other));
        }
    }
    // Several nodes may have the same name, so the oid makes the order certain.
    std::sort(rows.begin() + 1, rows.end(), [](const MemberRow& a, const MemberRow& b) {
        return std::pair(a.name, a.oid) < std::pair(b.name, b.oid);
    });
    return rows;
}

std::string counters_line(std::string_view text) {
    // Names in the answer, and names for people.
    constexpr std::pair<std::string_view, std::string_view> kShown[] = {
        {"mesh_gaps", "gaps"},
        {"mesh_gaps_repaired", "repaired"},
        {"mesh_records_gone", "gone"},
        {"mesh_duplicates_dropped", "duplicates dropped"},
        {"mesh_suspicions", "suspicions"},
        {"mesh_false_suspicions", "false suspicions"},
        {"mesh_deaths", "deaths"},
        {"mesh_reconnects", "reconnects"},
        {"mesh_barrier_waits", "barrier waits"},
        {"mesh_late_turns", "late turns"},
    };
    json::error_code error;
    const json::value value = json::parse({text.data(), text.size()}, error);
    const json::object* counters = error || !value.is_object() ? nullptr : object_field(value.get_object(), "counters");
    std::string line;
    for (const auto& [key, shown] : kShown) {
        // Counters unknown to the asked node are left out.
        if (counters != nullptr && number_field(*counters, key) >= 0) {
            line.append(line.empty() ? "Since it started: " : ", ").append(shown).append(" ");
            line.append(std::to_string(count_field(*counters, key)));
        }
    }
    return line.empty() ? line : line + "\n";
}

std::size_t count_alive(const std::vector<MemberRow>& rows) {
    const auto alive = [](const MemberRow& row) { return row.self || row.state == "alive"; };
    return static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), alive));
}

std::string status_table(const std::vector<MemberRow>& rows, std::size_t width) {
    std::vector<Cells> lines{
        {"NAME", "STATE", "MESH", "LISTEN", "VERSION", "UPTIME", "CLIENTS", "CHANNELS", "RTT", "GAPS", "REPAIRED"}};
    for (const MemberRow& row : rows) {
        lines.push_back(cells(row));
    }
    std::string out = aligned(lines, width);
    for (const MemberRow& row : rows) {
        if (row.name_conflict) {
            out += "name conflict: another node is called " + row.name + " as well (this one is " + row.oid + ")\n";
        }
    }
    return out;
}

}  // namespace tulle::cli
