#pragma once

#include <cstddef>
#include <string>
#include <vector>

/// The parts of the tables that commands show to people.
namespace tulle::cli {

/// A table with left-aligned columns, two blanks between columns, and a line for each row. All rows have as many cells
/// as the first. `width`: the characters that a line may have; 0: no limit. The widest columns are cut until the lines
/// fit, with "…" at the end of a cut cell, but no column to less than kLeastCutWidth.
[[nodiscard]] std::string aligned(const std::vector<std::vector<std::string>>& rows, std::size_t width = 0);

/// The least width of a column that is cut.
inline constexpr std::size_t kLeastCutWidth = 6;

/// `text`, or a dash for an empty text.
[[nodiscard]] std::string or_dash(const std::string& text);
/// A number without decimals; a dash for a negative number, meaning "not known".
[[nodiscard]] std::string count_text(double value);
/// A time such as 240us or 1.5ms; a dash for 0 and below, meaning "not measured yet".
[[nodiscard]] std::string rtt_text(double microseconds);
/// A time such as 59s, 1m5s, 1h1m or 2d3h; a dash for a negative time.
[[nodiscard]] std::string uptime_text(double seconds);
/// A number in a format of printf. A result of more than 63 characters is cut off.
[[nodiscard]] std::string printed(const char* format, double value);

}  // namespace tulle::cli
