#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "node/redis/core/limits.hpp"
#include "node/redis/store/store_commands.hpp"

namespace tulle::node::redis {

/// The longest lifetime, in milliseconds: 9,000 years, half of what the hybrid clock can tell.
inline constexpr std::int64_t kMaxLifetimeMs = std::int64_t{1} << 48;

/// Reads and writes by name in the database of a command. Lifetimes are milliseconds; 0 or nothing: for ever.
class StoreValues {
public:
    explicit StoreValues(StoreAccess& access) : access_(access) {}

    /// Null for a key that is not there. Valid until the next write.
    [[nodiscard]] const Cell* find(std::string_view name) const;
    /// What PTTL answers: milliseconds left, -1 for ever, -2 not there.
    [[nodiscard]] std::int64_t left_ms(std::string_view name) const;
    [[nodiscard]] std::int64_t left_ms(const Cell& cell) const;

    // False or nothing: an error has been appended to `out`, and nothing has been written.

    /// There is room for so many bytes more.
    [[nodiscard]] bool has_room(std::size_t bytes, RespWriter& out);
    /// The bytes by which the value would make the table grow.
    [[nodiscard]] std::size_t growth(std::string_view name, std::string_view value) const;
    /// Writes a value that lives so long.
    [[nodiscard]] bool put(std::string_view name, std::string_view value, std::int64_t lifetime_ms, RespWriter& out);
    /// Writes a value that expires at that time of the hybrid clock; 0: never.
    [[nodiscard]] bool put_until(std::string_view name, std::string_view value, std::uint64_t expires_us,
                                 RespWriter& out);
    /// Adds to a number, and returns the sum. A key that is not there counts as 0 and lives for `lifetime_ms`; the
    /// expiry of another one stays.
    [[nodiscard]] std::optional<std::int64_t> add(std::string_view name, std::int64_t change,
                                                  std::optional<std::int64_t> lifetime_ms, RespWriter& out);
    /// True: the key was there.
    bool remove(std::string_view name);
    void expire_in(std::string_view name, std::int64_t lifetime_ms);
    void expire_at(std::string_view name, std::uint64_t expires_us);
    /// The time of the hybrid clock in so many milliseconds.
    [[nodiscard]] std::uint64_t after_ms(std::int64_t milliseconds) const;

private:
    [[nodiscard]] std::string key(std::string_view name) const { return store_key(access_.database, name); }

    StoreAccess& access_;
};

}  // namespace tulle::node::redis
