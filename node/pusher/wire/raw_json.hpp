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

/// Memory of a parsed object that is soon thrown away as a whole: a block on the stack, and blocks of the heap beyond
/// the first 2 KiB, so that a parse costs no allocation for each value.
///
/// Lifetime: must outlive the objects in the memory. No memory is given back before the end of the scratch.
class JsonScratch {
public:
    [[nodiscard]] boost::json::storage_ptr storage() { return &resource_; }

private:
    std::array<unsigned char, 2048> block_;
    boost::json::monotonic_resource resource_{block_.data(), block_.size()};
};

/// A JSON object read twice: parsed, and as the source bytes of the members in order, so that values can be handed on
/// byte for byte. The parse checks everything (UTF-8, nesting up to kMaxJsonDepth, no trailing garbage). build_json()
/// says which nested objects are parsed, and how many members an object may have.
///
/// Thread: confined to its owner.
/// Lifetime: the source text and the storage must outlive the object; views returned point into the source.
class RawObject {
public:
    /// Parses `text`. The default storage is the heap.
    [[nodiscard]] static Result<RawObject, JsonErrc> parse(std::string_view text,
                                                           boost::json::storage_ptr storage = {});

    /// True when a member appears twice: parsers take different values of such a member.
    [[nodiscard]] bool has_duplicate(std::string_view key) const { return has_duplicates() && comes_twice(key); }
    /// True when any member appears twice.
    [[nodiscard]] bool has_duplicates() const { return members_.size() > object_.size(); }
    /// The value of a member; null when absent. A member that is an object is found empty: use raw().
    [[nodiscard]] const boost::json::value* find(std::string_view key) const;
    /// The value of a member that must be a string; null when absent or of another type.
    [[nodiscard]] const boost::json::string* find_string(std::string_view key) const;
    /// The source bytes of a member's value; empty when absent. Of duplicates the last, as in the parsed object.
    [[nodiscard]] std::string_view raw(std::string_view key) const;
    /// The elements of a member that is an array, each as an object of its own, moved out of this object; kNotAnObject
    /// for an element of another type. The views of the elements point into this object's source. REQUIRES: the member
    /// is there once and is an array.
    [[nodiscard]] std::vector<Result<RawObject, JsonErrc>> take_objects(std::string_view key);

private:
    /// `source` is the text of `object`.
    RawObject(boost::json::object object, std::string_view source);
    /// Compares the key with every member: O(members).
    [[nodiscard]] bool comes_twice(std::string_view key) const;

    /// Moving the object leaves the keys in place, so views of keys stay valid.
    boost::json::object object_;
    /// Names without quotes and escapes. A name is a view of the source or, if written with escapes, of a key in
    /// `object_`.
    std::vector<JsonMember> members_;
};

/// `text` as a JSON string with quotes. REQUIRES: `text` is UTF-8.
[[nodiscard]] std::string quoted(std::string_view text);
/// Appends `text` to `out` as quoted() does.
void append_quoted(std::string& out, std::string_view text);

}  // namespace tulle::node::pusher
