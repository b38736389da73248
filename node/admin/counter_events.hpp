#pragma once

#include <cstdint>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/edge/event_log.hpp"
#include "node/edge/shard_counters.hpp"

namespace tulle::node {

/// Makes events of what the shards only count: clients that were closed because they were slow or memory was short, and
/// what limits have refused. An event tells how many there were since the last look, so a flood of refusals makes one
/// event a second, and no shard does anything more for the flood.
///
/// Thread: one, the admin listener's.
/// Ownership: the counters and the log outlive the object.
class CounterEvents {
public:
    /// Time between two looks.
    static constexpr Duration kInterval = 1s;

    CounterEvents(const std::vector<const ShardCounters*>& shards, EventLog& log) : shards_(shards), log_(log) {}

    /// Looks at the counters if a look is due. Returns the time of the next look.
    Instant tick(Instant now);

private:
    const std::vector<const ShardCounters*>& shards_;
    EventLog& log_;
    Instant look_at_ = Instant::min();
    /// The sums at the last look, in the order of the table; empty before the first look.
    std::vector<std::uint64_t> told_;
};

}  // namespace tulle::node
