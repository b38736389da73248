#include "tools/cli/top_table.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tools/cli/json_fields.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/cli/text_table.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

constexpr std::array<const char*, 5> kTopOrders{"outbox", "subscriptions", "received", "oldest", "newest"};
constexpr std::array<std::size_t, 5> kTopNumbers{10, 25, 50, 100, 0};
constexpr std::array<int, 5> kTopDelaysMs{1'000, 2'000, 5'000, 10'000, 500};

/// Reads the report of a node. A part of a report without counters is about the same node, and adds nothing.
void take_report(const json::object& report, TopSample& sample) {
    const json::object* self = object_field(report, "self");
    const json::object* counters = object_field(report, "counters");
    if (self == nullptr || counters == nullptr) {
        return;
    }
    TopNode node;
    node.name = text_field(*self, "name");
    node.is_ready = flag_field(report, "ready");
    node.drain = text_field(report, "drain");
    node.uptime_s = number_field(*self, "uptime_s");
    node.clients = number_field(*self, "clients");
    node.channels = number_field(*self, "channels");
    node.monotonic_us = integer_field(*self, "monotonic_us");
    node.received = number_field(*counters, "messages_received_total");
    node.sent = number_field(*counters, "messages_sent_total");
    node.published = number_field(*counters, "mesh_published");
    node.gaps = number_field(*counters, "gaps_told_total");
    node.slow = number_field(*counters, "slow_clients_total");
    sample.nodes.emplace(text_field(*self, "oid"), std::move(node));
}

/// The rates of a node, and what has grown.
struct TopRates {
    double received = -1;
    double sent = -1;
    double published = -1;
    double new_gaps = -1;
    double new_slow = -1;
};

double grown(double before, double now) {
    return before < 0 || now < before ? -1 : now - before;
}

/// Null for a node that was not there before.
TopRates rates_of(const TopNode* before, const TopNode& now) {
    if (before == nullptr) {
        return {};
    }
    const double seconds = static_cast<double>(now.monotonic_us - before->monotonic_us) / 1e6;
    return {rate_of(before->received, now.received, seconds), rate_of(before->sent, now.sent, seconds),
            rate_of(before->published, now.published, seconds), grown(before->gaps, now.gaps),
            grown(before->slow, now.slow)};
}

const TopNode* find_node(const TopSample& sample, const std::string& oid) {
    const auto found = sample.nodes.find(oid);
    return found == sample.nodes.end() ? nullptr : &found->second;
}

/// The nodes by name, each with its rates.
std::vector<std::pair<const TopNode*, TopRates>> nodes_with_rates(const TopSample& before, const TopSample& now) {
    std::vector<std::pair<const TopNode*, TopRates>> nodes;
    for (const auto& [oid, node] : now.nodes) {
        nodes.emplace_back(&node, rates_of(find_node(before, oid), node));
    }
    std::stable_sort(nodes.begin(), nodes.end(),
                     [](const auto& a, const auto& b) { return a.first->name < b.first->name; });
    return nodes;
}

std::string state_of(const TopNode& node) {
    if (!node.drain.empty() && node.drain != "serving") {
        return node.drain;
    }
    return node.is_ready ? "serving" : "not ready";
}

/// A total, and how much of it is new.
std::string total_text(double total, double is_new) {
    return count_text(total) + (is_new > 0 ? " +" + count_text(is_new) : "");
}

/// Adds a number that may be unknown to a sum that is unknown as long as all numbers are.
void add_known(double number, double& sum) {
    if (number >= 0) {
        sum = std::max(sum, 0.0) + number;
    }
}

/// The element after `present`; the first one for a value that is not in the list.
template <class List, class Value>
auto next_of(const List& list, const Value& present) {
    const auto found = std::find(list.begin(), list.end(), present);
    return found == list.end() || found + 1 == list.end() ? list.front() : *(found + 1);
}

json::value known(double number) {
    return number < 0 ? json::value(nullptr) : json::value(number);
}

}  // namespace

std::optional<TopSample> parse_top(std::string_view text) {
    json::error_code error;
    const json::value value = json::parse({text.data(), text.size()}, error);
    const json::object* answer = error ? nullptr : value.if_object();
    const json::value* reports = answer == nullptr ? nullptr : answer->if_contains("reports");
    if (reports == nullptr || !reports->is_array()) {
        return std::nullopt;
    }
    TopSample sample;
    for (const json::value& report : reports->get_array()) {
        if (report.is_object()) {
            take_report(report.get_object(), sample);
        }
    }
    if (const json::value* missing = answer->if_contains("missing"); missing != nullptr && missing->is_array()) {
        for (const json::value& name : missing->get_array()) {
            sample.missing.push_back(name.is_string() ? printable(std::string(name.get_string())) : "?");
        }
    }
    return sample;
}

