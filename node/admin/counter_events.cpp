#include "node/admin/counter_events.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "mesh/base/assert.hpp"
#include "node/admin/shard_metrics.hpp"

namespace tulle::node {
namespace {

struct Watched {
    Counter ShardCounters::*counter;
    EventKind kind;
    /// What stands behind the number.
    std::string_view what;
};

constexpr Watched kWatched[] = {
    {&ShardCounters::slow_clients_total, EventKind::kSlowClient,
     "clients were closed: too slow to take their messages"},
    {&ShardCounters::shed_clients_total, EventKind::kShed, "clients were closed: memory is short"},
    {&ShardCounters::full_refusals_total, EventKind::kLimit, "connections were refused: the node is full"},
    {&ShardCounters::address_capped_total, EventKind::kLimit,
     "connections were refused: their address has as many as it may (max_connections_per_address)"},
    {&ShardCounters::over_quota_total, EventKind::kLimit,
     "clients were refused: their app has as many as it may (max_connections)"},
    {&ShardCounters::auth_throttled_total, EventKind::kLimit,
     "requests were refused: too many wrong signatures of their address (auth_failures_per_minute)"},
    {&ShardCounters::rate_limited_total, EventKind::kLimit, "requests were refused: beyond the rate of their app"},
    {&ShardCounters::client_events_refused_total, EventKind::kLimit, "events of clients were refused"},
    {&ShardCounters::proxy_senders_refused_total, EventKind::kLimit,
     "connections were closed: proxy_protocol is set, and no trusted proxy had sent them"},
    {&ShardCounters::failures_total, EventKind::kOther, "exceptions ended the work of a connection each"},
};

}  // namespace

Instant CounterEvents::tick(Instant now) {
    if (now < look_at_) {
        return look_at_;
    }
    look_at_ = now + kInterval;
    const bool is_first = told_.empty();
    told_.resize(std::size(kWatched));
    TULLE_ASSERT(look_at_ > now);
    for (std::size_t i = 0; i < std::size(kWatched); ++i) {
        const std::uint64_t sum = sum_of(shards_, kWatched[i].counter);
        const std::uint64_t before = std::exchange(told_[i], sum);
        if (!is_first && sum > before) {
            log_.add(kWatched[i].kind, std::to_string(sum - before) + " " + std::string(kWatched[i].what) + " (" +
                                           std::to_string(sum) + " since the start)");
        }
    }
    return look_at_;
}

}  // namespace tulle::node
