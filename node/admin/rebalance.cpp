#include "node/admin/rebalance.hpp"

#include <algorithm>
#include <charconv>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace tulle::node {
namespace {

namespace json = boost::json;

constexpr std::string_view kRebalanceQuery = "tulle.rebalance.v1 ";

}  // namespace

std::string rebalance_query(std::uint64_t rate) {
    return std::string(kRebalanceQuery) + std::to_string(rate);
}

std::optional<std::uint64_t> parse_rebalance_number(std::string_view text) {
    std::uint64_t rate = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, rate);
    return error == std::errc{} && stop == end && rate >= 1 && rate <= kMaxRebalanceRate ? std::optional(rate)
                                                                                         : std::nullopt;
}

std::optional<std::uint64_t> parse_rebalance_query(std::string_view query) {
    return query.starts_with(kRebalanceQuery) ? parse_rebalance_number(query.substr(kRebalanceQuery.size()))
                                              : std::nullopt;
}

RebalanceShare rebalance_share(const mesh::NodeStatus& status) {
    // The numbers come from other nodes, so their sum must not overflow.
    constexpr std::uint64_t kMostClients = std::uint64_t{1} << 32;
    std::uint64_t all = std::min(status.self.clients, kMostClients);
    std::uint64_t nodes = 1;
    for (const mesh::MemberStatus& member : status.members) {
        if (member.state == "alive") {
            all += std::min(member.clients, kMostClients);
            ++nodes;
        }
    }
    RebalanceShare share{status.self.clients, (all + nodes - 1) / nodes};
    if (share.clients > share.mean + share.mean / 10) {
        share.moves = share.clients - share.mean;
    }
    return share;
}

std::string render_rebalance_share(const mesh::NodeStatus& status, const RebalanceShare& share) {
    return json::serialize(json::object{
        {"name", status.self.name}, {"clients", share.clients}, {"mean", share.mean}, {"moves", share.moves}});
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
