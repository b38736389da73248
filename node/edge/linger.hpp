#pragma once

#include <cstddef>

namespace tulle::node {

/// Ends a TCP connection so that the peer can read our last words: shuts our direction, and reads and throws away what
/// the peer still sends, as closing a socket with unread bytes would destroy what the peer has not read yet.
///
/// Thread: its owner's. Limits: kLingerBytes; the time is the owner's deadline.
class Linger {
public:
    /// Shuts our direction of the non-blocking `socket`; true when there is nothing to wait for.
    [[nodiscard]] bool begin(int socket);
    /// Call when the socket is readable; true when there is nothing more to wait for.
    [[nodiscard]] bool on_readable(int socket);

private:
    std::size_t thrown_away_ = 0;
};

/// Closing the socket then throws away what the peer has not taken, which the kernel would keep for minutes otherwise.
void reset_on_close(int socket);

}  // namespace tulle::node
