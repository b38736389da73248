#include "node/web/core/origin_host.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace tulle::node {
namespace {

// The longest label and the longest name of DNS (RFC 1035, 2.3.4).
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxName = 253;
// An IPv6 address has eight groups of 16 bits, and a group is written with one to four hexadecimal digits.
constexpr std::size_t kGroups = 8;
constexpr std::size_t kMaxGroupDigits = 4;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The parts of `text` between the marks. A text without a mark is a single part; empty parts are kept.
std::vector<std::string_view> split(std::string_view text, char mark) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t at = text.find(mark);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(at + 1);
    }
}

// ---- IPv4 ----

/// A number as C writes numbers: "10", "0x0a", "012". "0x" is 0. Nothing for any other text.
std::optional<std::uint64_t> number_of_part(std::string_view part) {
    int base = 10;
    if (part.starts_with("0x")) {
        base = 16;
        part.remove_prefix(2);
        if (part.empty()) {
            return 0;
        }
    } else if (part.size() > 1 && part.front() == '0') {
        base = 8;
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number, base);
    return error == std::errc{} && end == part.data() + part.size() ? std::optional(number) : std::nullopt;
}

/// True when `last`, the last label of a name, makes browsers take the whole name for an IPv4 address or refuse it.
bool ends_in_number(std::string_view last) {
    return !last.empty() &&
           (std::all_of(last.begin(), last.end(), is_digit) || (last.starts_with("0x") && number_of_part(last)));
}

/// The address with the given parts, in four decimal numbers; nothing when the parts are no IPv4 address. The last part
/// fills all bytes that remain: "127.1" has the bytes 127, 0, 0, 1.
std::optional<std::string> ipv4_of(const std::vector<std::string_view>& parts) {
    if (parts.size() > 4) {
        return std::nullopt;
    }
    std::uint64_t address = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const bool is_last = i + 1 == parts.size();
        const std::optional<std::uint64_t> number = number_of_part(parts[i]);
        // Every part but the last is a byte. With k parts the last part has 5 - k bytes.
        const std::uint64_t limit = is_last ? std::uint64_t{1} << (8 * (5 - parts.size())) : 256;
        if (!number || *number >= limit) {
            return std::nullopt;
        }
        address += is_last ? *number : *number << (8 * (3 - i));
    }
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) {
        text.append(text.empty() ? "" : ".").append(std::to_string((address >> shift) & 255u));
    }
    return text;
}

// ---- IPv6 ----

using Groups = std::vector<std::uint16_t>;

/// Appends the groups of a text such as "1:2:3" to `groups`. With `may_end_in_ipv4` the last group may be an IPv4
/// address, which counts as two groups. False: the text is wrong.
bool take_groups(std::string_view text, bool may_end_in_ipv4, Groups& groups) {
    if (text.empty()) {
        return true;
    }
    const std::vector<std::string_view> parts = split(text, ':');
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const std::string_view part = parts[i];
        if (may_end_in_ipv4 && i + 1 == parts.size() && part.find('.') != std::string_view::npos) {
            const std::vector<std::string_view> numbers = split(part, '.');
            const std::optional<std::string> plain = numbers.size() == 4 ? ipv4_of(numbers) : std::nullopt;
            // Inside an IPv6 address only the plain form with four decimal numbers is allowed.
            if (plain != part) {
                return false;
            }
            for (std::size_t pair = 0; pair < 4; pair += 2) {
                groups.push_back(static_cast<std::uint16_t>((*number_of_part(numbers[pair]) << 8u) |
                                                            *number_of_part(numbers[pair + 1])));
            }
            continue;
        }
        std::uint16_t group = 0;
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), group, 16);
        if (part.empty() || part.size() > kMaxGroupDigits || error != std::errc{} || end != part.data() + part.size()) {
            return false;
        }
        groups.push_back(group);
    }
    return true;
}

