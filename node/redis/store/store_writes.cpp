#include "node/redis/store/store_writes.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "node/redis/core/limits.hpp"

namespace tulle::node::redis {
namespace {

constexpr std::uint64_t microseconds(Duration duration) {
    return static_cast<std::uint64_t>(duration / 1us);
}

/// How long to remember that a value was deleted.
std::uint64_t remembered_until(const Stamp& at, const Cell& value) {
    const std::uint64_t most = microseconds(kMaxRemembered);
    if (value.expires_us == 0) {
        return at.time_us + most;
    }
    const std::uint64_t left = value.expires_us > at.time_us ? value.expires_us - at.time_us : 0;
    const std::uint64_t least = microseconds(left <= microseconds(kBriefLife) ? kMinBriefRemembered : kMinRemembered);
    return at.time_us + std::clamp(left > most / 2 ? most : 2 * left, least, most);
}

}  // namespace

void StoreWrites::add(Instant now, std::string_view key, Cell cell) {
    table_.merge(clock_.read(now), key, cell);
    ++changes_;
    const bool has_value = cell.written.time_us != 0;
    const auto [place, is_new] = places_.emplace(key, set_.cells.size());
    if (is_new) {
        bytes_ += key.size() + cell.value.size() + kCellBytes;
        set_.cells.push_back({std::string(key), std::move(cell)});
        return;
    }
    // Of several writes to a key in a turn the other nodes need the outcome.
    Cell& gathered = set_.cells[place->second].cell;
    const Cell* outcome = table_.held(key);
    const bool is_whole = has_value || gathered.written.time_us != 0;
    bytes_ -= gathered.value.size();
    if (is_whole && outcome != nullptr) {
        gathered = *outcome;
    } else {
        gathered = std::move(cell);
    }
    bytes_ += gathered.value.size();
}

void StoreWrites::put(Instant now, std::string_view key, std::string_view value, std::uint64_t expires_us) {
    TULLE_ASSERT(key.size() <= kMaxKeyBytes + 1 && value.size() <= kMaxBulkBytes);
    const Stamp at = stamp(now);
    add(now, key, {.value = std::string(value), .written = at, .expires_us = expires_us, .expiry_written = at});
}

void StoreWrites::remove(Instant now, std::string_view key) {
    const Stamp at = stamp(now);
    const Cell* held = table_.find(at.time_us, key);
    Cell cell{.is_deleted = true, .written = at};
    cell.remembered_until_us =
        held == nullptr ? at.time_us + microseconds(kMinRemembered) : remembered_until(at, *held);
    add(now, key, std::move(cell));
}

void StoreWrites::expire(Instant now, std::string_view key, std::uint64_t expires_us) {
    add(now, key, {.expires_us = expires_us, .expiry_written = stamp(now)});
}

void StoreWrites::flush(Instant now, unsigned database) {
    const Flush flush{database, stamp(now)};
    table_.merge(flush);
    ++changes_;
    // The last one alone matters.
    std::erase_if(set_.flushes, [&](const Flush& other) { return other.database == database; });
    set_.flushes.push_back(flush);
    bytes_ += kCellBytes;
}

void StoreWrites::note_call(DoneCall call) {
    bytes_ += call.reply.size() + kCellBytes;
    set_.calls.push_back(std::move(call));
}

}  // namespace tulle::node::redis
