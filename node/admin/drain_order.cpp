#include "node/admin/drain_order.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"
#include "node/admin/query_parts.hpp"

namespace tulle::node {
namespace {

namespace json = boost::json;

constexpr std::string_view kDrainQuery = "tulle.drain.v1 ";
constexpr std::string_view kUndrainQuery = "tulle.undrain.v1 ";
static_assert(kUndrainQuery.size() + mesh::kMaxNameBytes <= mesh::kMaxQueryBytes);

}  // namespace

std::string drain_query(const DrainOrder& order) {
    TULLE_ASSERT(!order.node.empty() && order.node.size() <= mesh::kMaxNameBytes);
    return std::string(order.drains ? kDrainQuery : kUndrainQuery) + order.node;
}

std::optional<DrainOrder> parse_drain_query(std::string_view query) {
    const bool drains = query.starts_with(kDrainQuery);
    if (!drains && !query.starts_with(kUndrainQuery)) {
        return std::nullopt;
    }
    query.remove_prefix(drains ? kDrainQuery.size() : kUndrainQuery.size());
    if (query.empty() || query.size() > mesh::kMaxNameBytes) {
        return std::nullopt;
    }
    return DrainOrder{std::string(query), drains};
}

std::string render_drain_answer(std::string_view node, DrainState state, bool is_taken) {
    return json::serialize(
        json::object{{"node", json::string(node.data(), node.size())}, {"was", to_text(state)}, {"taken", is_taken}});
}

std::optional<DrainAnswer> find_drain_answer(const mesh::QueryResult& result) {
    for (const json::object& part : parts_with(result, "taken")) {
        if (const bool* taken = part.at("taken").if_bool()) {
            return DrainAnswer{json::serialize(part), *taken};
        }
    }
    return std::nullopt;
}

}  // namespace tulle::node
