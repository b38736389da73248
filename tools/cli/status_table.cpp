#include "tools/cli/status_table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include <boost/json.hpp>

#include "tools/cli/terminal.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kColumns = 11;
using Cells = std::array<std::string, kColumns>;

std::string text(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains({key.data(), key.size()});
    if (value == nullptr || !value->is_string()) {
        return {};
    }
    return printable({value->get_string().data(), value->get_string().size()});
}

double number(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains({key.data(), key.size()});
    if (value == nullptr || !value->is_number()) {
        return -1;
    }
    json::error_code error;
    return value->to_number<double>(error);
}

bool flag(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains({key.data(), key.size()});
    return value != nullptr && value->is_bool() && value->get_bool();
}

MemberRow row(const json::object& member) {
    MemberRow row;
    row.name = text(member, "name");
    row.oid = text(member, "oid");
    row.state = text(member, "state");
    row.version = text(member, "version");
    row.uptime_s = number(member, "uptime_s");
    row.clients = number(member, "clients");
    row.channels = number(member, "channels");
    row.rtt_us = number(member, "rtt_us");
    row.gaps = number(member, "gaps");
    row.repaired = number(member, "repaired");
    row.name_conflict = flag(member, "name_conflict");
    const json::value* endpoints = member.if_contains("endpoints");
    if (endpoints != nullptr && endpoints->is_object()) {
        row.mesh = text(endpoints->get_object(), "mesh");
        row.listen = text(endpoints->get_object(), "listen");
    }
    return row;
}

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

std::string printed(const char* format, double value) {
    std::array<char, 64> out{};
    std::snprintf(out.data(), out.size(), format, value);
    return out.data();
}

std::string count(double value) {
    return value < 0 ? "-" : printed("%.0f", value);
}

std::string rtt(double microseconds) {
    if (microseconds <= 0) {  // not measured yet
        return "-";
    }
    return microseconds < 1'000 ? printed("%.0fus", microseconds) : printed("%.1fms", microseconds / 1'000);
}

std::string uptime(double seconds) {
    if (seconds < 0) {
        return "-";
    }
    if (seconds < 60) {
        return printed("%.0fs", seconds);
    }
    const auto minutes = static_cast<long>(seconds / 60);
    if (minutes < 60) {
        return std::to_string(minutes) + "m" + std::to_string(static_cast<long>(seconds) % 60) + "s";
    }
    const long hours = minutes / 60;
    if (hours < 24) {
        return std::to_string(hours) + "h" + std::to_string(minutes % 60) + "m";
    }
    return std::to_string(hours / 24) + "d" + std::to_string(hours % 24) + "h";
}

Cells cells(const MemberRow& row) {
    return {or_dash(row.name) + (row.self ? " *" : ""),
            or_dash(row.state),
            or_dash(row.mesh),
            or_dash(row.listen),
            or_dash(row.version),
            uptime(row.uptime_s),
            count(row.clients),
            count(row.channels),
            row.self ? "-" : rtt(row.rtt_us),
            count(row.gaps),
            count(row.repaired)};
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
        if (other.oid.empty() || other.oid != rows.front().oid) {
            rows.push_back(std::move(other));
        }
    }
    std::sort(rows.begin() + 1, rows.end(), [](const MemberRow& a, const MemberRow& b) {
        return std::pair(a.name, a.oid) < std::pair(b.name, b.oid);
    });
    return rows;
}

std::size_t count_alive(const std::vector<MemberRow>& rows) {
    const auto alive = [](const MemberRow& row) { return row.self || row.state == "alive"; };
    return static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), alive));
}

std::string status_table(const std::vector<MemberRow>& rows) {
    std::vector<Cells> lines{
        {"NAME", "STATE", "MESH", "LISTEN", "VERSION", "UPTIME", "CLIENTS", "CHANNELS", "RTT", "GAPS", "REPAIRED"}};
    for (const MemberRow& row : rows) {
        lines.push_back(cells(row));
    }
    std::array<std::size_t, kColumns> widths{};
    for (const Cells& line : lines) {
        for (std::size_t i = 0; i < kColumns; ++i) {
            widths[i] = std::max(widths[i], line[i].size());
        }
    }
    std::string out;
    for (const Cells& line : lines) {
        for (std::size_t i = 0; i < kColumns; ++i) {
            out += line[i];
            out += i + 1 == kColumns ? "\n" : std::string(widths[i] - line[i].size() + 2, ' ');
        }
    }
    for (const MemberRow& row : rows) {
        if (row.name_conflict) {
            out += "name conflict: another node is called " + row.name + " as well (this one is " + row.oid + ")\n";
        }
    }
    return out;
}

}  // namespace tulle::cli
