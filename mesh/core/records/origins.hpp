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

/// How far the records of each origin were delivered here. Outlives sessions, so that a new one goes on where the last
/// ended.
/// Thread: confined to the hub. Limits: remembers `max` origins; beyond that the one least recently touched goes.
class Origins {
public:
    explicit Origins(std::size_t max) : max_(max) {}

    [[nodiscard]] std::optional<RecordNo> delivered(OriginId oid) const {
        const auto found = positions_.find(oid);
        return found == positions_.end() ? std::nullopt : std::optional(found->second.delivered);
    }

    void set_delivered(Instant now, OriginId oid, RecordNo n) {
        Position& position = positions_[oid];
        position.delivered = std::max(position.delivered, n);
        position.touched = now;
        if (positions_.size() > max_) {
            auto oldest = positions_.begin();
            for (auto it = positions_.begin(); it != positions_.end(); ++it) {
                if (it->second.touched < oldest->second.touched) {
                    oldest = it;
                }
            }
            positions_.erase(oldest);
        }
    }

    /// Records beyond delivered() that others have filled in, ascending.
    [[nodiscard]] const std::vector<RecordNo>& extras(OriginId oid) {
        Position& position = positions_[oid];
        std::erase_if(position.extras, [&](RecordNo n) { return n <= position.delivered; });
        return position.extras;
    }
    /// REQUIRES: n above all that are known.
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
