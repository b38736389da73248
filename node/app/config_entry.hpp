#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "mesh/base/time.hpp"

namespace tulle::node {

/// A value of a configuration file, with the words for a message about the value.
/// Ownership: refers to the parser's tree and to `path`; both must outlive the entry.
struct Entry {
    const toml::node& node;
    std::string key;
    const std::string& path;

    /// The place for a message: "FILE:LINE: KEY".
    [[nodiscard]] std::string where() const;
    /// Throws ConfigError with the place and `reason`.
    [[noreturn]] void reject(std::string_view reason) const;
    /// Throws ConfigError for an unknown key. `meant`: the known key that the user probably meant; empty if there is
    /// none.
    [[noreturn]] void reject_key(std::string_view meant) const;
};

// Each of the functions below throws ConfigError for a value of another type and for a value out of range.
[[nodiscard]] std::string text_of(const Entry& entry);
[[nodiscard]] bool bool_of(const Entry& entry);
/// A number from 1 to `most`.
[[nodiscard]] std::size_t number_of(const Entry& entry, std::size_t most);
/// A number from 0 to `most`, where 0 means "no limit".
[[nodiscard]] std::size_t number_or_zero_of(const Entry& entry, std::size_t most);
/// A number of seconds from 0 to `most`. `zero` says in the message what 0 means.
[[nodiscard]] Duration seconds_or_zero_of(const Entry& entry, std::size_t most, std::string_view zero);
/// A time from a text of a number and its unit: "250ms", "3s", "5m", "24h".
[[nodiscard]] Duration duration_of(const Entry& entry, Duration least, Duration most);

/// The path of a file or directory that the configuration file names: relative to the configuration file, because the
/// working directory of a service is arbitrary.
[[nodiscard]] std::string path_of(const Entry& entry, std::string_view text);

/// Calls `take` with each member of a table: the entry under its full key, and the short key. Throws ConfigError for a
/// value that is no table.
template <class Take>
void for_each_member(const Entry& entry, Take&& take) {
    if (!entry.node.is_table()) {
        entry.reject("must be a table");
    }
    for (const auto& [key, value] : *entry.node.as_table()) {
        take(Entry{value, entry.key + "." + std::string(key.str()), entry.path}, key.str());
    }
}

/// Calls `take` with each element of an array. `what` describes the elements in the message for a value that is no
/// array.
template <class Take>
void for_each_element(const Entry& entry, std::string_view what, Take&& take) {
    if (!entry.node.is_array()) {
        entry.reject("must be an array of " + std::string(what));
    }
    for (const toml::node& element : *entry.node.as_array()) {
        take(Entry{element, entry.key, entry.path});
    }
}

}  // namespace tulle::node
