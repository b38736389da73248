#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "mesh/base/result.hpp"

namespace tulle::node::pusher {

enum class JsonErrc { kMalformed, kNotAnObject };

/// One member of a JSON object, with the very bytes of its value in the source.
struct RawMember {
    std::string key;
    std::string_view value;  ///< valid as long as the source
};

/// A JSON object read twice: parsed, and as the source bytes of its members in order, so that values can be handed on
/// byte for byte. The parse checks everything (UTF-8, nesting up to kMaxJsonDepth, no trailing garbage).
class RawObject {
public:
    [[nodiscard]] static Result<RawObject, JsonErrc> parse(std::string_view text);

    /// Whether a member appears twice, which parsers read differently.
    [[nodiscard]] bool has_duplicate(std::string_view key) const;
    /// Null when absent.
    [[nodiscard]] const boost::json::value* find(std::string_view key) const;
    /// A member that must be a string; null when absent or of another type.
    [[nodiscard]] const boost::json::string* find_string(std::string_view key) const;
    /// The source bytes of a member's value; empty when absent. Of duplicates the last, as the parser has it.
    [[nodiscard]] std::string_view raw(std::string_view key) const;

private:
    RawObject(boost::json::object object, std::vector<RawMember> members)
        : object_(std::move(object)), members_(std::move(members)) {}

    boost::json::object object_;
    std::vector<RawMember> members_;
};

/// The elements of a JSON array by their very bytes, in order. REQUIRES: a parser has accepted `array`.
[[nodiscard]] std::vector<std::string_view> raw_elements(std::string_view array);

[[nodiscard]] bool is_utf8(std::string_view text);

/// `text` as a JSON string, quotes included. Bytes that are not UTF-8 must not come here.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace tulle::node::pusher
