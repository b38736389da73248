#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/hash.hpp"
#include "node/redis/core/limits.hpp"
#include "node/redis/store/cell.hpp"

namespace tulle::node::redis {

/// The keys of a realm that this node holds: what the writes of all nodes come to, in whatever order they arrive.
///
/// Merging is commutative and idempotent, so two tables that have taken in the same writes are equal, and taking in a
/// write twice does no harm. Digests tell two nodes where their tables differ: the keys are spread over kStoreBuckets
/// buckets by a hash that is equal on every node.
///
/// Thread: confined to its owner.
/// Time:   microseconds of the hybrid clock; they may go back a little.
/// Cost:   merge and find O(1), with an expiry O(log keys).
/// Memory: kCellBytes a key besides key and value.
/// Errors: none.
class StoreTable {
public:
    /// `most_deleted_bytes`: the memory that deleted cells may take; past it the cells that would be forgotten first
    /// are forgotten.
    explicit StoreTable(std::size_t most_deleted_bytes = std::size_t{1} << 40)
        : most_deleted_bytes_(most_deleted_bytes) {}

    using Digests = std::array<std::uint64_t, kStoreBuckets>;

    /// Takes in a write. True: something has changed. A cell that has expired, or that a FLUSHDB is later than, changes
    /// nothing.
    bool merge(std::uint64_t now_us, std::string_view key, const Cell& cell);
    /// Takes in a FLUSHDB. True: something has changed. Cost: O(keys) if so.
    bool merge(const Flush& flush);
    /// The cell of a key with a value that has not expired; null otherwise. Valid until the next change.
    [[nodiscard]] const Cell* find(std::uint64_t now_us, std::string_view key) const;
    /// The cell of a key, deleted or expired ones too; null for none. Valid until the next change.
    [[nodiscard]] const Cell* held(std::string_view key) const;
    /// Visits the live keys of a database from `cursor` (0: the beginning) on, until at least `count` have been
    /// visited, and returns the cursor for the next call, 0 at the end. A key that is there from the first call to the
    /// last is visited. `visit` must not change the table.
    using Visit = std::function<void(std::string_view name, const Cell& cell)>;
    std::uint64_t scan(std::uint64_t now_us, unsigned database, std::uint64_t cursor, std::size_t count,
                       const Visit& visit) const;
    /// Frees at most `most` cells that have expired, or that are not remembered any longer. An expired cell that is to
    /// be remembered becomes a deleted one.
    void sweep(std::uint64_t now_us, std::size_t most);
    /// When the first cell can be freed; 0: never.
    [[nodiscard]] std::uint64_t next_sweep_us() const;

    /// A part of the table for another node: cells of the wanted buckets, from a place on, with at least one cell and
    /// about `most_bytes` bytes.
    struct Place {
        std::size_t bucket = 0;
        /// Cells with a greater key; empty for all.
        std::string after;
    };
    struct Page {
        std::vector<KeyedCell> cells;
        /// Where the next page begins.
        Place next;
        bool is_last = true;
    };
    [[nodiscard]] Page page(std::uint64_t now_us, const std::vector<bool>& wanted, const Place& from,
                            std::size_t most_bytes) const;
    [[nodiscard]] const Digests& digests() const { return digests_; }
    /// The digest of everything.
    [[nodiscard]] std::uint64_t root() const { return root_; }
    /// The FLUSHDBs that are known, one for each database at most.
    [[nodiscard]] std::vector<Flush> flushes() const;

    /// Keys with a value, the expired ones included that have not been freed.
    [[nodiscard]] std::size_t size(unsigned database) const { return present_.at(database); }
    [[nodiscard]] std::size_t size() const;
    /// Cells of deleted keys.
    [[nodiscard]] std::size_t deleted() const { return deleted_; }
    /// Deleted cells that were forgotten early for want of memory.
    [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }
    /// About the memory of all cells, and of those that are not deleted.
    [[nodiscard]] std::size_t bytes() const { return live_bytes_ + deleted_bytes_; }
    [[nodiscard]] std::size_t live_bytes() const { return live_bytes_; }

private:
    using Bucket = StringMap<Cell>;
    using Ends = std::set<std::pair<std::uint64_t, const std::string*>>;

    [[nodiscard]] static std::size_t bucket_of(std::string_view key);
    [[nodiscard]] static std::uint64_t digest_of(std::string_view key, const Cell& cell);
    /// The moment from which on the cell says nothing any more; 0: never.
    [[nodiscard]] static std::uint64_t end_of(const Cell& cell) {
        return cell.is_deleted ? cell.remembered_until_us : cell.expires_us;
    }
    [[nodiscard]] static bool is_over(std::uint64_t now_us, const Cell& cell) {
        return end_of(cell) != 0 && end_of(cell) <= now_us;
    }
    /// Counts a cell in or out of digests, sizes and ends.
    void account(std::size_t bucket, const std::string& key, const Cell& cell, bool is_added);
    void erase(std::size_t bucket, Bucket::iterator place);
    /// The cell of the first end.
    [[nodiscard]] std::pair<std::size_t, Bucket::iterator> first_of(const Ends& ends);
    /// Forgets deleted cells until the others fit.
    void trim();

    std::array<Bucket, kStoreBuckets> buckets_;
    Digests digests_{};
    std::uint64_t root_ = 0;
    std::array<Stamp, kDatabases> flushed_{};
    std::array<std::size_t, kDatabases> present_{};
    const std::size_t most_deleted_bytes_;
    std::size_t deleted_ = 0;
    std::size_t live_bytes_ = 0;
    std::size_t deleted_bytes_ = 0;
    std::uint64_t forgotten_ = 0;
    /// The ends of the cells that have one, with the keys, which stand in buckets_: of values, and of deleted cells.
    Ends value_ends_;
    Ends deleted_ends_;
};

}  // namespace tulle::node::redis
