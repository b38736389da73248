#include "tools/cli/text_table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace tulle::cli {
namespace {

/// The width in characters. Bytes that continue a character of UTF-8 do not count.
std::size_t width_of(const std::string& text) {
    const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; };
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins));
}

}  // namespace

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const std::vector<std::string>& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    }
    std::string out;
    for (const std::vector<std::string>& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            out += row[i];
            out += i + 1 == row.size() ? "\n" : std::string(widths[i] - width_of(row[i]) + 2, ' ');
        }
    }
    return out;
}

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

std::string printed(const char* format, double value) {
    std::array<char, 64> out{};
    std::snprintf(out.data(), out.size(), format, value);
    return out.data();
}

std::string count_text(double value) {
    return value < 0 ? "-" : printed("%.0f", value);
}

std::string rtt_text(double microseconds) {
    // A round trip of 0 has not been measured yet.
    if (microseconds <= 0) {
        return "-";
    }
    return microseconds < 1'000 ? printed("%.0fus", microseconds) : printed("%.1fms", microseconds / 1'000);
}

std::string uptime_text(double seconds) {
    if (seconds < 0) {
        return "-";
    }
    if (seconds < 60) {
        return printed("%.0fs", seconds);
    }
    const auto minutes = static_cast<long>(seconds / 60);
    if (minutes < 60) {
        return std::to_string(minutes) + "m" + std::to_string(static_cast<long>(seconds) % 60) + "s";
    }
    const long hours = minutes / 60;
    if (hours < 24) {
        return std::to_string(hours) + "h" + std::to_string(minutes % 60) + "m";
    }
    return std::to_string(hours / 24) + "d" + std::to_string(hours % 24) + "h";
}

}  // namespace tulle::cli
