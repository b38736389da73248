#include "tools/load/stamp.hpp"

#include "mesh/base/assert.hpp"

namespace tulle::load {
namespace {

/// Writes the lowest `digits` hexadecimal digits of a value.
void put_hex(char* at, std::uint64_t value, int digits) {
    static constexpr char kDigits[] = "0123456789abcdef";
    for (int i = digits - 1; i >= 0; --i) {
        at[i] = kDigits[value & 0xfU];
        value >>= 4U;
    }
}

}  // namespace

void write_stamp(char* at, std::size_t text_bytes, Stamp stamp, Instant intended) {
    TULLE_ASSERT(text_bytes >= kStampBytes);
    at[0] = kStampMark;
    // Two digits of the run and five of the stream are a single number of seven digits.
    put_hex(at + 1, stamp.run_and_stream, 7);
    put_hex(at + 8, stamp.number, 8);
    if (text_bytes >= kTimedStampBytes) {
        put_hex(at + kStampBytes, static_cast<std::uint64_t>(intended.time_since_epoch().count()), 16);
    }
}

}  // namespace tulle::load
