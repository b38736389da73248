#include "mesh/base/assert.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace tulle {

void assertion_failed(const char* expression, const char* file, int line) {
    std::array<char, 1024> text;
    const int wanted =
        std::snprintf(text.data(), text.size(), "tulle: broken invariant: %s (%s:%d)\n", expression, file, line);
    const auto size = wanted < 0 ? 0 : std::min(static_cast<std::size_t>(wanted), text.size() - 1);
    // A dying process must not wait for a reader of standard error. A writable pipe accepts a whole line, so a single
    // write is enough.
    pollfd writable{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (::poll(&writable, 1, 500) == 1) {
        [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), size);
    }
    std::abort();
}

}  // namespace tulle
