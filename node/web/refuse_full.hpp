#pragma once

#include "node/edge/socket.hpp"

namespace tulle::node {

/// Answers 503 with Retry-After to a connection that may not stay, and shuts our direction. The answer is written only
/// as far as the non-blocking `socket` takes the answer at once. Bytes that the peer has sent already are read first,
/// because closing a socket with unread bytes destroys the answer. The caller closes the socket.
///
/// Thread: that of the socket.
/// Limits: reads 8 KiB at most. Allocates nothing.
/// Errors: none; a failed read or write is ignored, as the connection ends anyway.
void refuse_full(Socket& socket);

}  // namespace tulle::node
