#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "mesh/core/node/port.hpp"

/// What is common to the answers of all nodes to a question of an admin listener.
namespace tulle::node {

/// The parts that are JSON objects with the member `key`, in their order. Ports that do not answer, and nodes of
/// another version, send something else.
[[nodiscard]] std::vector<boost::json::object> parts_with(const mesh::QueryResult& result, std::string_view key);

/// The names of the nodes without an answer.
[[nodiscard]] boost::json::array missing_names(const mesh::QueryResult& result);
/// The names as words: "n2, n3".
[[nodiscard]] std::string missing_text(const mesh::QueryResult& result);

}  // namespace tulle::node
