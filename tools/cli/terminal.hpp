#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tulle::cli {

/// True when output to `fd` may have colours: `fd` is a terminal, and the environment has no NO_COLOR.
[[nodiscard]] bool use_colour(int fd);

/// The characters in a line of the terminal behind `fd`: COLUMNS of the environment, or what the terminal says. 0 when
/// `fd` is no terminal, or the width is unknown: nothing is cut then.
[[nodiscard]] std::size_t terminal_width(int fd);
/// The lines of the terminal behind `fd`; 0 when `fd` is no terminal, or the number is unknown.
[[nodiscard]] std::size_t terminal_height(int fd);

/// `text` in the `index`-th of a few distinct colours. Colours repeat for large indexes.
[[nodiscard]] std::string coloured(std::string_view text, std::size_t index);

/// `text` with control characters as \n, \t or \xHH. Text from other people can then neither steer the terminal nor
/// forge a line.
[[nodiscard]] std::string printable(std::string_view text);

/// The present time in UTC, such as 2026-01-31T12:00:00.123Z.
[[nodiscard]] std::string timestamp();

}  // namespace tulle::cli
