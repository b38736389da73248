#include "mesh/base/ids.hpp"

#include <charconv>

namespace tulle {

std::string to_hex(OriginId oid) {
    static constexpr char kDigits[] = "0123456789abcdef";
    // The last digit stands for the lowest four bits.
    std::string text(16, '0');
    for (std::size_t i = 0; i < 16; ++i) {
        text[15 - i] = kDigits[(oid.value >> (4 * i)) & 0xf];
    }
    return text;
}

std::optional<OriginId> origin_from_hex(std::string_view text) {
    std::uint64_t value = 0;
    // from_chars alone would accept fewer digits.
    if (text.size() != 16) {
        return std::nullopt;
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return OriginId{value};
}

}  // namespace tulle
