#include "node/pusher/wire/frame_scan.hpp"

#include <cstddef>
#include <limits>
#include <optional>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>

#include "mesh/base/json_members.hpp"
#include "mesh/base/readable_json.hpp"
#include "node/pusher/core/limits.hpp"

namespace tulle::node::pusher {
namespace {

namespace json = boost::json;

/// Receives the events of the JSON parser and keeps the members at the top level; everything nested in a member is
/// passed over. Strings and keys come in parts, and the last part by on_string and on_key.
class Handler {
public:
    // The sizes are bounded by the message already, which is bounded by max_frame_bytes().
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }
    bool on_object_begin(json::error_code&) {
        is_object_ = is_object_ || depth_ == 0;
        return enter();
    }
    bool on_object_end(std::size_t, json::error_code&) { return leave(); }
    bool on_array_begin(json::error_code&) { return enter(); }
    bool on_array_end(std::size_t, json::error_code&) { return leave(); }
    bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
        if (depth_ == 1) {
            key_.append(part.data(), part.size());
        }
        return true;
    }
    bool on_key(json::string_view part, std::size_t, json::error_code&) {
        if (depth_ == 1) {
            // The usual key comes in a single part, and is used without a copy.
            if (key_.empty()) {
                begin_member({part.data(), part.size()});
            } else {
                begin_member(key_.append(part.data(), part.size()));
                key_.clear();
            }
        }
        return true;
    }
    bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
        if (depth_ == 1 && member_ != nullptr && member_ != &scan_.data) {
            member_->text.append(part.data(), part.size());
        }
        return true;
    }
    bool on_string(json::string_view part, std::size_t size, json::error_code& error) {
        on_string_part(part, size, error);
        if (depth_ == 1 && member_ == &scan_.data) {
            scan_.data_bytes = size;
        }
        return note(FrameMember::Type::kString);
    }
    bool on_number_part(json::string_view, json::error_code&) { return true; }
    bool on_int64(std::int64_t, json::string_view, json::error_code&) { return note(FrameMember::Type::kOther); }
    bool on_uint64(std::uint64_t, json::string_view, json::error_code&) { return note(FrameMember::Type::kOther); }
    bool on_double(double, json::string_view, json::error_code&) { return note(FrameMember::Type::kOther); }
    bool on_bool(bool, json::error_code&) { return note(FrameMember::Type::kOther); }
    bool on_null(json::error_code&) { return note(FrameMember::Type::kNull); }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }

    [[nodiscard]] bool is_object() const { return is_object_; }
    [[nodiscard]] FrameScan& scan() { return scan_; }
    /// The index of the member data among the object's members, from 0; of several, the last. Nothing when there is no
    /// such member.
    [[nodiscard]] std::optional<std::size_t> data_place() const { return data_place_; }
    /// The index of the member event, in the same way.
    [[nodiscard]] std::optional<std::size_t> event_place() const { return event_place_; }

private:
    /// An object or array begins: a value of another type for the member of the top level.
    bool enter() {
        note(FrameMember::Type::kOther);
        ++depth_;
        return true;
    }

    /// An object or array ends.
    bool leave() {
        --depth_;
        return true;
    }

    /// Notes the type of a value at the top level.
    bool note(FrameMember::Type type) {
        if (depth_ == 1 && member_ != nullptr) {
            member_->type = type;
        }
        return true;
    }

    /// A member of the top level begins.
    void begin_member(std::string_view key) {
        member_ = key == "event"     ? &scan_.event
                  : key == "channel" ? &scan_.channel
                  : key == "data"    ? &scan_.data
                                     : nullptr;
        if (member_ != nullptr) {
            member_->comes_twice = member_->type != FrameMember::Type::kAbsent;
        }
        if (member_ == &scan_.data) {
            data_place_ = members_;
        } else if (member_ == &scan_.event) {
            event_place_ = members_;
        }
        ++members_;
    }

    FrameScan scan_;
    /// The member with the value being read; null: a member of no interest.
    FrameMember* member_ = nullptr;
    /// The parts so far of a key that comes in parts.
    std::string key_;
    /// Open objects and arrays.
    std::size_t depth_ = 0;
    /// Members of the top level so far.
    std::size_t members_ = 0;
    std::optional<std::size_t> data_place_;
    std::optional<std::size_t> event_place_;
    bool is_object_ = false;
};

/// Scans `text`, which the parser can read; `source` is the text as the client sent it. Every value stands at the same
/// place in both, so the source bytes of a member are found in `source` by the index of the member.
Result<FrameScan, JsonErrc> scan_readable(std::string_view text, std::string_view source) {
    json::parse_options options;
    options.max_depth = kMaxJsonDepth;
    json::basic_parser<Handler> parser(options);
    json::error_code error;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
    if (error || read < text.size()) {
        return json_error(error, text);
    }
    Handler& handler = parser.handler();
    if (!handler.is_object()) {
        return JsonErrc::kNotAnObject;
    }
    FrameScan& scan = handler.scan();
    if (const std::optional<std::size_t> place = handler.data_place()) {
        scan.raw_data = json_value(source, *place);
        scan.data_bytes = scan.data.type == FrameMember::Type::kString ? scan.data_bytes : scan.raw_data.size();
    }
    // Only a replaced text can have lost half a surrogate pair in the name.
    if (source.data() != text.data() && handler.event_place()) {
        const std::string_view raw = json_value(source, *handler.event_place());
        scan.raw_event = has_half_character(raw) ? raw : std::string_view{};
    }
    return std::move(scan);
}

}  // namespace

Result<FrameScan, JsonErrc> scan_frame(std::string_view text) {
    Result<FrameScan, JsonErrc> scan = scan_readable(text, text);
    // The text may be correct JSON that the library cannot read. The second pass costs only such texts, and wrong
    // texts.
    if (!scan && scan.error() == JsonErrc::kMalformed) {
        if (const std::optional<std::string> readable = readable_json(text)) {
            return scan_readable(*readable, text);
        }
    }
    return scan;
}

}  // namespace tulle::node::pusher
