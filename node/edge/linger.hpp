#pragma once

#include <cstddef>

namespace tulle::node {

/// Ends a TCP connection so that the peer can read our last words. Shuts our direction, then reads and throws away
/// whatever the peer still sends: closing a socket with unread bytes would destroy the bytes that the peer has not read
/// yet.
///
/// Thread: the owner's.
/// Limits: kLingerBytes are thrown away at most; the owner's deadline bounds the time.
class Linger {
public:
    /// Shuts our direction of the non-blocking `socket`. True: there is nothing to wait for.
    [[nodiscard]] bool begin(int socket);
    /// Call when the socket is readable. True: there is nothing more to wait for.
    [[nodiscard]] bool on_readable(int socket);

private:
    std::size_t thrown_away_ = 0;
};

/// When the socket is closed, the kernel throws away the bytes that the peer has not taken; otherwise the kernel would
/// keep them for minutes.
void reset_on_close(int socket);

}  // namespace tulle::node
