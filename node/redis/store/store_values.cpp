#include "node/redis/store/store_values.hpp"

#include <limits>

#include "node/redis/core/words.hpp"

namespace tulle::node::redis {

const Cell* StoreValues::find(std::string_view name) const {
    return access_.table.find(access_.now_us, key(name));
}

std::int64_t StoreValues::left_ms(const Cell& cell) const {
    if (cell.expires_us == 0) {
        return -1;
    }
    const std::uint64_t left = cell.expires_us > access_.now_us ? cell.expires_us - access_.now_us : 0;
    return static_cast<std::int64_t>((left + 999) / 1000);
}

std::int64_t StoreValues::left_ms(std::string_view name) const {
    const Cell* cell = find(name);
    return cell == nullptr ? -2 : left_ms(*cell);
}

std::uint64_t StoreValues::after_ms(std::int64_t milliseconds) const {
    return access_.now_us + static_cast<std::uint64_t>(milliseconds) * 1000;
}

std::size_t StoreValues::growth(std::string_view name, std::string_view value) const {
    const Cell* held = find(name);
    const std::size_t held_bytes = held == nullptr ? 0 : name.size() + held->value.size() + kCellBytes;
    const std::size_t bytes = name.size() + value.size() + kCellBytes;
    return bytes > held_bytes ? bytes - held_bytes : 0;
}

bool StoreValues::has_room(std::size_t bytes, RespWriter& out) {
    const auto is_full = [&] { return bytes > 0 && access_.table.live_bytes() + bytes > access_.most_bytes; };
    if (is_full()) {
        // What has expired makes room first.
        access_.table.sweep(access_.now_us, kCellsPerSweep);
    }
    if (is_full()) {
        out.error("OOM command not allowed when used memory > 'maxmemory'.");
        return false;
    }
    return true;
}

bool StoreValues::put_until(std::string_view name, std::string_view value, std::uint64_t expires_us, RespWriter& out) {
    if (!has_room(growth(name, value), out)) {
        return false;
    }
    access_.writes.put(access_.now, key(name), value, expires_us);
    return true;
}

bool StoreValues::put(std::string_view name, std::string_view value, std::int64_t lifetime_ms, RespWriter& out) {
    return put_until(name, value, lifetime_ms == 0 ? 0 : after_ms(lifetime_ms), out);
}

std::optional<std::int64_t> StoreValues::add(std::string_view name, std::int64_t change,
                                             std::optional<std::int64_t> lifetime_ms, RespWriter& out) {
    const Cell* held = find(name);
    const std::optional<std::int64_t> before = held == nullptr ? 0 : number_of(held->value);
    std::int64_t sum = 0;
    if (!before) {
        out.error(kNotAnInteger);
        return std::nullopt;
    }
    if (__builtin_add_overflow(*before, change, &sum)) {
        out.error("ERR increment or decrement would overflow");
        return std::nullopt;
    }
    std::uint64_t expires_us = 0;
    if (held != nullptr) {
        expires_us = held->expires_us;
    } else if (lifetime_ms) {
        expires_us = after_ms(*lifetime_ms);
    }
    return put_until(name, std::to_string(sum), expires_us, out) ? std::optional(sum) : std::nullopt;
}

bool StoreValues::remove(std::string_view name) {
    const bool was_there = find(name) != nullptr;
    if (was_there) {
        access_.writes.remove(access_.now, key(name));
    }
    return was_there;
}

void StoreValues::expire_in(std::string_view name, std::int64_t lifetime_ms) {
    expire_at(name, after_ms(lifetime_ms));
}

void StoreValues::expire_at(std::string_view name, std::uint64_t expires_us) {
    access_.writes.expire(access_.now, key(name), expires_us);
}

}  // namespace tulle::node::redis
