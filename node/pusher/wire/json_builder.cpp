#include "node/pusher/wire/json_builder.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>

#include "mesh/base/readable_json.hpp"
#include "mesh/base/utf8.hpp"
#include "node/pusher/core/limits.hpp"

namespace tulle::node::pusher {
namespace {

namespace json = boost::json;

// Two things go beyond plain parsing. First, the handler passes over objects of no interest: the handler counts depth,
// and pushes an empty object at the end of such an object. So no key of a stranger's deep object enters a hash table.
// Second, the library's strings and numbers cannot hold all correct JSON; readable_json replaces the values in
// question, and the text is parsed once more.

/// Depth of the elements of an array among the object's members.
constexpr std::size_t kListDepth = 2;

/// Receives the events of the JSON parser and builds a value without the content of passed-over objects.
class Handler {
public:
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = json::string::max_size();
    static constexpr std::size_t max_string_size = json::string::max_size();

    explicit Handler(json::storage_ptr storage) : stack_({}, block_.data(), block_.size()) {
        stack_.reset(std::move(storage));
    }

    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }
    bool on_object_begin(json::error_code&) {
        // Parsed are the object itself (depth 0) and the elements of its arrays. Any other object is passed over.
        if (!is_passing_over() && depth_ != 0 && depth_ != kListDepth) {
            passed_over_at_ = depth_ + 1;
        }
        ++depth_;
        return true;
    }
    bool on_object_end(std::size_t size, json::error_code& error) {
        const bool was_passed_over = is_passing_over();
        // The passed-over object ends: an empty object stands in for the content.
        const bool is_outermost = depth_-- == passed_over_at_;
        if (was_passed_over) {
            if (is_outermost) {
                passed_over_at_ = 0;
                stack_.push_object(0);
            }
            return true;
        }
        // Refused before push_object() hashes the keys.
        if (size > kMaxJsonMembers) {
            error = json::error::object_too_large;
            return false;
        }
        stack_.push_object(size);
        return true;
    }
    bool on_array_begin(json::error_code&) {
        ++depth_;
        return true;
    }
    bool on_array_end(std::size_t size, json::error_code&) {
        --depth_;
        return put([&] { stack_.push_array(size); });
    }
    bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
        return put([&] { stack_.push_chars(part); });
    }
    bool on_key(json::string_view part, std::size_t, json::error_code&) {
        return put([&] { stack_.push_key(part); });
    }
    bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
        return put([&] { stack_.push_chars(part); });
    }
    bool on_string(json::string_view part, std::size_t, json::error_code&) {
        return put([&] { stack_.push_string(part); });
    }
    bool on_number_part(json::string_view, json::error_code&) { return true; }
    bool on_int64(std::int64_t number, json::string_view, json::error_code&) {
        return put([&] { stack_.push_int64(number); });
    }
    bool on_uint64(std::uint64_t number, json::string_view, json::error_code&) {
        return put([&] { stack_.push_uint64(number); });
    }
    bool on_double(double number, json::string_view, json::error_code&) {
        return put([&] { stack_.push_double(number); });
    }
    bool on_bool(bool value, json::error_code&) {
        return put([&] { stack_.push_bool(value); });
    }
    bool on_null(json::error_code&) {
        return put([&] { stack_.push_null(); });
    }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }

    [[nodiscard]] json::value release() { return stack_.release(); }

private:
    /// True inside a passed-over object.
    [[nodiscard]] bool is_passing_over() const { return passed_over_at_ != 0; }

    /// Pushes a value, unless the parser is inside a passed-over object.
    template <class Push>
    bool put(Push push) {
        if (!is_passing_over()) {
            push();
        }
        return true;
    }

    /// Temporary storage of the value stack: usual frames need no heap.
    std::array<unsigned char, 2048> block_;
    json::value_stack stack_;
    /// Open objects and arrays.
    std::size_t depth_ = 0;
    /// The depth inside the passed-over object; 0: no object is passed over.
    std::size_t passed_over_at_ = 0;
};

/// Parses a text once.
Result<json::value, JsonErrc> build_readable(std::string_view text, json::storage_ptr storage) {
    json::parse_options options;
    options.max_depth = kMaxJsonDepth;
    json::basic_parser<Handler> parser(options, std::move(storage));
    json::error_code error;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
    if (error == json::error::object_too_large) {
        return JsonErrc::kTooManyMembers;
    }
    if (error || read < text.size()) {
        return json_error(error, text);
    }
    json::value parsed = parser.handler().release();
    if (!parsed.is_object()) {
        return JsonErrc::kNotAnObject;
    }
    return parsed;
}

}  // namespace

JsonErrc json_error(const json::error_code& error, std::string_view text) {
    if (error == json::error::too_deep) {
        return JsonErrc::kTooDeep;
    }
    // The library reports wrong UTF-8 as a malformed text.
    return is_utf8(text) ? JsonErrc::kMalformed : JsonErrc::kNotUtf8;
}

Result<json::value, JsonErrc> build_json(std::string_view text, json::storage_ptr storage) {
    Result<json::value, JsonErrc> built = build_readable(text, storage);
    // The text may be correct JSON that the library cannot read. The second pass costs only such texts, and wrong
    // texts.
    if (!built && built.error() == JsonErrc::kMalformed) {
        if (const std::optional<std::string> readable = readable_json(text)) {
            return build_readable(*readable, std::move(storage));
        }
    }
    return built;
}

}  // namespace tulle::node::pusher
