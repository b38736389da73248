// What a server sends to the client library.
#include <cstdint>
#include <string_view>

#include "client/wire/codec.hpp"
#include "mesh/base/assert.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto message = tulle::client::decode({reinterpret_cast<const char*>(data), size});
    TULLE_ASSERT(message || !tulle::client::describe(message.error()).empty());
    return 0;
}
