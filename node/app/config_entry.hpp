#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "mesh/base/time.hpp"

namespace tulle::node {

/// A value of a configuration file with the words for a message about it. Refers to what the parser holds.
struct Entry {
    const toml::node& node;
    std::string key;
    const std::string& path;

    /// "FILE:LINE: KEY".
    [[nodiscard]] std::string where() const;
    /// Throws ConfigError.
    [[noreturn]] void reject(std::string_view reason) const;
    /// Throws ConfigError for a key that is none. `meant`: the one that was meant, if known.
    [[noreturn]] void reject_key(std::string_view meant) const;
};

// Each throws ConfigError for a value of another type or out of range.
[[nodiscard]] std::string text_of(const Entry& entry);
[[nodiscard]] bool bool_of(const Entry& entry);
[[nodiscard]] std::size_t number_of(const Entry& entry, std::size_t most);
/// The same, but 0 is good as well, for "no limit".
[[nodiscard]] std::size_t number_or_zero_of(const Entry& entry, std::size_t most);
/// The same for a number of seconds. `zero` says what 0 means.
[[nodiscard]] Duration seconds_or_zero_of(const Entry& entry, std::size_t most, std::string_view zero);
/// A text of a number and its unit: "250ms", "3s", "5m", "24h".
[[nodiscard]] Duration duration_of(const Entry& entry, Duration least, Duration most);

}  // namespace tulle::node
