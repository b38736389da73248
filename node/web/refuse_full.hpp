#pragma once

namespace tulle::node {

/// Answers 503 with Retry-After to a connection that may not stay, as far as the non-blocking `socket` takes it at
/// once, and shuts our direction. What the peer has sent already is read, as closing the socket would destroy the
/// answer otherwise. Allocates nothing.
void refuse_full(int socket);

}  // namespace tulle::node
