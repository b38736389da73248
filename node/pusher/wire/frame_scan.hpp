#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mesh/base/result.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node::pusher {

/// A member at the top of a client's frame.
struct FrameMember {
    enum class Type : std::uint8_t { kAbsent, kNull, kString, kOther };

    Type type = Type::kAbsent;
    bool comes_twice = false;
    std::string text;  ///< of a string, without escapes
};

/// The members that every frame may have.
struct FrameScan {
    FrameMember event;
    FrameMember channel;
    FrameMember data;            ///< without its text
    std::string_view raw_data;   ///< the source bytes of its value; empty when absent
    std::size_t data_bytes = 0;  ///< of the text of a string, of the source of any other value
    /// The source of the event's name when that holds half a character, which its text does not; else empty.
    std::string_view raw_event;
};

/// Reads them in one pass of the JSON parser's events, without a tree of what it has seen: a client's event costs a
/// third of what it does by RawObject. The whole text is checked, as there (UTF-8, nesting up to kMaxJsonDepth, no
/// trailing garbage).
[[nodiscard]] Result<FrameScan, JsonErrc> scan_frame(std::string_view text);

}  // namespace tulle::node::pusher
