#pragma once

#include <set>
#include <tuple>

#include "mesh/base/assert.hpp"
#include "mesh/base/time.hpp"

namespace tulle::mesh {

/// When each of many is due: the earliest is found without asking all of them. A deadline that moves on, as most do
/// with each thing that happens, costs nothing before the earlier moment has come: an entry is a lower bound, and is
/// put right when it is the first.
///
/// Thread: confined to its owner. Cost: O(log n) for each entry that is moved.
template <class Key>
class DeadlineQueue {
public:
    /// Kept by what is due, at one address while it is in the queue.
    class Place {
        friend class DeadlineQueue;
        Instant due_ = Instant::max();
        Instant queued_ = Instant::max();  // max(): not in the queue
    };

    /// `key` is due at `due` now, and no longer when it was. REQUIRES: due < Instant::max().
    void set(const Key& key, Place& place, Instant due) {
        TULLE_ASSERT(due < Instant::max());
        place.due_ = due;
        if (due < place.queued_) {
            remove(key, place);
            insert(key, place);
        }
    }

    void remove(const Key& key, Place& place) {
        if (place.queued_ != Instant::max()) {
            entries_.erase({place.queued_, key, &place});
            place.queued_ = Instant::max();
        }
    }

    /// Takes out all that are due by `now`, and calls `visit(key)` for each.
    template <class Visit>
    void take_due(Instant now, Visit&& visit) {
        while (!entries_.empty() && std::get<Instant>(*entries_.begin()) <= now) {
            const auto [at, key, place] = *entries_.begin();
            remove(key, *place);
            if (place->due_ <= now) {
                visit(key);
            } else {
                insert(key, *place);
            }
        }
    }

    /// Instant::max() when it is empty.
    [[nodiscard]] Instant earliest() {
        while (!entries_.empty()) {
            const auto [at, key, place] = *entries_.begin();
            if (place->due_ == at) {
                return at;
            }
            remove(key, *place);
            insert(key, *place);
        }
        return Instant::max();
    }

private:
    void insert(const Key& key, Place& place) {
        place.queued_ = place.due_;
        entries_.insert({place.queued_, key, &place});
    }

    std::set<std::tuple<Instant, Key, Place*>> entries_;
};

}  // namespace tulle::mesh
