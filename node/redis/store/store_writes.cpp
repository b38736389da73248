#include "node/redis/store/store_writes.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "node/redis/core/limits.hpp"

namespace tulle::node::redis {
namespace {

constexpr std::uint64_t microseconds(Duration duration) {
    return static_cast<std::uint64_t>(duration / 1us);
}

}  // namespace

void StoreWrites::add(Instant now, std::string_view key, Cell cell) {
    const std::uint64_t now_us = clock_.read(now);
    table_.merge(now_us, key, cell);
    bytes_ += key.size() + cell.value.size() + kCellBytes;
    set_.cells.push_back({std::string(key), std::move(cell)});
}

void StoreWrites::put(Instant now, std::string_view key, std::string_view value, std::uint64_t expires_us) {
    TULLE_ASSERT(key.size() <= kMaxKeyBytes + 1 && value.size() <= kMaxBulkBytes);
    const Stamp at = stamp(now);
    add(now, key, {.value = std::string(value), .written = at, .expires_us = expires_us, .expiry_written = at});
}

void StoreWrites::remove(Instant now, std::string_view key) {
    const Stamp at = stamp(now);
    const Cell* held = table_.find(at.time_us, key);
    const std::uint64_t lives_until = held == nullptr ? 0 : held->expires_us;
    const std::uint64_t remembered =
        std::clamp(lives_until, at.time_us + microseconds(kMinRemembered), at.time_us + microseconds(kMaxRemembered));
    // A value that never expires may stand on a node that is cut off for as long as the limit allows.
    const bool is_for_ever = held != nullptr && lives_until == 0;
    add(now, key,
        {.is_deleted = true,
         .written = at,
         .remembered_until_us = is_for_ever ? at.time_us + microseconds(kMaxRemembered) : remembered});
}

void StoreWrites::expire(Instant now, std::string_view key, std::uint64_t expires_us) {
    add(now, key, {.expires_us = expires_us, .expiry_written = stamp(now)});
}

void StoreWrites::flush(Instant now, unsigned database) {
    const Flush flush{database, stamp(now)};
    table_.merge(flush);
    set_.flushes.push_back(flush);
    bytes_ += kCellBytes;
}

void StoreWrites::note_call(DoneCall call) {
    bytes_ += call.reply.size() + kCellBytes;
    set_.calls.push_back(std::move(call));
}

}  // namespace tulle::node::redis
