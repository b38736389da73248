#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "mesh/base/time.hpp"

namespace tulle::load {

/// The beginning of every sent text, in characters that no protocol has to escape, so that a receiver can tell the
/// messages apart without parsing the protocol around the text:
///
///     ~rrsssssnnnnnnnn tttttttttttttttt xxxx…      without the blanks; r, s, n and t are lower-case hexadecimal
///
/// `r` number of the run, `s` stream, `n` number within the stream, `t` intended time of sending on the monotonic
/// clock. A stream is the sequence of messages from a single publisher to a single channel: only there is order
/// promised.
struct Stamp {
    /// 8 bits of run and 20 bits of stream, see run_and_stream().
    std::uint32_t run_and_stream = 0;
    std::uint32_t number = 0;
};

/// Stands nowhere else in the protocols' wrapping, so the mark shows where a text begins.
inline constexpr char kStampMark = '~';
/// The least size of a text.
inline constexpr std::size_t kStampBytes = 16;
/// The size of a stamp with a time: the least size of a text with a measured latency.
inline constexpr std::size_t kTimedStampBytes = 32;
/// Five hexadecimal digits.
inline constexpr std::uint32_t kStreamBits = 20;
/// Limits the channels and the publishers of a plan.
inline constexpr std::uint32_t kMaxStreams = std::uint32_t{1} << kStreamBits;
/// Run numbers repeat after this many runs, so messages of a much older run could pass for new messages.
inline constexpr std::uint32_t kRuns = 1U << 8U;

namespace detail {

/// The value of eight lower-case hexadecimal digits, computed for all digits at once. Other characters yield some
/// number.
[[nodiscard]] inline std::uint32_t hex8(std::uint64_t digits) {
    // The low four bits are the value of '0' to '9'. Bit 6 is set for 'a' to 'f', with 9 to be added.
    digits = (digits & 0x0f0f0f0f0f0f0f0fU) + 9 * ((digits >> 6U) & 0x0101010101010101U);
    // Joins neighbours: digits to bytes, bytes to pairs, pairs to the number. The first character is in the lowest
    // byte.
    digits = ((digits << 4U) | (digits >> 8U)) & 0x00ff00ff00ff00ffU;
    digits = ((digits << 8U) | (digits >> 16U)) & 0x0000ffff0000ffffU;
    return static_cast<std::uint32_t>((digits << 16U) | (digits >> 32U));
}

/// Eight bytes from any address, in the byte order of the machine (little-endian is assumed by hex8()).
[[nodiscard]] inline std::uint64_t load8(const char* at) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof(value));
    return value;
}

}  // namespace detail

/// Reads the stamp at `at`. REQUIRES: kStampBytes readable bytes, the first of them kStampMark. Bytes of another text
/// yield a number that the caller does not expect.
[[nodiscard]] inline Stamp read_stamp(const char* at) {
    // The mark stands in the place of a digit, so that hex8() reads eight digits.
    const std::uint64_t mark_as_zero = (detail::load8(at) & ~std::uint64_t{0xff}) | '0';
    return {.run_and_stream = detail::hex8(mark_as_zero), .number = detail::hex8(detail::load8(at + 8))};
}

/// Reads the time of the stamp at `at`. REQUIRES: kTimedStampBytes readable bytes.
[[nodiscard]] inline Instant read_intended_time(const char* at) {
    const std::uint64_t ticks =
        (std::uint64_t{detail::hex8(detail::load8(at + 16))} << 32U) | detail::hex8(detail::load8(at + 24));
    return Instant(Duration(static_cast<Duration::rep>(ticks)));
}

/// Packs the number of a run and a stream below kMaxStreams.
[[nodiscard]] constexpr std::uint32_t run_and_stream(std::uint32_t run, std::uint32_t stream) {
    return (run % kRuns << kStreamBits) | stream;
}

/// Writes the stamp over the first bytes of a text of `text_bytes`, at least kStampBytes. The time is written only if
/// there is room.
void write_stamp(char* at, std::size_t text_bytes, Stamp stamp, Instant intended);

}  // namespace tulle::load
