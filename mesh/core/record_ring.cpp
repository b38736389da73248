#include "mesh/core/record_ring.hpp"

#include <utility>

namespace tulle::mesh {

RecordPtr RecordRing::append(Instant now, Record record) {
    last_ = last_.next();
    record.n = last_;
    RecordPtr shared = std::make_shared<const Record>(std::move(record));
    bytes_ += shared->cost();
    entries_.push_back({shared, now});
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
    Entry& oldest = entries_[stubs_];
    bytes_ -= oldest.record->cost();
    Record stub{oldest.record->n, oldest.record->channels, nullptr, {}};
    stub.trace = oldest.record->trace;
    stub.kept = oldest.record->kept;
    stub.keepers = oldest.record->keepers;
    oldest.record = std::make_shared<const Record>(std::move(stub));
    ++stubs_;
    if (stubs_ > limits_.ring_stubs) {
        entries_.pop_front();
        --stubs_;
    }
}

}  // namespace tulle::mesh
