#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tulle::cli {

/// Colours are for people: a terminal, and no NO_COLOR in the environment.
[[nodiscard]] bool use_colour(int fd);

/// `text` in the `index`-th of a few well told apart colours.
[[nodiscard]] std::string coloured(std::string_view text, std::size_t index);

/// Control characters as \n, \t or \xHH, so that what others have published cannot steer the terminal or forge a line.
[[nodiscard]] std::string printable(std::string_view text);

/// The present moment as 2026-01-31T12:00:00.123Z.
[[nodiscard]] std::string timestamp();

}  // namespace tulle::cli
