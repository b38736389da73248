#include "mesh/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace tulle {

void assertion_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "tulle: broken invariant: %s (%s:%d)\n", expression, file, line);
    std::fflush(stderr);
    std::abort();
}

}  // namespace tulle
