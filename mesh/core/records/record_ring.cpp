#include "mesh/core/records/record_ring.hpp"

#include <atomic>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::mesh {
// The largest record fits into the ring.
static_assert(kMaxBodyBytes < Limits{}.ring_bytes);

namespace {

#if defined(__SANITIZE_THREAD__)
// ThreadSanitizer does not understand fences, and would report the eviction in place as a race.
constexpr bool kKnowsFences = false;
#else
constexpr bool kKnowsFences = true;
#endif

/// Removes the contents that a stub does not need. A stub keeps its number, its channels, the number of retaining
/// channels, the channels with history, the keepers, and the mark of a marked message.
void make_stub(Record& record) {
    record.body = nullptr;
    record.info = nullptr;
    record.context = nullptr;
    // Swapped, because clear() would keep the memory.
    std::string().swap(record.exclude_socket);
    std::string().swap(record.user);
    record.left = false;
    record.stamp = {};
    record.keep_for = {};
    record.numbered_us = 0;
}

}  // namespace

RecordPtr RecordRing::append(Instant now, Record record) {
    TULLE_ASSERT(entries_.empty() || entries_.back().at <= now);
    last_ = last_.next();
    record.n = last_;
    // Made without const, so that the record can become a stub where the record lies.
    RecordPtr shared = std::make_shared<Record>(std::move(record));
    bytes_ += shared->cost();
    entries_.push_back({shared, now});
    // The newest record stays whole whatever its size: the links have not seen the record yet.
    while (bytes_ > limits_.ring_bytes && stubs_ + 1 < entries_.size()) {
        evict_oldest();
    }
    return shared;
}

void RecordRing::expire(Instant now) {
    while (stubs_ < entries_.size() && entries_[stubs_].at + limits_.ring_age <= now) {
        evict_oldest();
    }
}

std::optional<Instant> RecordRing::next_deadline() const {
    if (stubs_ == entries_.size()) {
        return std::nullopt;
    }
    return entries_[stubs_].at + limits_.ring_age;
}

void RecordRing::evict_oldest() {
    TULLE_ASSERT(stubs_ < entries_.size());
    Entry& oldest = entries_[stubs_];
    TULLE_ASSERT(oldest.record->cost() <= bytes_);
    bytes_ -= oldest.record->cost();
    if (kKnowsFences && oldest.record.use_count() == 1) {
        // The ring is the last owner: the record can become a stub in place, without a copy of the channels. The fence
        // orders the reads of earlier owners on other threads before the writes here.
        std::atomic_thread_fence(std::memory_order_acquire);
        // The cast is allowed, because append() made the object without const and nobody else sees the object.
        make_stub(const_cast<Record&>(*oldest.record));
    } else {
        // Somebody still reads the record: put a copy without a body into the ring.
        Record stub{oldest.record->n, oldest.record->channels, nullptr, {}};
        stub.trace = oldest.record->trace;
        stub.retained = oldest.record->retained;
        stub.keepers = oldest.record->keepers;
        stub.history = oldest.record->history;
        oldest.record = std::make_shared<Record>(std::move(stub));
    }
    ++stubs_;
    if (stubs_ > limits_.ring_stubs) {
        entries_.pop_front();
        --stubs_;
    }
}

}  // namespace tulle::mesh
