#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "mesh/base/time.hpp"

namespace tulle::load {

/// What stands at the beginning of every text that is sent, in characters that no protocol has to escape, so that a
/// receiver can tell the messages apart without parsing what is around them:
///
///     ~rrsssssnnnnnnnn tttttttttttttttt xxxx…      without the blanks; r, s, n and t are lower-case hexadecimal
///
/// `r` number of the run, `s` stream, `n` number within the stream, `t` intended time of sending on the monotonic
/// clock. A stream is what one publisher sends to one channel: there alone order is promised.
struct Stamp {
    std::uint32_t run_and_stream = 0;  ///< 8 bits and 20 bits
    std::uint32_t number = 0;
};

inline constexpr char kStampMark = '~';
inline constexpr std::size_t kStampBytes = 16;  ///< the least size of a text
inline constexpr std::size_t kTimedStampBytes =
    32;  ///< with the time: the least size of a text whose latency is measured
inline constexpr std::uint32_t kStreamBits = 20;
inline constexpr std::uint32_t kMaxStreams = std::uint32_t{1} << kStreamBits;
inline constexpr std::uint32_t kRuns = 1U << 8U;  ///< run numbers repeat after so many

namespace detail {

/// Eight lower-case hexadecimal digits, all at once. Anything else yields some number.
[[nodiscard]] inline std::uint32_t hex8(std::uint64_t digits) {
    digits = (digits & 0x0f0f0f0f0f0f0f0fU) + 9 * ((digits >> 6U) & 0x0101010101010101U);
    digits = ((digits << 4U) | (digits >> 8U)) & 0x00ff00ff00ff00ffU;
    digits = ((digits << 8U) | (digits >> 16U)) & 0x0000ffff0000ffffU;
    return static_cast<std::uint32_t>((digits << 16U) | (digits >> 32U));
}

[[nodiscard]] inline std::uint64_t load8(const char* at) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof(value));
    return value;
}

}  // namespace detail

/// REQUIRES: kStampBytes readable at `at`, the first of them kStampMark. Whether they are a stamp shows by the number,
/// which is known beforehand.
[[nodiscard]] inline Stamp read_stamp(const char* at) {
    const std::uint64_t mark_as_zero = (detail::load8(at) & ~std::uint64_t{0xff}) | '0';
    return {.run_and_stream = detail::hex8(mark_as_zero), .number = detail::hex8(detail::load8(at + 8))};
}

/// REQUIRES: kTimedStampBytes readable at `at`.
[[nodiscard]] inline Instant read_intended_time(const char* at) {
    const std::uint64_t ticks =
        (std::uint64_t{detail::hex8(detail::load8(at + 16))} << 32U) | detail::hex8(detail::load8(at + 24));
    return Instant(Duration(static_cast<Duration::rep>(ticks)));
}

[[nodiscard]] constexpr std::uint32_t run_and_stream(std::uint32_t run, std::uint32_t stream) {
    return (run % kRuns << kStreamBits) | stream;
}

/// Writes the stamp over the first bytes of a text of `text_bytes`, the time only if there is room for it.
void write_stamp(char* at, std::size_t text_bytes, Stamp stamp, Instant intended);

}  // namespace tulle::load
