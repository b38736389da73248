#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tulle::load {

/// The number without allocating.
inline void append_number(std::string& out, std::uint64_t number) {
    std::array<char, 20> digits{};
    const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

/// Private, because clients may not publish to others.
inline void append_channel_name(std::string& out, std::uint32_t channel) {
    out.append("private-bench-");
    append_number(out, channel);
}

}  // namespace tulle::load
