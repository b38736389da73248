#include "node/admin/rebalance.hpp"

#include <algorithm>
#include <charconv>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "mesh/base/assert.hpp"

namespace tulle::node {
namespace {

namespace json = boost::json;

constexpr std::string_view kRebalanceQuery = "tulle.rebalance.v1 ";
// A number of another node, as the sum of all must not overflow.
constexpr std::uint64_t kMostClients = std::uint64_t{1} << 32;
static_assert(kMostClients * mesh::kMaxShards < std::uint64_t{1} << 62, "thousands of nodes can be added up");
static_assert(kDefaultRebalanceRate >= 1 && kDefaultRebalanceRate <= kMaxRebalanceRate);

/// A whole number of nothing but digits, at most `most`.
std::optional<std::uint64_t> number_of(std::string_view text, std::uint64_t most) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    return error == std::errc{} && stop == end && number <= most ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_rebalance_number(std::string_view text) {
    const std::optional<std::uint64_t> rate = number_of(text, kMaxRebalanceRate);
    return rate && *rate >= 1 ? rate : std::nullopt;
}

std::string render_load(const NodeLoad& load) {
    return json::serialize(
        json::object{{"load_of", load.name}, {"clients", load.clients}, {"takes_clients", load.takes_clients}});
}

std::vector<NodeLoad> parse_loads(const mesh::QueryResult& result) {
    std::vector<NodeLoad> loads;
    for (const std::string& part : result.parts) {
        json::error_code error;
        const json::value value = json::parse(part, error);
        // Ports that do not answer, and nodes of another version, send something else.
        if (error || !value.is_object() || !value.get_object().contains("load_of")) {
            continue;
        }
        const json::object& load = value.get_object();
        const json::value* clients = load.if_contains("clients");
        const json::value* takes = load.if_contains("takes_clients");
        if (clients != nullptr && clients->is_number() && takes != nullptr && takes->is_bool()) {
            json::error_code no_count;
            const auto count = clients->to_number<std::uint64_t>(no_count);
            loads.push_back({{}, no_count ? 0 : std::min(count, kMostClients), takes->get_bool()});
        }
    }
    return loads;
}

std::uint64_t mean_of(const std::vector<NodeLoad>& loads) {
    std::uint64_t all = 0;
    std::uint64_t takers = 0;
    for (const NodeLoad& load : loads) {
        all += std::min(load.clients, kMostClients);
        takers += load.takes_clients ? 1u : 0u;
    }
    return takers == 0 ? 0 : (all + takers - 1) / takers;
}

std::string rebalance_query(const RebalanceOrder& order) {
    TULLE_ASSERT(order.rate >= 1 && order.rate <= kMaxRebalanceRate);
    return std::string(kRebalanceQuery) + std::to_string(order.rate) + " " + std::to_string(order.mean);
}

std::optional<RebalanceOrder> parse_rebalance_query(std::string_view query) {
    if (!query.starts_with(kRebalanceQuery)) {
        return std::nullopt;
    }
    query.remove_prefix(kRebalanceQuery.size());
    const std::size_t space = query.find(' ');
    if (space == std::string_view::npos) {
        return std::nullopt;
    }
    const std::optional<std::uint64_t> rate = parse_rebalance_number(query.substr(0, space));
    const std::optional<std::uint64_t> mean = number_of(query.substr(space + 1), kMostClients);
    return rate && mean ? std::optional(RebalanceOrder{*rate, *mean}) : std::nullopt;
}

std::uint64_t rebalance_moves(std::uint64_t clients, std::uint64_t mean) {
    return mean > 0 && clients > mean + mean / 10 ? clients - mean : 0;
}

std::string render_rebalance_share(const NodeLoad& load, std::uint64_t mean, std::uint64_t moves) {
    return json::serialize(
        json::object{{"name", load.name}, {"clients", load.clients}, {"mean", mean}, {"moves", moves}});
}

std::string render_rebalance(const mesh::QueryResult& result) {
    json::array nodes;
    for (const std::string& part : result.parts) {
        json::error_code error;
        json::value value = json::parse(part, error);
        // Ports that do not answer, and nodes of another version, send something else.
        if (!error && value.is_object() && value.get_object().contains("moves")) {
            nodes.push_back(std::move(value));
        }
    }
    json::array missing;
    for (const std::string& name : result.missing) {
        missing.push_back(json::string(name));
    }
    return json::serialize(json::object{{"nodes", std::move(nodes)}, {"missing", std::move(missing)}});
}

}  // namespace tulle::node