double rate_of(double before, double now, double seconds) {
    return before < 0 || now < before || seconds <= 0 ? -1 : (now - before) / seconds;
}

std::string top_nodes_text(const TopSample& before, const TopSample& now) {
    std::vector<std::vector<std::string>> rows{
        {"NODE", "STATE", "UPTIME", "CLIENTS", "CHANNELS", "IN/S", "OUT/S", "PUBLISHES/S", "GAPS", "SLOW"}};
    TopNode sum;
    TopRates rates;
    for (const auto& [node, of_node] : nodes_with_rates(before, now)) {
        rows.push_back({or_dash(node->name), state_of(*node), uptime_text(node->uptime_s), count_text(node->clients),
                        count_text(node->channels), count_text(of_node.received), count_text(of_node.sent),
                        count_text(of_node.published), total_text(node->gaps, of_node.new_gaps),
                        total_text(node->slow, of_node.new_slow)});
        add_known(node->clients, sum.clients);
        add_known(node->gaps, sum.gaps);
        add_known(node->slow, sum.slow);
        add_known(of_node.received, rates.received);
        add_known(of_node.sent, rates.sent);
        add_known(of_node.published, rates.published);
        add_known(of_node.new_gaps, rates.new_gaps);
        add_known(of_node.new_slow, rates.new_slow);
    }
    // Nodes share channels, so their numbers of channels have no sum.
    rows.push_back({"all", std::to_string(now.nodes.size()), "", count_text(sum.clients), "",
                    count_text(rates.received), count_text(rates.sent), count_text(rates.published),
                    total_text(sum.gaps, rates.new_gaps), total_text(sum.slow, rates.new_slow)});
    std::string text = aligned(rows);
    for (const std::string& name : now.missing) {
        text += name + " does not answer\n";
    }
    return text;
}

std::string top_json(const TopSample& before, const TopSample& now, const std::vector<ConnectionCells>& connections) {
    json::array nodes;
    for (const auto& [node, rates] : nodes_with_rates(before, now)) {
        nodes.push_back({{"name", node->name},
                         {"state", state_of(*node)},
                         {"uptime_s", known(node->uptime_s)},
                         {"clients", known(node->clients)},
                         {"channels", known(node->channels)},
                         {"received_per_second", known(rates.received)},
                         {"sent_per_second", known(rates.sent)},
                         {"published_per_second", known(rates.published)},
                         {"gaps", known(node->gaps)},
                         {"slow_clients", known(node->slow)}});
    }
    json::array rows;
    for (const ConnectionCells& row : connections) {
        rows.push_back({{"id", row.id},
                        {"node", row.node},
                        {"kind", row.kind},
                        {"app", row.app},
                        {"address", row.address},
                        {"user", row.user},
                        {"age_ms", known(row.age_ms)},
                        {"subscriptions", known(row.subscriptions)},
                        {"outbox", known(row.outbox)},
                        {"received", known(row.received)}});
    }
    json::array missing;
    for (const std::string& name : now.missing) {
        missing.push_back(json::string(name));
    }
    return json::serialize(
        json::object{{"nodes", std::move(nodes)}, {"connections", std::move(rows)}, {"missing", std::move(missing)}});
}

bool follow_key(char key, TopView& view) {
    constexpr char kCtrlC = 3;
    if (key == 'o') {
        view.sort = next_of(kTopOrders, std::string_view(view.sort));
    } else if (key == 'n') {
        view.connections = next_of(kTopNumbers, view.connections);
    } else if (key == 'd') {
        view.delay = std::chrono::milliseconds(next_of(kTopDelaysMs, static_cast<int>(view.delay.count())));
    }
    return key != 'q' && key != kCtrlC;
}

std::string top_keys_line(const TopView& view) {
    return "o: order (" + view.sort + ")  n: connections (" + std::to_string(view.connections) + ")  d: delay (" +
           printed("%g", std::chrono::duration<double>(view.delay).count()) + "s)  q: quit\n";
}

std::string screen_of(std::string_view text, std::size_t rows, std::size_t columns) {
    std::string out;
    for (std::size_t row = 0; row < rows && !text.empty(); ++row) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        std::size_t bytes = 0;
        // A character of UTF-8 begins with a byte that continues none.
        for (std::size_t characters = 0; bytes < line.size(); ++bytes) {
            const bool begins = (static_cast<unsigned char>(line[bytes]) & 0xC0u) != 0x80u;
            characters += begins ? 1 : 0;
            if (characters > columns) {
                break;
            }
        }
        // Without a line break behind the last row, which would move the screen.
        out.append(row == 0 ? "" : "\r\n").append(line.substr(0, bytes)).append("\x1b[K");
    }
    return out;
}

}  // namespace tulle::cli
