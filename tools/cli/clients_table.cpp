#include "tools/cli/clients_table.hpp"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "tools/cli/json_fields.hpp"
#include "tools/cli/text_table.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

std::optional<json::object> answer_of(std::string_view text) {
    json::error_code error;
    json::value value = json::parse({text.data(), text.size()}, error);
    return error || !value.is_object() ? std::nullopt : std::optional(std::move(value.get_object()));
}

std::string joined(const std::vector<std::string>& texts, std::string_view between) {
    std::string out;
    for (const std::string& text : texts) {
        out.append(out.empty() ? "" : between).append(text);
    }
    return out;
}

ConnectionCells cells_of(const json::object& row) {
    return {text_field(row, "id"),       text_field(row, "node"),
            text_field(row, "kind"),     text_field(row, "app"),
            text_field(row, "address"),  text_field(row, "user"),
            number_field(row, "age_ms"), number_field(row, "subscriptions"),
            number_field(row, "outbox"), number_field(row, "received")};
}

std::string plural(std::uint64_t number, const std::string& one) {
    return std::to_string(number) + " " + one + (number == 1 ? "" : "s");
}

}  // namespace

std::string bytes_text(double bytes) {
    if (bytes < 1'024) {
        return count_text(bytes);
    }
    constexpr const char* kForms[] = {"%.1fK", "%.1fM", "%.1fG", "%.1fT"};
    double number = bytes / 1'024;
    std::size_t unit = 0;
    while (number >= 1'024 && unit + 1 < std::size(kForms)) {
        number /= 1'024;
        ++unit;
    }
    return printed(kForms[unit], number);
}

std::optional<std::vector<ConnectionCells>> parse_connections(std::string_view text) {
    const std::optional<json::object> answer = answer_of(text);
    const json::array* rows = answer ? array_field(*answer, "connections") : nullptr;
    if (rows == nullptr) {
        return std::nullopt;
    }
    std::vector<ConnectionCells> connections;
    for (const json::value& row : *rows) {
        if (row.is_object()) {
            connections.push_back(cells_of(row.get_object()));
        }
    }
    return connections;
}

