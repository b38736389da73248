#include "node/redis/store/store_table.hpp"

#include <algorithm>
#include <numeric>

#include "mesh/base/assert.hpp"
#include "mesh/base/bytes.hpp"
#include "mesh/base/time.hpp"

namespace tulle::node::redis {
namespace {

void append_number(std::string& out, std::uint64_t number) {
    for (int i = 0; i < 8; ++i) {
        out.push_back(static_cast<char>(number >> (8 * i)));
    }
}

std::uint64_t digest_of_flush(std::size_t database, const Stamp& at) {
    std::string text = "flush ";
    append_number(text, database);
    append_number(text, at.time_us);
    append_number(text, at.origin.value);
    return stable_hash(text);
}

unsigned database_of(std::string_view key) {
    TULLE_ASSERT(!key.empty());
    const auto database = static_cast<unsigned char>(key.front());
    TULLE_ASSERT(database < kDatabases);
    return database;
}

}  // namespace

std::size_t StoreTable::bucket_of(std::string_view key) {
    return stable_hash(key) % kStoreBuckets;
}

std::uint64_t StoreTable::digest_of(std::string_view key, const Cell& cell) {
    std::string text;
    text.reserve(key.size() + 32);
    append_number(text, cell.written.time_us);
    append_number(text, cell.written.origin.value);
    append_number(text, cell.expiry_written.time_us);
    append_number(text, cell.expiry_written.origin.value);
    text.push_back(cell.is_deleted ? '\1' : '\0');
    text.append(key);
    return stable_hash(text);
}

void StoreTable::account(std::size_t bucket, const std::string& key, const Cell& cell, bool is_added) {
    const std::uint64_t digest = digest_of(key, cell);
    digests_[bucket] ^= digest;
    root_ ^= digest;
    const std::size_t bytes = key.size() + cell.value.size() + kCellBytes;
    std::size_t& count = cell.is_deleted ? deleted_ : present_[database_of(key)];
    std::size_t& total = cell.is_deleted ? deleted_bytes_ : live_bytes_;
    Ends& ends = cell.is_deleted ? deleted_ends_ : value_ends_;
    const std::pair end{end_of(cell), &key};
    if (is_added) {
        total += bytes;
        ++count;
        if (end.first != 0) {
            ends.insert(end);
        }
    } else {
        TULLE_ASSERT(total >= bytes && count > 0);
        total -= bytes;
        --count;
        ends.erase(end);
    }
}

void StoreTable::erase(std::size_t bucket, Bucket::iterator place) {
    account(bucket, place->first, place->second, false);
    buckets_[bucket].erase(place);
}

bool StoreTable::merge(std::uint64_t now_us, std::string_view key, const Cell& cell) {
    const bool has_value = cell.written.time_us != 0;
    if (has_value && cell.written <= flushed_[database_of(key)]) {
        return false;
    }
    const std::size_t bucket = bucket_of(key);
    const auto place = buckets_[bucket].find(key);
    if (place == buckets_[bucket].end()) {
        if (!has_value || is_over(now_us, cell)) {
            return false;
        }
        const auto added = buckets_[bucket].emplace(key, cell).first;
        account(bucket, added->first, added->second, true);
        trim();
        return true;
    }
    Cell& held = place->second;
    const bool is_newer = has_value && held.written < cell.written;
    const bool has_newer_expiry = held.expiry_written < cell.expiry_written;
    // The value had expired here, and another node had heard before that it lives longer.
    const bool is_back = has_value && held.written == cell.written && held.is_deleted && !cell.is_deleted &&
                         !is_over(now_us, has_newer_expiry ? cell : Cell{.expires_us = held.expires_us});
    if (!is_newer && !has_newer_expiry && !is_back) {
        return false;
    }
    account(bucket, place->first, held, false);
    if (!held.is_deleted && (is_newer || has_newer_expiry)) {
        // The value may stand on another node until its former end.
        const std::uint64_t most = now_us + kMaxRemembered / 1us;
        const std::uint64_t end = held.expires_us == 0 ? most : std::min(held.expires_us, most);
        held.remembered_until_us = std::max(held.remembered_until_us, end);
    }
    if (is_newer || is_back) {
        held.value = cell.value;
        held.is_deleted = cell.is_deleted;
        held.written = cell.written;
        held.remembered_until_us = std::max(held.remembered_until_us, cell.remembered_until_us);
    }
    if (has_newer_expiry) {
        held.expires_us = cell.expires_us;
        held.expiry_written = cell.expiry_written;
    }
    account(bucket, place->first, held, true);
    trim();
    return true;
}

void StoreTable::trim() {
    while (deleted_bytes_ > most_deleted_bytes_ && !deleted_ends_.empty()) {
        const auto [bucket, place] = first_of(deleted_ends_);
        erase(bucket, place);
        ++forgotten_;
    }
}

auto StoreTable::first_of(const Ends& ends) -> std::pair<std::size_t, Bucket::iterator> {
    const std::string& key = *ends.begin()->second;
    const std::size_t bucket = bucket_of(key);
    const auto place = buckets_[bucket].find(key);
    TULLE_ASSERT(place != buckets_[bucket].end());
    return {bucket, place};
}

bool StoreTable::merge(const Flush& flush) {
    Stamp& flushed = flushed_.at(flush.database);
    if (flush.at <= flushed) {
        return false;
    }
    root_ ^= flushed.time_us == 0 ? 0 : digest_of_flush(flush.database, flushed);
    flushed = flush.at;
    root_ ^= digest_of_flush(flush.database, flushed);
    const bool may_have_cells = present_[flush.database] > 0 || deleted_ > 0;
    for (std::size_t bucket = 0; may_have_cells && bucket < kStoreBuckets; ++bucket) {
        for (auto it = buckets_[bucket].begin(); it != buckets_[bucket].end();) {
            const auto place = it++;
            if (database_of(place->first) == flush.database && place->second.written <= flushed) {
                erase(bucket, place);
            }
        }
    }
    return true;
}

const Cell* StoreTable::held(std::string_view key) const {
    const Bucket& bucket = buckets_[bucket_of(key)];
    const auto held = bucket.find(key);
    return held == bucket.end() ? nullptr : &held->second;
}

const Cell* StoreTable::find(std::uint64_t now_us, std::string_view key) const {
    const Cell* cell = held(key);
    return cell == nullptr || cell->is_deleted || is_over(now_us, *cell) ? nullptr : cell;
}

std::uint64_t StoreTable::scan(std::uint64_t now_us, unsigned database, std::uint64_t cursor, std::size_t count,
                               const Visit& visit) const {
    std::size_t visited = 0;
    for (std::uint64_t bucket = cursor; bucket < kStoreBuckets; ++bucket) {
        for (const auto& [key, cell] : buckets_[bucket]) {
            if (database_of(key) == database && !cell.is_deleted && !is_over(now_us, cell)) {
                visit(std::string_view(key).substr(1), cell);
            }
            ++visited;
        }
        if (visited >= count && bucket + 1 < kStoreBuckets) {
            return bucket + 1;
        }
    }
    return 0;
}

void StoreTable::sweep(std::uint64_t now_us, std::size_t most) {
    for (; most > 0 && !value_ends_.empty() && value_ends_.begin()->first <= now_us; --most) {
        const auto [bucket, place] = first_of(value_ends_);
        if (place->second.remembered_until_us <= now_us) {
            erase(bucket, place);
            continue;
        }
        account(bucket, place->first, place->second, false);
        std::string().swap(place->second.value);
        place->second.is_deleted = true;
        account(bucket, place->first, place->second, true);
        trim();
    }
    for (; most > 0 && !deleted_ends_.empty() && deleted_ends_.begin()->first <= now_us; --most) {
        const auto [bucket, place] = first_of(deleted_ends_);
        erase(bucket, place);
    }
}

std::uint64_t StoreTable::next_sweep_us() const {
    const std::uint64_t value = value_ends_.empty() ? 0 : value_ends_.begin()->first;
    const std::uint64_t deleted = deleted_ends_.empty() ? 0 : deleted_ends_.begin()->first;
    return value == 0 || deleted == 0 ? std::max(value, deleted) : std::min(value, deleted);
}

StoreTable::Page StoreTable::page(std::uint64_t now_us, const std::vector<bool>& wanted, const Place& from,
                                  std::size_t most_bytes) const {
    Page page;
    std::size_t bytes = 0;
    for (std::size_t bucket = from.bucket; bucket < std::min(wanted.size(), kStoreBuckets); ++bucket) {
        if (!wanted[bucket]) {
            continue;
        }
        std::vector<const Bucket::value_type*> cells;
        for (const auto& entry : buckets_[bucket]) {
            if (!is_over(now_us, entry.second) && (bucket != from.bucket || entry.first > from.after)) {
                cells.push_back(&entry);
            }
        }
        // In order, so that the next page knows where to begin.
        std::sort(cells.begin(), cells.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
        for (const auto* entry : cells) {
            if (!page.cells.empty() && bytes + entry->first.size() + entry->second.value.size() > most_bytes) {
                page.next = {bucket, page.next.after};
                page.is_last = false;
                return page;
            }
            bytes += entry->first.size() + entry->second.value.size() + kCellBytes;
            page.cells.push_back({entry->first, entry->second});
            page.next.after = entry->first;
        }
        page.next.after.clear();
    }
    return page;
}

std::vector<Flush> StoreTable::flushes() const {
    std::vector<Flush> all;
    for (unsigned database = 0; database < kDatabases; ++database) {
        if (flushed_[database].time_us != 0) {
            all.push_back({database, flushed_[database]});
        }
    }
    return all;
}

std::size_t StoreTable::size() const {
    return std::accumulate(present_.begin(), present_.end(), std::size_t{0});
}

}  // namespace tulle::node::redis
