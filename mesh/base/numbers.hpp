#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace tulle {

/// A whole number from `least` to `most`, written as decimal digits and nothing else. Nothing for any other text.
[[nodiscard]] inline std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t least,
                                                               std::uint64_t most) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    const bool is_good = error == std::errc{} && stop == end && number >= least && number <= most;
    return is_good ? std::optional(number) : std::nullopt;
}

}  // namespace tulle