std::string connections_table(const std::vector<ConnectionCells>& connections) {
    std::vector<std::vector<std::string>> rows{
        {"ID", "NODE", "KIND", "APP", "ADDRESS", "AGE", "SUBS", "OUTBOX", "IN", "USER"}};
    for (const ConnectionCells& row : connections) {
        rows.push_back({or_dash(row.id), or_dash(row.node), or_dash(row.kind), or_dash(row.app), or_dash(row.address),
                        uptime_text(row.age_ms < 0 ? -1 : row.age_ms / 1'000), count_text(row.subscriptions),
                        bytes_text(row.outbox), count_text(row.received), or_dash(row.user)});
    }
    return aligned(rows);
}

std::optional<ClientsText> connections_text(std::string_view text, std::uint64_t offset) {
    const std::optional<std::vector<ConnectionCells>> connections = parse_connections(text);
    if (!connections) {
        return std::nullopt;
    }
    const json::object answer = *answer_of(text);
    const std::uint64_t total = count_field(answer, "total");
    ClientsText out{connections->empty() ? "" : connections_table(*connections), texts_field(answer, "missing"),
                    connections->size()};
    if (connections->empty()) {
        out.text = total == 0 ? "no connections\n"
                              : "no connection is left after the first " + std::to_string(offset) + " of " +
                                    std::to_string(total) + "\n";
    } else if (offset > 0 || flag_field(answer, "more")) {
        out.text += std::to_string(offset + 1) + " to " + std::to_string(offset + connections->size()) + " of " +
                    plural(total, "connection") + "\n";
    }
    return out;
}

std::optional<ClientsText> channels_text(std::string_view text) {
    const std::optional<json::object> answer = answer_of(text);
    const json::array* channels = answer ? array_field(*answer, "channels") : nullptr;
    if (channels == nullptr) {
        return std::nullopt;
    }
    std::vector<std::vector<std::string>> rows{{"CHANNEL", "APP", "SUBSCRIBERS", "USERS"}};
    for (const json::value& value : *channels) {
        if (value.is_object()) {
            const json::object& row = value.get_object();
            rows.push_back({or_dash(text_field(row, "name")), or_dash(text_field(row, "app")),
                            count_text(number_field(row, "subscribers")), count_text(number_field(row, "users"))});
        }
    }
    ClientsText out{rows.size() == 1 ? "no channels\n" : aligned(rows), texts_field(*answer, "missing"),
                    rows.size() - 1};
    out.text += flag_field(*answer, "more") ? "there are more channels: see --limit and --prefix\n" : "";
    const json::value* exact = answer->if_contains("exact");
    out.text += exact != nullptr && exact->is_bool() && !exact->get_bool()
                    ? "the numbers are lower bounds, as a node has more channels than it may name\n"
                    : "";
    return out;
}

std::optional<ClientsText> presence_text(std::string_view text) {
    const std::optional<json::object> answer = answer_of(text);
    const json::array* users = answer ? array_field(*answer, "users") : nullptr;
    if (users == nullptr) {
        return std::nullopt;
    }
    std::vector<std::vector<std::string>> rows{{"USER", "NODES"}};
    for (const json::value& value : *users) {
        if (value.is_object()) {
            const json::object& row = value.get_object();
            rows.push_back({or_dash(text_field(row, "id")), or_dash(joined(texts_field(row, "nodes"), " "))});
        }
    }
    ClientsText out{rows.size() == 1 ? "" : aligned(rows), texts_field(*answer, "missing"), rows.size() - 1};
    out.text += plural(count_field(*answer, "total"), "user") + ", " +
                plural(count_field(*answer, "subscribers"), "connection");
    out.text += flag_field(*answer, "more") ? "; not all users are shown: see --limit\n" : "\n";
    return out;
}

std::optional<ClientsText> connection_text(std::string_view text) {
    const std::optional<json::object> answer = answer_of(text);
    if (!answer || array_field(*answer, "channels") == nullptr) {
        return std::nullopt;
    }
    const ConnectionCells row = cells_of(*answer);
    const std::vector<std::string> channels = texts_field(*answer, "channels");
    std::vector<std::vector<std::string>> lines{
        {"id", or_dash(row.id)},
        {"node", or_dash(row.node)},
        {"kind", or_dash(row.kind)},
        {"app", or_dash(row.app)},
        {"address", or_dash(row.address)},
        {"user", or_dash(row.user)},
        {"connected for", uptime_text(row.age_ms < 0 ? -1 : row.age_ms / 1'000)},
        {"waiting bytes", bytes_text(row.outbox)},
        {"messages in", count_text(row.received)},
        {"subscriptions", count_text(row.subscriptions)},
    };
    ClientsText out{aligned(lines), {}, 1};
    for (const std::string& name : channels) {
        out.text += "  " + name + "\n";
    }
    if (row.subscriptions > static_cast<double>(channels.size())) {
        out.text += "  and " + count_text(row.subscriptions - static_cast<double>(channels.size())) + " more\n";
    }
    return out;
}

std::optional<ClientsText> kick_text(std::string_view text) {
    const std::optional<json::object> answer = answer_of(text);
    if (!answer || !answer->contains("closed") || array_field(*answer, "nodes") == nullptr) {
        return std::nullopt;
    }
    ClientsText out{"", texts_field(*answer, "missing"), count_field(*answer, "closed")};
    std::vector<std::string> where;
    for (const json::value& value : *array_field(*answer, "nodes")) {
        const json::object* node = value.if_object();
        if (node != nullptr && count_field(*node, "closed") > 0) {
            where.push_back(std::to_string(count_field(*node, "closed")) + " at " + text_field(*node, "name"));
        }
    }
    out.text = out.rows == 0 ? "nobody is connected like that\n"
                             : "closed " + plural(out.rows, "connection") + ": " + joined(where, ", ") + "\n";
    out.text += flag_field(*answer, "more") ? "more connections are like that: say it again\n" : "";
    return out;
}

}  // namespace tulle::cli
