#pragma once

#include <string_view>

#include <boost/json/error.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include "mesh/base/result.hpp"

namespace tulle::node::pusher {

/// Why a text is not taken as a JSON object.
enum class JsonErrc {
    kMalformed,
    kNotUtf8,
    kTooDeep,
    kNotAnObject,
    /// A parsed object has more than kMaxJsonMembers members.
    kTooManyMembers,
};
/// The error for the JSON library's judgement of `text`.
[[nodiscard]] JsonErrc json_error(const boost::json::error_code& error, std::string_view text);

/// Parses a JSON object as deep as the protocol looks into objects: the object itself, its arrays, and the objects
/// among the elements of such arrays (the events of a batch). All other objects are checked as strictly, but come out
/// empty: callers hand other objects on by their source alone.
///
/// Cost:   linear in the text, whatever keys a stranger chooses: a parse hashes at most kMaxJsonMembers keys of an
///         object.
/// Errors: JsonErrc. Correct JSON beyond the library's powers (halves of surrogate pairs, exponents without end) is
///         read after a replacement by readable_json.
[[nodiscard]] Result<boost::json::value, JsonErrc> build_json(std::string_view text, boost::json::storage_ptr storage);

}  // namespace tulle::node::pusher
