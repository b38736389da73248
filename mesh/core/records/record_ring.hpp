#pragma once

#include <deque>
#include <optional>

#include "mesh/base/assert.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/records/record.hpp"

namespace tulle::mesh {

/// The log of this node's own records, bounded by bytes and age. Links read from the ring, each at its own cursor.
///
/// Thread: confined to the hub. Records themselves are shared with other threads.
/// Time:   `now` must not go backwards.
/// Limits: over `ring_bytes` or `ring_age` the oldest records lose their bodies and become stubs. A stub keeps number
///         and channels, so that a link that comes too late can say exactly which channels have a gap. At most
///         `ring_stubs` stubs are kept; of older records nothing is known.
class RecordRing {
public:
    explicit RecordRing(const Limits& limits) : limits_(limits) {}

    /// Gives `record` the next number and keeps the record. Returns the shared record.
    RecordPtr append(Instant now, Record record);
    /// Turns records older than `ring_age` into stubs.
    void expire(Instant now);

    /// The number of the latest record. 0 before the first record.
    [[nodiscard]] RecordNo last() const { return last_; }
    /// The first record or stub in the ring. last().next() when the ring is empty.
    [[nodiscard]] RecordNo first() const { return RecordNo{last_.value + 1 - entries_.size()}; }
    /// The first record with a body. last().next() when there is no such record.
    [[nodiscard]] RecordNo first_whole() const { return RecordNo{first().value + stubs_}; }
    /// The record or stub numbered `n`. REQUIRES: first() <= n <= last().
    [[nodiscard]] const RecordPtr& at(RecordNo n) const {
        TULLE_ASSERT(n <= last_ && n.value + entries_.size() > last_.value);
        return entries_[n.value - first().value].record;
    }
    /// The sum of cost() over the records with a body.
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    /// When expire() has a record to evict. Nothing when only stubs are left.
    [[nodiscard]] std::optional<Instant> next_deadline() const;

private:
    /// A record with the time of its append.
    struct Entry {
        RecordPtr record;
        Instant at;
    };

    /// Turns the oldest record with a body into a stub, and drops the oldest stub beyond the limit.
    void evict_oldest();

    Limits limits_;
    // Stubs first, then records with a body. Numbers are contiguous.
    std::deque<Entry> entries_;
    std::size_t stubs_ = 0;
    // Of the records with a body.
    std::size_t bytes_ = 0;
    RecordNo last_;
};

}  // namespace tulle::mesh
