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

/// The question to all nodes by which one of them is given an order.
[[nodiscard]] std::string drain_query(const DrainOrder& order);
/// The order in such a question; nothing for any other question, and unless the name has 1 to mesh::kMaxNameBytes.
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

/// Whether a node takes such an order in the state `now`: a node that leaves takes none, and a node that a signal
/// stops (`stops`) is not kept.
[[nodiscard]] constexpr bool is_drain_order_taken(bool drains, DrainState now, bool stops) {
    return now != DrainState::kLeaving && (drains || !stops);
}

}  // namespace tulle::node
