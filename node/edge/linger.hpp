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
    /// Shuts the sending direction of the non-blocking `socket`. True: there is nothing to wait for, and the owner
    /// closes the socket.
    [[nodiscard]] bool begin(int socket);
    /// Reads and throws away. Call when the socket is readable. True: there is nothing more to wait for, because the
    /// peer has closed, the connection is broken, or kLingerBytes have been thrown away.
    [[nodiscard]] bool on_readable(int socket);

private:
    /// Bytes read so far.
    std::size_t thrown_away_ = 0;
};

/// Has the kernel throw away untaken bytes when the socket is closed. Otherwise the kernel would keep the bytes for
/// minutes.
void reset_on_close(int socket);

}  // namespace tulle::node
