#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "mesh/base/json_members.hpp"
#include "mesh/base/result.hpp"
#include "node/pusher/wire/json_builder.hpp"

namespace tulle::node::pusher {

/// Where a parsed object lives that is soon thrown away whole: a block on the stack, and blocks of the heap beyond it,
/// so that a parse costs no allocation for each of its values. Must outlive the objects in it.
class JsonScratch {
public:
    [[nodiscard]] boost::json::storage_ptr storage() { return &resource_; }

private:
    std::array<unsigned char, 2048> block_;
    boost::json::monotonic_resource resource_{block_.data(), block_.size()};
};

/// A JSON object read twice: parsed, and as the source bytes of its members in order, so that values can be handed on
/// byte for byte. The parse checks everything (UTF-8, nesting up to kMaxJsonDepth, no trailing garbage); which of the
/// nested objects it looks into, and the limit of their members, says build_json.
class RawObject {
public:
    /// `storage` must outlive the object.
    [[nodiscard]] static Result<RawObject, JsonErrc> parse(std::string_view text,
                                                           boost::json::storage_ptr storage = {});

    /// Whether a member appears twice, which parsers read differently.
    [[nodiscard]] bool has_duplicate(std::string_view key) const { return has_duplicates() && comes_twice(key); }
    /// Whether any does.
    [[nodiscard]] bool has_duplicates() const { return members_.size() > object_.size(); }
    /// Null when absent. An object that is a member is empty: `raw` has it.
    [[nodiscard]] const boost::json::value* find(std::string_view key) const;
    /// A member that must be a string; null when absent or of another type.
    [[nodiscard]] const boost::json::string* find_string(std::string_view key) const;
    /// The source bytes of a member's value; empty when absent. Of duplicates the last, as the parser has it.
    [[nodiscard]] std::string_view raw(std::string_view key) const;
    /// The elements of a member that is an array, each as an object of its own, parsed with this one and taken out of
    /// it.
    /// REQUIRES: the member is there once and is an array.
    [[nodiscard]] std::vector<Result<RawObject, JsonErrc>> take_objects(std::string_view key);

private:
    RawObject(boost::json::object object, std::string_view source);
    [[nodiscard]] bool comes_twice(std::string_view key) const;

    boost::json::object object_;       ///< moving it leaves its keys where they are
    std::vector<JsonMember> members_;  ///< their names unquoted and without escapes: parts of the source or of object_
};

/// `text` as a JSON string, quotes included. Bytes that are not UTF-8 must not come here.
[[nodiscard]] std::string quoted(std::string_view text);
void append_quoted(std::string& out, std::string_view text);

}  // namespace tulle::node::pusher
