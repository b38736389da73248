#pragma once

#include <string_view>

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include "mesh/base/result.hpp"

namespace tulle::node::pusher {

enum class JsonErrc {
    kMalformed,
    kNotAnObject,
    kTooManyMembers,
};

/// Parses a JSON object as far as the protocol looks into one: the object itself, its arrays, and the objects that are
/// elements of its arrays (the events of a batch). All other objects are checked as strictly but come out empty, as they
/// are handed on by their source alone. So a parse hashes kMaxJsonMembers keys of an object at most, and its cost is linear in
/// the text whatever keys a stranger chooses.
/// Errors: more than kMaxJsonMembers members in an object that is built; nesting beyond kMaxJsonDepth is malformed.
[[nodiscard]] Result<boost::json::value, JsonErrc> build_json(std::string_view text, boost::json::storage_ptr storage);

}  // namespace tulle::node::pusher
