#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tulle::node {

/// How the outboxes of a turn reach the kernel.
enum class FlushMode : std::uint8_t {
    kSend,   ///< a system call for each connection
    kUring,  ///< by io_uring where the machine permits it, else as kSend
};

/// "send" or "io_uring"; nothing for other texts.
[[nodiscard]] std::optional<FlushMode> flush_mode_of(std::string_view text);

}  // namespace tulle::node
