#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tulle::load {

/// Appends the decimal digits of a number without allocating for the digits.
inline void append_number(std::string& out, std::uint64_t number) {
    // The greatest number of 64 bits has 20 digits.
    std::array<char, 20> digits{};
    const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

/// Appends the name of a channel at a Pusher server. Private, because clients may publish only to private channels.
inline void append_channel_name(std::string& out, std::uint32_t channel) {
    out.append("private-bench-");
    append_number(out, channel);
}

}  // namespace tulle::load
