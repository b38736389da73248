#include "node/app/config_entry.hpp"

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include "node/app/config.hpp"

namespace tulle::node {
namespace {

// From the smallest to the largest, as text_of_duration takes the largest unit that divides a time.
constexpr std::pair<std::string_view, Duration> kUnits[] = {{"ms", 1ms}, {"s", 1s}, {"m", 60s}, {"h", 3600s}};
// A million hours fit into a Duration without an overflow.
constexpr std::uint32_t kMostUnits = 1'000'000;

/// The time in `text`; nothing for a text of another form.
std::optional<Duration> parse_duration(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number > kMostUnits) {
        return std::nullopt;
    }
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const auto& [name, length] : kUnits) {
        if (unit == name) {
            return length * number;
        }
    }
    return std::nullopt;
}

/// A time in the largest unit without a remainder, for messages.
std::string text_of_duration(Duration duration) {
    for (auto unit = std::rbegin(kUnits); unit != std::rend(kUnits); ++unit) {
        if (duration % unit->second == Duration{} && duration >= unit->second) {
            return std::to_string(duration / unit->second).append(unit->first);
        }
    }
    return "0s";
}

}  // namespace

std::string Entry::where() const {
    return path + ":" + std::to_string(node.source().begin.line) + ": " + key;
}

void Entry::reject(std::string_view reason) const {
    throw ConfigError(where() + ": " + std::string(reason));
}

void Entry::reject_key(std::string_view meant) const {
    reject(meant.empty() ? "unknown key" : "unknown key: is " + std::string(meant) + " meant?");
}

std::string text_of(const Entry& entry) {
    if (const auto text = entry.node.value_exact<std::string>()) {
        return *text;
    }
    entry.reject("must be a string");
}

bool bool_of(const Entry& entry) {
    if (const auto value = entry.node.value_exact<bool>()) {
        return *value;
    }
    entry.reject("must be true or false");
}

std::size_t number_of(const Entry& entry, std::size_t most) {
    const auto number = entry.node.value_exact<std::int64_t>();
    if (!number || *number < 1 || *number > static_cast<std::int64_t>(most)) {
        entry.reject("must be a number from 1 to " + std::to_string(most));
    }
    return static_cast<std::size_t>(*number);
}

std::size_t number_or_zero_of(const Entry& entry, std::size_t most) {
    const auto number = entry.node.value_exact<std::int64_t>();
    if (!number || *number < 0 || *number > static_cast<std::int64_t>(most)) {
        entry.reject("must be a number from 0 to " + std::to_string(most) + " (0: no limit)");
    }
    return static_cast<std::size_t>(*number);
}

Duration seconds_or_zero_of(const Entry& entry, std::size_t most, std::string_view zero) {
    const auto number = entry.node.value_exact<std::int64_t>();
    if (!number || *number < 0 || *number > static_cast<std::int64_t>(most)) {
        entry.reject("must be a number of seconds from 0 to " + std::to_string(most) + " (0: " + std::string(zero) +
                     "), without quotes and unit");
    }
    return std::chrono::seconds(*number);
}

Duration duration_of(const Entry& entry, Duration least, Duration most) {
    // A bare number would leave the unit to guessing.
    if (!entry.node.is_string()) {
        entry.reject("must be a duration in quotes, such as \"3s\"");
    }
    const std::optional<Duration> duration = parse_duration(text_of(entry));
    if (!duration || *duration < least || *duration > most) {
        entry.reject("must be a time from " + text_of_duration(least) + " to " + text_of_duration(most) +
                     ", such as \"250ms\", \"3s\" or \"5m\"");
    }
    return *duration;
}

std::string path_of(const Entry& entry, std::string_view text) {
    return (std::filesystem::path(entry.path).parent_path() / text).string();
}

}  // namespace tulle::node
