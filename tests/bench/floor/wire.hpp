#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tulle::bench::floor {

/// Of one frame that a client sends; a longer one ends the connection. Sixteen times the largest payload that is
/// measured.
inline constexpr std::size_t kMaxFrameBytes = std::size_t{1} << 20;
/// Of a handshake's head; a longer one ends the connection.
inline constexpr std::size_t kMaxHeadBytes = 8192;

enum class Opcode : std::uint8_t { kText = 1, kClose = 8, kPing = 9, kPong = 10 };

struct Frame {
    Opcode opcode = Opcode::kText;
    std::string_view payload;  ///< inside the bytes that were read
    std::size_t size = 0;      ///< with its header
};

enum class Progress : std::uint8_t { kFrame, kMore, kBroken };

/// The frame at the front of `bytes`, unmasked in place. Whole messages only: a fragment, an unmasked frame or one past
/// kMaxFrameBytes is kBroken.
[[nodiscard]] Progress read_frame(std::span<char> bytes, Frame& frame);

/// Appends an unmasked frame, as a server sends it.
void append_frame(std::string& out, Opcode opcode, std::string_view payload);

struct Upgrade {
    std::string path;    ///< without the query
    std::string answer;  ///< the whole head of the response
};

/// `head` ends with the empty line. nullopt: not a WebSocket handshake.
[[nodiscard]] std::optional<Upgrade> upgrade(std::string_view head);

}  // namespace tulle::bench::floor
