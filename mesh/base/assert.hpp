#pragma once

namespace tulle {

/// Prints the broken invariant to standard error and aborts the process. Waits at most half a second for a full pipe.
/// Any thread.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace tulle

/// Checks an invariant of our own code, in every build. Never use the macro for input: a peer or client must not be
/// able to end a node.
#define TULLE_ASSERT(expression) \
    ((expression) ? static_cast<void>(0) : ::tulle::assertion_failed(#expression, __FILE__, __LINE__))
