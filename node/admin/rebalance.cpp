#include "node/admin/rebalance.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "mesh/base/assert.hpp"
#include "mesh/base/numbers.hpp"
#include "mesh/core/node/numbers.hpp"
#include "node/admin/query_parts.hpp"

namespace tulle::node {
namespace {

namespace json = boost::json;

constexpr std::string_view kRebalanceQuery = "tulle.rebalance.v1 ";
// A number of another node, as the sum of all must not overflow.
constexpr std::uint64_t kMostClients = std::uint64_t{1} << 32;
static_assert(kMostClients * mesh::Limits{}.query_parts < std::uint64_t{1} << 62,
              "the loads in an answer, of which each is a part, can be added up");
static_assert(kDefaultRebalanceRate >= 1 && kDefaultRebalanceRate <= kMaxRebalanceRate);

}  // namespace

std::string render_load(std::string_view name, const NodeLoad& load) {
    return json::serialize(json::object{{"load_of", json::string(name.data(), name.size())},
                                        {"clients", load.clients},
                                        {"takes_clients", load.takes_clients}});
}

std::vector<NodeLoad> parse_loads(const mesh::QueryResult& result) {
    std::vector<NodeLoad> loads;
    for (const json::object& load : parts_with(result, "load_of")) {
        const json::value* clients = load.if_contains("clients");
        const json::value* takes = load.if_contains("takes_clients");
        if (clients != nullptr && clients->is_number() && takes != nullptr && takes->is_bool()) {
            json::error_code no_count;
            const auto count = clients->to_number<std::uint64_t>(no_count);
            loads.push_back({no_count ? 0 : std::min(count, kMostClients), takes->get_bool()});
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
    const std::optional<std::uint64_t> rate = parse_number(query.substr(0, space), 1, kMaxRebalanceRate);
    const std::optional<std::uint64_t> mean = parse_number(query.substr(space + 1), 0, kMostClients);
    return rate && mean ? std::optional(RebalanceOrder{*rate, *mean}) : std::nullopt;
}

std::uint64_t rebalance_moves(std::uint64_t clients, std::uint64_t mean) {
    return mean > 0 && clients > mean + mean / 10 ? clients - mean : 0;
}

std::string render_rebalance_share(std::string_view name, const NodeLoad& load, std::uint64_t mean,
                                   std::uint64_t moves) {
    return json::serialize(json::object{
        {"name", json::string(name.data(), name.size())}, {"clients", load.clients}, {"mean", mean}, {"moves", moves}});
}

std::string render_rebalance(const mesh::QueryResult& result) {
    json::array nodes;
    for (json::object& share : parts_with(result, "moves")) {
        nodes.push_back(std::move(share));
    }
    return json::serialize(json::object{{"nodes", std::move(nodes)}, {"missing", missing_names(result)}});
}

}  // namespace tulle::node
