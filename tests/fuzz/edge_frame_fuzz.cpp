// A client's text frame: both ways to read it must agree, and what is handed on must be JSON again.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/parse.hpp>

#include "mesh/base/assert.hpp"
#include "mesh/base/readable_json.hpp"
#include "mesh/wire/protocol_2.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/codec.hpp"
#include "node/pusher/wire/event_frame.hpp"
#include "node/pusher/wire/frame_scan.hpp"
#include "node/pusher/wire/presence.hpp"
#include "node/pusher/wire/raw_json.hpp"
#include "node/pusher/wire/user_data.hpp"

namespace {

using namespace tulle::node::pusher;
using tulle::EventBody;

constexpr std::size_t kMaxInfoBytes = 2048;

void must_be_json(const std::string& text) {
    boost::system::error_code error;
    boost::json::parse_options options;
    options.max_depth = 2 * tulle::node::kMaxJsonDepth;
    boost::json::parse(tulle::readable_json(text).value_or(text), error, {}, options);
    TULLE_ASSERT(!error);
}

void compare(const FrameMember& scanned, const RawObject& object, std::string_view key) {
    TULLE_ASSERT(scanned.comes_twice == object.has_duplicate(key));
    if (scanned.comes_twice) {
        return;
    }
    const boost::json::value* value = object.find(key);
    const bool is_string = value != nullptr && value->is_string();
    TULLE_ASSERT((value == nullptr) == (scanned.type == FrameMember::Type::kAbsent));
    TULLE_ASSERT(is_string == (scanned.type == FrameMember::Type::kString));
    TULLE_ASSERT(!is_string || key == "data" ||
                 scanned.text == std::string_view(value->get_string().data(), value->get_string().size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto scan = scan_frame(text);
    const auto object = RawObject::parse(text);
    TULLE_ASSERT(scan.has_value() || !object.has_value());
    TULLE_ASSERT(object.has_value() || !scan.has_value() || object.error() == JsonErrc::kTooManyMembers);
    if (object) {
        compare(scan->event, *object, "event");
        compare(scan->channel, *object, "channel");
        compare(scan->data, *object, "data");
        TULLE_ASSERT(scan->data.comes_twice || scan->raw_data == object->raw("data"));
    }
    const auto frame = parse_client_frame(text);
    if (!frame) {
        TULLE_ASSERT(!describe(frame.error()).empty());
        return 0;
    }
    const EventBody body(event_name(frame->event, frame->raw_event), frame->data);
    must_be_json(event_frame("private-a", body));
    must_be_json(event_frame("private-a", EventBody(body.name(), text, tulle::DataKind::kBytes)));
    const std::optional<std::string> tail = tulle::mesh::wire::protocol_2::tail_of(body);
    TULLE_ASSERT(!tail || tulle::mesh::wire::protocol_2::body_of(*tail) == body);
    if (const auto member = parse_member(frame->channel_data, kMaxInfoBytes)) {
        must_be_json(event_frame("presence-a", member_added_body(member->card)));
        must_be_json(event_frame("presence-a", member_removed_body(member->card)));
    }
    if (const auto user = parse_user_data(frame->user_data)) {
        must_be_json(signin_success(frame->user_data));
        if (!user->watchlist.empty()) {
            must_be_json(watchlist_events(user->watchlist, {}));
        }
    }
    return 0;
}
