#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/hash.hpp"
#include "mesh/base/ids.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/records/hybrid_clock.hpp"
#include "node/redis/store/cell.hpp"
#include "node/redis/store/store_table.hpp"

namespace tulle::node::redis {

/// A command that this node has done as the owner of its key, for a caller on another node.
struct DoneCall {
    OriginId caller;
    std::uint64_t number = 0;
    std::string reply;
    /// The reply was too long to be remembered.
    bool is_cut = false;
};

/// The writes of one or more records of a node.
struct StoreWriteSet {
    std::vector<KeyedCell> cells;
    std::vector<Flush> flushes;
    std::vector<DoneCall> calls;

    [[nodiscard]] bool empty() const { return cells.empty() && flushes.empty() && calls.empty(); }
};

/// Writes of this node: stamps each write, takes the write into the table at once, and gathers the writes for the other
/// nodes.
///
/// Thread: confined to its owner.
/// Time:   `now` must not go backwards.
class StoreWrites {
public:
    StoreWrites(StoreTable& table, mesh::HybridClock& clock) : table_(table), clock_(clock) {}

    /// The stamps name this node from here on.
    void set_self(OriginId self) { self_ = self; }
    /// Writes a value that expires then, or never (0).
    void put(Instant now, std::string_view key, std::string_view value, std::uint64_t expires_us);
    /// Deletes a key that has a value.
    void remove(Instant now, std::string_view key);
    /// The value expires then, or never (0).
    void expire(Instant now, std::string_view key, std::uint64_t expires_us);
    void flush(Instant now, unsigned database);
    void note_call(DoneCall call);

    [[nodiscard]] bool empty() const { return set_.empty(); }
    /// About the bytes of the gathered writes.
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    /// Counts the writes.
    [[nodiscard]] std::uint64_t changes() const { return changes_; }
    /// The writes since the last call.
    [[nodiscard]] StoreWriteSet take() {
        bytes_ = 0;
        places_.clear();
        return std::exchange(set_, {});
    }

private:
    [[nodiscard]] Stamp stamp(Instant now) { return {clock_.stamp(now), self_}; }
    void add(Instant now, std::string_view key, Cell cell);

    StoreTable& table_;
    mesh::HybridClock& clock_;
    OriginId self_;
    StoreWriteSet set_;
    std::size_t bytes_ = 0;
    std::uint64_t changes_ = 0;
    /// The places of keys in set_.cells.
    StringMap<std::size_t> places_;
};

}  // namespace tulle::node::redis
