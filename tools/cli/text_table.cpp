#include "tools/cli/text_table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>

namespace tulle::cli {
namespace {

/// The width in characters. Bytes that continue a character of UTF-8 do not count.
std::size_t width_of(const std::string& text) {
    const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; };
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins));
}

/// `text`, cut to `width` characters, the last of which is then "…". REQUIRES: `width` is not 0.
std::string cut(const std::string& text, std::size_t width) {
    if (width_of(text) <= width) {
        return text;
    }
    std::size_t end = 0;
    for (std::size_t characters = 0; end < text.size(); ++end) {
        characters += (static_cast<unsigned char>(text[end]) & 0xC0u) != 0x80u ? 1u : 0u;
        if (characters == width) {
            break;
        }
    }
    return text.substr(0, end) + "…";
}

/// Makes the widest columns narrower until a line has at most `most` characters.
void narrow(std::vector<std::size_t>& widths, std::size_t most) {
    const auto total = [&widths] { return std::accumulate(widths.begin(), widths.end(), 2 * (widths.size() - 1)); };
    while (total() > most) {
        // Of columns alike the last is cut first.
        const auto widest = std::max_element(widths.rbegin(), widths.rend());
        if (*widest <= kLeastCutWidth) {
            break;
        }
        --*widest;
    }
}

}  // namespace

std::string aligned(const std::vector<std::vector<std::string>>& rows, std::size_t width) {
    std::vector<std::size_t> widths;
    for (const std::vector<std::string>& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    }
    if (width > 0 && !widths.empty()) {
        narrow(widths, width);
    }
    std::string out;
    for (const std::vector<std::string>& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string cell = widths[i] == 0 ? row[i] : cut(row[i], widths[i]);
            out += cell;
            out += i + 1 == row.size() ? "\n" : std::string(widths[i] - width_of(cell) + 2, ' ');
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
