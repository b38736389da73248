#include "node/core/flush_mode.hpp"

namespace tulle::node {

std::optional<FlushMode> flush_mode_of(std::string_view text) {
    if (text == "send") {
        return FlushMode::kSend;
    }
    if (text == "io_uring") {
        return FlushMode::kUring;
    }
    return std::nullopt;
}

}  // namespace tulle::node
