#pragma once

#include <string>
#include <vector>

/// How the commands show tables to people.
namespace tulle::cli {

/// Left-aligned columns, two blanks between them, one line a row. All rows have as many cells as the first.
[[nodiscard]] std::string aligned(const std::vector<std::vector<std::string>>& rows);

[[nodiscard]] std::string or_dash(const std::string& text);
/// A dash for what is negative: not known.
[[nodiscard]] std::string count_text(double value);
/// 240us, 1.5ms; a dash for what is not measured yet.
[[nodiscard]] std::string rtt_text(double microseconds);
/// 59s, 1m5s, 1h1m, 2d3h.
[[nodiscard]] std::string uptime_text(double seconds);
/// One number by a printf format.
[[nodiscard]] std::string printed(const char* format, double value);

}  // namespace tulle::cli
