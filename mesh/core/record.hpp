#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/bytes.hpp"
#include "mesh/base/strong.hpp"

namespace tulle::mesh {

/// Position in the log of one origin: 1, 2, 3… (origin, RecordNo) names a record everywhere; 0 is "before the first".
using RecordNo = Strong<struct RecordNoTag, std::uint64_t>;

/// What one publish became. Immutable once numbered; shared by the ring, the links and the shards.
struct Record {
    RecordNo n;
    /// Opaque keys ("<app id>/<channel name>"), 1 to kMaxRecordChannels of them, each at most kMaxChannelBytes.
    std::vector<std::string> channels;
    /// What follows the channel name in the client's frame; opaque to the mesh. At most kMaxBodyBytes.
    SharedBytes body;
    /// The connection that must not get it; empty for none.
    std::string exclude_socket;

    /// What it costs in a ring or a frame, headers included.
    [[nodiscard]] std::size_t cost() const {
        std::size_t bytes = 64 + exclude_socket.size() + (body ? body->size() : 0);
        for (const std::string& channel : channels) {
            bytes += 16 + channel.size();
        }
        return bytes;
    }
};

using RecordPtr = std::shared_ptr<const Record>;

}  // namespace tulle::mesh
