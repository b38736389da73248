#pragma once

#include <deque>
#include <optional>

#include "mesh/base/assert.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/records/record.hpp"

namespace tulle::mesh {

/// The log of what this node originates, bounded by bytes and age.
///
/// Thread: confined to the hub. Time: `now` must not go backwards.
/// Limits: over `ring_bytes` or `ring_age` the oldest bodies are dropped, but their channels are kept for another
///         `ring_stubs` records, so that a link that comes too late can say exactly what it missed. Before those
///         nothing is known.
class RecordRing {
public:
    explicit RecordRing(const Limits& limits) : limits_(limits) {}

    /// Numbers `record` and keeps it.
    RecordPtr append(Instant now, Record record);
    /// Drops what is too old.
    void expire(Instant now);

    [[nodiscard]] RecordNo last() const { return last_; }
    /// The first of which anything is known; last().next() when empty.
    [[nodiscard]] RecordNo first() const { return RecordNo{last_.value + 1 - entries_.size()}; }
    /// The first whose body is there; last().next() for none.
    [[nodiscard]] RecordNo first_whole() const { return RecordNo{first().value + stubs_}; }
    /// first() <= n <= last(). Without a body when it was evicted.
    [[nodiscard]] const RecordPtr& at(RecordNo n) const {
        TULLE_ASSERT(n <= last_ && n.value + entries_.size() > last_.value);
        return entries_[n.value - first().value].record;
    }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    /// When expire() has something to do; nothing when empty.
    [[nodiscard]] std::optional<Instant> next_deadline() const;

private:
    struct Entry {
        RecordPtr record;
        Instant at;
    };

    void evict_oldest();

    Limits limits_;
    std::deque<Entry> entries_;  // stubs first
    std::size_t stubs_ = 0;
    std::size_t bytes_ = 0;  // of the whole ones
    RecordNo last_;
};

}  // namespace tulle::mesh