/// The eight groups of an IPv6 address; nothing when `address` is none. A "::" stands for at least one group of zeros.
std::optional<Groups> groups_of(std::string_view address) {
    const std::size_t gap = address.find("::");
    const bool has_gap = gap != std::string_view::npos;
    Groups head;
    Groups tail;
    if (!take_groups(address.substr(0, gap), !has_gap, head) ||
        (has_gap && !take_groups(address.substr(gap + 2), true, tail))) {
        return std::nullopt;
    }
    const std::size_t count = head.size() + tail.size();
    if (has_gap ? count >= kGroups : count != kGroups) {
        return std::nullopt;
    }
    // The resize puts the zeros of "::" between head and tail.
    head.resize(kGroups - tail.size());
    head.insert(head.end(), tail.begin(), tail.end());
    return head;
}

/// The longest run of at least two zeros, as [begin, end); the first run when several are equally long. An empty range
/// when there is no such run. RFC 5952, 4.2, writes "::" for exactly this run.
std::pair<std::size_t, std::size_t> longest_zeros(const Groups& groups) {
    std::pair<std::size_t, std::size_t> longest{0, 0};
    for (std::size_t begin = 0; begin < groups.size();) {
        std::size_t end = begin;
        while (end < groups.size() && groups[end] == 0) {
            ++end;
        }
        if (end - begin > std::max<std::size_t>(1, longest.second - longest.first)) {
            longest = {begin, end};
        }
        begin = std::max(end, begin + 1);
    }
    return longest;
}

/// Writes the groups by RFC 5952: small letters, no leading zeros, and "::" for the longest run of zeros.
std::string written(const Groups& groups) {
    const auto [begin, end] = longest_zeros(groups);
    std::string text;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (i == begin && end > begin) {
            text.append("::");
            i = end - 1;
            continue;
        }
        std::array<char, kMaxGroupDigits> digits{};
        const auto [stop, error] = std::to_chars(digits.data(), digits.data() + digits.size(), groups[i], 16);
        text.append(text.empty() || text.ends_with(':') ? "" : ":").append(digits.data(), stop);
    }
    return text;
}

}  // namespace

std::string ipv6_of_origin(std::string_view address) {
    const std::optional<Groups> groups = groups_of(address);
    return groups ? written(*groups) : std::string();
}

std::string wrong_labels(std::string_view name) {
    // A single dot at the end is the root of DNS, and no empty label.
    const std::string_view inner = name.substr(0, name.size() - (name.size() > 1 && name.ends_with('.') ? 1 : 0));
    for (const std::string_view label : split(inner, '.')) {
        if (label.empty()) {
            return "a part of the name between two dots is empty";
        }
        if (label.size() > kMaxLabel) {
            return "a part of the name between two dots has more than 63 characters";
        }
        if (!std::all_of(label.begin(), label.end(), [](char c) {
                return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_' || c == '*';
            })) {
            return "the name of a host has letters, digits, - and _ alone";
        }
    }
    return inner.size() > kMaxName ? "the name has more than 253 characters" : "";
}

OriginHost origin_host_of(std::string_view host) {
    if (host.starts_with('[')) {
        std::string address = host.ends_with(']') ? ipv6_of_origin(host.substr(1, host.size() - 2)) : std::string();
        return address.empty() ? OriginHost{{}, "there is no IPv6 address between the brackets"}
                               : OriginHost{"[" + address + "]", {}};
    }
    if (std::string wrong = wrong_labels(host); !wrong.empty()) {
        return {{}, std::move(wrong)};
    }
    std::vector<std::string_view> parts = split(host, '.');
    // The dot at the end of "127.0.0.1." does not keep browsers from reading an address.
    if (parts.size() > 1 && parts.back().empty()) {
        parts.pop_back();
    }
    if (!ends_in_number(parts.back())) {
        return {std::string(host), {}};
    }
    std::optional<std::string> address = ipv4_of(parts);
    return address ? OriginHost{std::move(*address), {}}
                   : OriginHost{{}, "a name that ends in a number is an IPv4 address, and this is none"};
}

}  // namespace tulle::node
