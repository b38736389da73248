#pragma once

#include <string_view>

#include <boost/json/error.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include "mesh/base/result.hpp"

namespace tulle::node::pusher {

enum class JsonErrc {
    kMalformed,
    kNotUtf8,
    kTooDeep,
    kNotAnObject,
    kTooManyMembers,
};
/// The error for what the JSON library says about a text.
[[nodiscard]] JsonErrc json_error(const boost::json::error_code& error, std::string_view text);

/// Parses a JSON object as far as the protocol looks into one: the object itself, its arrays, and the objects that are
/// elements of its arrays (the events of a batch). All other objects are checked as strictly but come out empty, as
/// they are handed on by their source alone. So a parse hashes kMaxJsonMembers keys of an object at most, and its cost
/// is linear in the text whatever keys a stranger chooses. What is correct JSON but holds no text or number of ours
/// (halves of surrogate pairs, exponents without end) is read by what stands in for it in readable_json.
[[nodiscard]] Result<boost::json::value, JsonErrc> build_json(std::string_view text, boost::json::storage_ptr storage);

}  // namespace tulle::node::pusher
