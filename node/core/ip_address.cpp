#include "node/core/ip_address.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iterator>

#include "mesh/base/assert.hpp"

namespace tulle::node {
namespace {

constexpr unsigned kBitsV4 = 32;
constexpr unsigned kBitsV6 = 128;
// The text of "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", the longest address.
constexpr std::size_t kMaxTextBytes = 45;
// ::ffff:0:0/96 holds IPv4 addresses (RFC 4291, 2.5.5.2).
constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_mapped(const IpAddress& address) {
    return address.is_v6 && std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin());
}

/// The number that makes up the whole text, of at most `digits` digits; nothing for any other text.
std::optional<unsigned> whole_number(std::string_view text, std::size_t digits, int base) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    const bool is_whole = error == std::errc{} && end == text.data() + text.size() && text.size() <= digits;
    return is_whole ? std::optional(number) : std::nullopt;
}

/// Writes the four bytes of "a.b.c.d" to `out`. False: the text has another form. A leading zero is refused, because
/// some programs read such a number as octal.
bool read_v4(std::string_view text, std::uint8_t* out) {
    for (int i = 0; i < 4; ++i) {
        const std::size_t end = i < 3 ? text.find('.') : text.size();
        if (end == std::string_view::npos) {
            return false;
        }
        const std::string_view part = text.substr(0, end);
        const std::optional<unsigned> number = whole_number(part, 3, 10);
        if (!number || *number > 0xff || (part.size() > 1 && part.front() == '0')) {
            return false;
        }
        out[i] = static_cast<std::uint8_t>(*number);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
}

/// The bytes of an IPv6 address as far as they are written: the bytes before "::", then the bytes after.
struct Groups {
    std::array<std::uint8_t, 16> bytes{};
    std::size_t size = 0;
    /// The number of bytes before "::"; nothing without "::".
    std::optional<std::size_t> gap;
};

/// Appends a group of up to four hexadecimal digits, or the dotted tail of the address. False: the text is neither, or
/// there is no room.
bool add_group(std::string_view text, bool is_last, Groups& groups) {
    if (is_last && text.find('.') != std::string_view::npos) {
        groups.size += 4;
        return groups.size <= groups.bytes.size() && read_v4(text, &groups.bytes[groups.size - 4]);
    }
    const std::optional<unsigned> number = whole_number(text, 4, 16);
    if (!number || groups.size == groups.bytes.size()) {
        return false;
    }
    groups.bytes[groups.size++] = static_cast<std::uint8_t>(*number >> 8);
    groups.bytes[groups.size++] = static_cast<std::uint8_t>(*number & 0xff);
    return true;
}

/// Reads the groups of the text. False: the text is no IPv6 address.
bool read_groups(std::string_view text, Groups& groups) {
    if (text.starts_with("::")) {
        groups.gap = 0;
        text.remove_prefix(2);
    }
    while (!text.empty()) {
        const std::size_t colon = text.find(':');
        if (!add_group(text.substr(0, colon), colon == std::string_view::npos, groups)) {
            return false;
        }
        if (colon == std::string_view::npos) {
            break;
        }
        text.remove_prefix(colon + 1);
        if (text.starts_with(':') && !groups.gap) {
            groups.gap = groups.size;
            text.remove_prefix(1);
        } else if (text.empty()) {
            return false;
        }
    }
    // "::" stands for one group of zeros at least.
    return groups.gap ? groups.size < groups.bytes.size() : groups.size == groups.bytes.size();
}

std::optional<IpAddress> parse_v6(std::string_view text) {
    Groups groups;
    if (!read_groups(text, groups)) {
        return std::nullopt;
    }
    // The bytes behind the gap move to the end; the bytes between stay 0.
    IpAddress address{true};
    const auto begin = groups.bytes.begin();
    const auto gap = begin + static_cast<std::ptrdiff_t>(groups.gap.value_or(groups.size));
    std::copy(begin, gap, address.bytes.begin());
    std::copy_backward(gap, begin + static_cast<std::ptrdiff_t>(groups.size), address.bytes.end());
    return address;
}

/// The first and the last index of the longest run of two or more groups of zeros, the first of equally long runs. The
/// run is empty when there is none.
std::pair<std::size_t, std::size_t> longest_zeros(const std::array<unsigned, 8>& groups) {
    std::pair<std::size_t, std::size_t> longest{0, 0};
    for (std::size_t i = 0; i < groups.size(); ++i) {
        std::size_t end = i;
        while (end < groups.size() && groups[end] == 0) {
            ++end;
        }
        if (end - i >= 2 && end - i > longest.second - longest.first) {
            longest = {i, end};
        }
    }
    return longest;
}

std::string v6_text(const IpAddress& address) {
    std::array<unsigned, 8> groups{};
    for (std::size_t i = 0; i < groups.size(); ++i) {
        groups[i] = static_cast<unsigned>(address.bytes[2 * i] << 8 | address.bytes[2 * i + 1]);
    }
    const auto [first, last] = longest_zeros(groups);
    std::string text;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (i == first && last > first) {
            text += "::";
            i = last - 1;
            continue;
        }
        std::array<char, 4> digits{};
        const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), groups[i], 16);
        TULLE_ASSERT(error == std::errc{});
        text.append(text.empty() || text.ends_with(':') ? "" : ":").append(digits.data(), end);
    }
    return text;
}

}  // namespace

bool contains(const AddressRange& range, const IpAddress& address) {
    if (range.base.is_v6 != address.is_v6) {
        return false;
    }
    TULLE_ASSERT(range.bits <= 8 * range.base.bytes.size());
    // Compares the whole bytes first, then the remaining high bits of the next byte.
    const std::size_t whole = range.bits / 8;
    if (!std::equal(address.bytes.begin(), address.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                    range.base.bytes.begin())) {
        return false;
    }
    const unsigned rest = range.bits % 8;
    return rest == 0 || ((address.bytes[whole] ^ range.base.bytes[whole]) >> (8 - rest)) == 0;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
    if (text.size() > kMaxTextBytes) {
        return std::nullopt;
    }
    if (text.find(':') != std::string_view::npos) {
        return parse_v6(text);
    }
    IpAddress address;
    return read_v4(text, address.bytes.data()) ? std::optional(address) : std::nullopt;
}

std::optional<AddressRange> parse_range(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::optional<IpAddress> base = parse_ip(text.substr(0, slash));
    if (!base) {
        return std::nullopt;
    }
    const unsigned most = base->is_v6 ? kBitsV6 : kBitsV4;
    if (slash == std::string_view::npos) {
        return AddressRange{*base, most};
    }
    const std::optional<unsigned> bits = whole_number(text.substr(slash + 1), 3, 10);
    return bits && *bits <= most ? std::optional(AddressRange{*base, *bits}) : std::nullopt;
}

IpAddress unmapped(const IpAddress& address) {
    if (!is_mapped(address)) {
        return address;
    }
    IpAddress v4;
    std::copy(address.bytes.begin() + kMapped.size(), address.bytes.end(), v4.bytes.begin());
    return v4;
}

std::string to_string(const IpAddress& address) {
    if (address.is_v6) {
        return v6_text(address);
    }
    std::string text = std::to_string(address.bytes[0]);
    for (std::size_t i = 1; i < 4; ++i) {
        text.append(".").append(std::to_string(address.bytes[i]));
    }
    return text;
}

}  // namespace tulle::node
