#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/core/node/port.hpp"
#include "node/core/drain_state.hpp"

namespace tulle::node {

/// An order to a node of the mesh, by any other node, to move its clients away or to keep them.
struct DrainOrder {
    /// The name of the node.
    std::string node;
    /// False: to keep them.
    bool drains = true;
    friend bool operator==(const DrainOrder&, const DrainOrder&) = default;
};

/// Bytes of a node's name in an order; as many as a node may have in its name.
inline constexpr std::size_t kMaxOrderedNameBytes = 256;

/// The question to all nodes by which one of them is given an order.
[[nodiscard]] std::string drain_query(const DrainOrder& order);
/// The order in such a question; nothing for any other question, and without a name.
[[nodiscard]] std::optional<DrainOrder> parse_drain_query(std::string_view query);

/// The answer of the node that was meant. `state`: the state before the order. `is_taken`: false when the node leaves,
/// or a signal stops the node that is to be kept.
[[nodiscard]] std::string render_drain_answer(std::string_view node, DrainState state, bool is_taken);
/// Such an answer.
struct DrainAnswer {
    std::string json;
    bool is_taken = false;
};
/// The first such answer among the parts; nothing when no node was meant.
[[nodiscard]] std::optional<DrainAnswer> find_drain_answer(const mesh::QueryResult& result);

}  // namespace tulle::node
