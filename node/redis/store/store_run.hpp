#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "node/redis/store/store_commands.hpp"
#include "node/redis/store/store_values.hpp"

/// What the commands of the store share among each other.
namespace tulle::node::redis {

/// A command under way.
struct StoreRun {
    const Command& command;
    std::span<const std::string_view> arguments;
    StoreAccess& access;
    StoreValues& values;
    RespWriter& out;

    void bulk_or_null(const Cell* cell) const { cell == nullptr ? out.null() : out.bulk(cell->value); }
    void wrong_time() const { out.error("ERR invalid expire time in '" + std::string(command.name) + "' command"); }
};

/// More than two readings of the clocks differ by, in microseconds: a moment that was said in milliseconds is told so.
inline constexpr std::uint64_t kClockErrorUs = 10;

/// The options of SET, GETEX and EXPIRE that name a time.
enum class TimeUnit : std::uint8_t { kSeconds, kMilliseconds, kUnixSeconds, kUnixMilliseconds };

/// EX, PX, EXAT or PXAT; nothing for another word.
[[nodiscard]] std::optional<TimeUnit> unit_of(std::string_view option);
/// The moment that a time of `unit` means, by the hybrid clock, at least 1. Nothing: an error has been appended.
/// `may_be_past`: a moment that has passed is no error.
[[nodiscard]] std::optional<std::uint64_t> moment_of(const StoreRun& run, std::string_view text, TimeUnit unit,
                                                     bool may_be_past);

/// The options of SET.
struct SetOptions {
    bool is_if_absent = false;
    bool is_if_present = false;
    bool gets = false;
    bool keeps_expiry = false;
    std::optional<TimeUnit> unit;
    std::string_view time;
};

/// Nothing: a syntax error.
[[nodiscard]] std::optional<SetOptions> set_options_of(std::span<const std::string_view> options);

// Each of these does a command of its kind; false: the command is of another kind.

/// Commands that read.
[[nodiscard]] bool run_read(const StoreRun& run);
/// Commands of which the last one wins.
[[nodiscard]] bool run_write(const StoreRun& run);
/// Commands of the owner of a key.
[[nodiscard]] bool run_owned(const StoreRun& run);

}  // namespace tulle::node::redis
