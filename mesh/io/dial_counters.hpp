#pragma once

#include <cstdint>
#include <string>

namespace tulle::mesh {

/// What the diallers of control and of data count together. All counts begin with the transport.
///
/// Thread: confined to the hub.
struct DialCounters {
    /// Connections not made for want of descriptors or memory or because of a limit, data connections included.
    std::uint64_t put_off = 0;
    /// Outward handshakes that failed for the key: the other side refused ours, or did not prove a key of the ring.
    std::uint64_t keys_refused = 0;
    /// Dials that libzmq did not take, as the address is none, say.
    std::uint64_t not_dialled = 0;

    /// Counts a connection put off, and logs the 1st, 2nd, 4th, 8th… time.
    void note_put_off(const std::string& endpoint, const char* why);
    /// The same for a dial that libzmq did not take.
    void note_not_dialled(const std::string& endpoint, const char* why);
};

}  // namespace tulle::mesh
