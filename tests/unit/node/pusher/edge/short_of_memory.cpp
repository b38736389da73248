#include "tests/unit/node/pusher/edge/short_of_memory.hpp"

#include <cstdlib>
#include <new>

namespace tulle::node::testing {

std::atomic<int> large_ones{kAll};
thread_local bool is_spared = false;

}  // namespace tulle::node::testing

void* operator new(std::size_t size) {
    using namespace tulle::node::testing;
    const bool is_refused = size >= kLarge && !is_spared && large_ones.fetch_sub(1) <= 0;
    if (void* memory = is_refused ? nullptr : std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
