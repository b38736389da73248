// JSON: what build_json takes is what the JSON library takes, within the limits; and the scanner of members finds the
// extents that the parser has seen, and stays within any other text.
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "mesh/base/assert.hpp"
#include "mesh/base/json_members.hpp"
#include "mesh/base/readable_json.hpp"
#include "mesh/base/utf8.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/json_builder.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace {

using namespace tulle::node::pusher;

void must_lie_within(std::string_view part, std::string_view text) {
    TULLE_ASSERT(part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size());
}

void scan(std::string_view text) {
    const auto members = tulle::json_members(text);
    for (const tulle::JsonMember& member : members) {
        must_lie_within(member.name, text);
        must_lie_within(member.value, text);
    }
    for (const std::string_view element : tulle::json_elements(text)) {
        must_lie_within(element, text);
    }
    if (!members.empty()) {
        TULLE_ASSERT(tulle::json_value(text, members.size() - 1).data() == members.back().value.data());
    }
}

/// Compares as text: Boost.JSON 1.81 reads some numbers with a great exponent, as "0e9999789", as one that equals none.
bool is_same(const boost::json::value& one, const boost::json::value& other) {
    return boost::json::serialize(one) == boost::json::serialize(other);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    scan(text);
    boost::json::parse_options options;
    options.max_depth = tulle::node::kMaxJsonDepth;
    boost::system::error_code error;
    const std::string readable = tulle::readable_json(text).value_or(std::string(text));
    const boost::json::value whole = boost::json::parse(readable, error, {}, options);
    const auto built = build_json(text, {});
    if (!built) {
        TULLE_ASSERT(built.error() == JsonErrc::kNotAnObject || built.error() == JsonErrc::kTooManyMembers || error);
        TULLE_ASSERT((built.error() != JsonErrc::kNotUtf8) || !tulle::is_utf8(text));
        TULLE_ASSERT(built.error() != JsonErrc::kNotAnObject || !whole.is_object());
        return 0;
    }
    TULLE_ASSERT(!error && whole.is_object());
    const boost::json::object& object = whole.get_object();
    TULLE_ASSERT(built->get_object().size() == object.size() && object.size() <= tulle::node::kMaxJsonMembers);
    // readable_json() gives a number with a great exponent another value than the library, which takes some of them.
    const bool may_differ = readable != text;
    const auto raw = RawObject::parse(text);
    for (const auto& [key, value] : object) {
        const boost::json::value& ours = built->get_object().at(key);
        TULLE_ASSERT(ours.kind() == value.kind());
        TULLE_ASSERT(value.is_object() || value.is_array() || is_same(ours, value) ||
                     (value.is_double() && may_differ));
        TULLE_ASSERT(!value.is_array() || ours.get_array().size() == value.get_array().size());
        const std::string_view source = raw->raw({key.data(), key.size()});
        const boost::json::value again =
            boost::json::parse(tulle::readable_json(source).value_or(std::string(source)), error, {}, options);
        TULLE_ASSERT(!error && is_same(again, value));
    }
    return 0;
}
