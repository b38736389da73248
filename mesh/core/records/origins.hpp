#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "mesh/base/assert.hpp"
#include "mesh/base/ids.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/records/record.hpp"

namespace tulle::mesh {

/// Remembers for each origin how far its records were delivered here. The positions outlive sessions, so that a new
/// session goes on where the last session ended.
///
/// Thread: confined to the hub.
/// Limits: `max` origins. Beyond, the origin with the oldest change of position is forgotten. A forgotten origin that
///         comes back is treated like an origin never met.
class Origins {
public:
    /// `max`: Limits::remembered_origins.
    explicit Origins(std::size_t max) : max_(max) {}

    /// The record up to which every record of `oid` was delivered here or reported as lost. Nothing for an unknown
    /// origin.
    [[nodiscard]] std::optional<RecordNo> delivered(OriginId oid) const {
        const auto found = positions_.find(oid);
        return found == positions_.end() ? std::nullopt : std::optional(found->second.delivered);
    }

    /// Moves the position forward to `n`. A smaller `n` changes nothing.
    void set_delivered(Instant now, OriginId oid, RecordNo n) {
        Position& position = positions_[oid];
        position.delivered = std::max(position.delivered, n);
        position.touched = now;
        if (positions_.size() > max_) {
            // A walk over all origins: rare, because the table is full only after `max` different processes.
            auto oldest = positions_.begin();
            for (auto it = positions_.begin(); it != positions_.end(); ++it) {
                if (it->second.touched < oldest->second.touched) {
                    oldest = it;
                }
            }
            positions_.erase(oldest);
        }
    }

    /// Numbers of records beyond delivered() that survivors have filled in, ascending. The reference is valid until the
    /// next call.
    [[nodiscard]] const std::vector<RecordNo>& extras(OriginId oid) {
        Position& position = positions_[oid];
        std::erase_if(position.extras, [&](RecordNo n) { return n <= position.delivered; });
        return position.extras;
    }
    /// Notes a filled-in record. REQUIRES: `n` is greater than every known extra of the origin.
    void add_extra(OriginId oid, RecordNo n) {
        std::vector<RecordNo>& extras = positions_[oid].extras;
        TULLE_ASSERT(extras.empty() || extras.back() < n);
        extras.push_back(n);
    }

private:
    struct Position {
        RecordNo delivered;
        std::vector<RecordNo> extras;
        Instant touched;
    };

    std::size_t max_;
    std::map<OriginId, Position> positions_;
};

}  // namespace tulle::mesh
