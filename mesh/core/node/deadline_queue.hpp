#pragma once

#include <set>
#include <tuple>

#include "mesh/base/assert.hpp"
#include "mesh/base/time.hpp"

namespace tulle::mesh {

/// The deadlines of many things, with the earliest at hand. Most deadlines move on with each event, and moving on costs
/// nothing before the earlier moment has come: an entry in the queue is a lower bound, and is corrected when the entry
/// is the first.
///
/// Thread: confined to its owner.
/// Cost:   O(log n) for each entry that is moved.
/// Ownership: refers to each Place in the queue; remove() must come before a Place ends or moves.
/// Limits: none of its own; an entry for each Place at most.
template <class Key>
class DeadlineQueue {
public:
    /// The queue's notes about a thing, kept by the thing itself at an unchanged address.
    class Place {
        friend class DeadlineQueue;
        Instant due_ = Instant::max();
        /// The moment of the entry in the queue; max(): no entry.
        Instant queued_ = Instant::max();
    };

    /// `key` is due at `due` from here on, instead of its former deadline.
    /// REQUIRES: due < Instant::max().
    void set(const Key& key, Place& place, Instant due) {
        TULLE_ASSERT(due < Instant::max());
        // A later deadline leaves the entry in place, as a lower bound.
        place.due_ = due;
        if (due < place.queued_) {
            remove(key, place);
            insert(key, place);
        }
    }

    /// Takes `key` out of the queue; no effect without an entry.
    void remove(const Key& key, Place& place) {
        if (place.queued_ != Instant::max()) {
            entries_.erase({place.queued_, key, &place});
            place.queued_ = Instant::max();
        }
    }

    /// Takes out all keys due by `now`, and calls `visit(key)` for each. `visit` may call set() and remove().
    template <class Visit>
    void take_due(Instant now, Visit&& visit) {
        while (!entries_.empty() && std::get<Instant>(*entries_.begin()) <= now) {
            const auto [at, key, place] = *entries_.begin();
            remove(key, *place);
            // Otherwise the entry was only a lower bound: enter the true deadline.
            if (place->due_ <= now) {
                visit(key);
            } else {
                insert(key, *place);
            }
        }
    }

    /// The earliest deadline; Instant::max() when the queue is empty. Corrects entries on the way.
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
    /// REQUIRES: `place` has no entry.
    void insert(const Key& key, Place& place) {
        place.queued_ = place.due_;
        entries_.insert({place.queued_, key, &place});
    }

    std::set<std::tuple<Instant, Key, Place*>> entries_;
};

}  // namespace tulle::mesh
