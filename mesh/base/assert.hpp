#pragma once

namespace tulle {

/// Prints the broken invariant and aborts. Never returns.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace tulle

/// A broken invariant of our own code, never of input: on in every build.
#define TULLE_ASSERT(expression) \
    ((expression) ? static_cast<void>(0) : ::tulle::assertion_failed(#expression, __FILE__, __LINE__))
