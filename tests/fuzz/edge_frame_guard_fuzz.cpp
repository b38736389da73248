// The headers of a client's WebSocket frames: in whatever pieces they come, they are counted alike. The first byte says
// how large the pieces are.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "mesh/base/assert.hpp"
#include "node/web/core/frame_guard.hpp"

namespace {

using tulle::node::FrameGuard;

constexpr std::uint64_t kMostDeflated = 10'000;

FrameGuard::Verdict read(std::string_view bytes, std::size_t piece) {
    FrameGuard guard;
    guard.limit_deflated(kMostDeflated);
    while (!bytes.empty()) {
        const std::size_t size = std::min(piece, bytes.size());
        const FrameGuard::Verdict verdict = guard.on_bytes(tulle::Instant{}, bytes.substr(0, size));
        if (verdict != FrameGuard::Verdict::kFine) {
            return verdict;
        }
        bytes.remove_prefix(size);
    }
    return FrameGuard::Verdict::kFine;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    TULLE_ASSERT(read(bytes, std::max<std::size_t>(1, bytes.size())) == read(bytes, data[0] + std::size_t{1}));
    return 0;
}
