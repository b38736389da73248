#pragma once

#include <string>

#include "mesh/core/node/port.hpp"
#include "mesh/wire/decode_numbers.hpp"
#include "mesh/wire/protocol_2.hpp"
#include "proto/mesh/v1/stream.pb.h"

/// The parts of an event of a peer, wherever the event stands: in a record, as a last event, or in a history.
namespace tulle::mesh::wire {

/// True for the length of a channel or key. The characters are opaque to the mesh.
[[nodiscard]] inline bool good_channel(const std::string& channel) {
    return !channel.empty() && channel.size() <= kMaxChannelBytes;
}

/// True when a retained event is kept no longer than kMaxKeepFor.
[[nodiscard]] inline bool good_keep(std::uint64_t keep_ms) {
    return keep_ms <= static_cast<std::uint64_t>(kMaxKeepFor / 1ms);
}

/// The time and the origin of a retained event.
[[nodiscard]] inline bool get(const v1::Stamp& from, Stamp& to) {
    to = {from.time_us(), OriginId{from.origin()}};
    // Zero means "no stamp" in the core, so a stamp of zero must not arrive.
    return from.time_us() != 0 && from.time_us() <= static_cast<std::uint64_t>(kMaxClockUs) && from.origin() != 0;
}

/// Decodes the event in a Record or a RetainedPart. `tail` is the event's form in protocol 2, or empty.
template <class From>
[[nodiscard]] bool get_body(const From& from, const std::string& tail, SharedBody& to) {
    if (tail.empty()) {
        to = share(EventBody(from.event(), from.data(), static_cast<DataKind>(from.kind()), from.sender()));
    } else {
        to = share(protocol_2::body_of(tail));
    }
    return v1::DataKind_IsValid(from.kind()) &&
           from.event().size() + from.data().size() + from.sender().size() <= kMaxBodyBytes &&
           tail.size() <= kMaxBodyBytes;
}

}  // namespace tulle::mesh::wire
