#pragma once

#include <cstddef>
#include <string_view>

namespace tulle::node::redis {

/// Whether `text` matches the pattern of PSUBSCRIBE or PUBSUB CHANNELS, byte by byte and with the case respected,
/// exactly as Redis decides on x86, its oddities included:
///
///     *       any bytes, also none; but a pattern with a star does not match an empty text
///     ?       one byte
///     [abc]   one of these bytes; [^abc] one other byte; [a-c] and [c-a] a range, of bytes as signed numbers
///     \x      the byte x, in brackets as well
///
/// A bracket that is not closed ends with the pattern. A backslash at the end of the pattern stands for itself.
///
/// Cost: at most the length of the pattern times the length of the text, without recursion and memory.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

/// The same, in at most `steps` steps, of which the number used is taken off. 0 afterwards: the steps may not have been
/// enough, and the result is false. A step compares a byte of the text with a byte of the pattern.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text, std::size_t& steps);

/// Whether the pattern is within kMaxPatternBytes and kMaxPatternStars. Stars that follow each other count as one;
/// stars in brackets or behind a backslash do not count.
[[nodiscard]] bool is_allowed_pattern(std::string_view pattern);

}  // namespace tulle::node::redis
