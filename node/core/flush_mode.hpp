#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tulle::node {

/// How the bytes of a turn's outboxes reach the kernel.
enum class FlushMode : std::uint8_t {
    /// A system call for each connection.
    kSend,
    /// A system call for many connections, by io_uring. Falls back to kSend on a machine without io_uring.
    kUring,
};

/// Reads the value of the option: "send" or "io_uring". Returns nothing for any other text.
[[nodiscard]] std::optional<FlushMode> flush_mode_of(std::string_view text);

}  // namespace tulle::node
