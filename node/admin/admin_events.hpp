#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/admin/admin_counters.hpp"
#include "node/admin/admin_parameters.hpp"
#include "node/admin/counter_events.hpp"
#include "node/edge/event_log.hpp"
#include "node/edge/reactor.hpp"
#include "node/edge/refusal_watch.hpp"
#include "node/web/http_room.hpp"

namespace tulle::node {

/// Requests that wait for the next event. A further request gets 503.
inline constexpr std::size_t kMaxAdminFollowers = 8;

/// Answers GET /v1/events, the events that the node remembers, at once or with the next event, and POST /v1/log.
///
/// Thread: the admin listener's.
/// Ownership: all arguments of the constructor outlive the object.
/// Limits: kMaxAdminFollowers. A request waits for kMaxEventsWaitMs at most, and then gets an empty list.
class AdminEvents {
public:
    AdminEvents(Reactor& reactor, HttpRoom& room, EventLog& log, const std::vector<const ShardCounters*>& shards,
                AdminCounters& counters, RefusalWatch* refusals)
        : reactor_(reactor),
          room_(room),
          log_(log),
          counters_(counters),
          refusals_(refusals),
          from_counters_(shards, log) {}

    /// Answers the request of `ticket` for events of this node, at once or later.
    void ask(HttpTicket ticket, const EventsQuery& query);
    /// Has the node tell of refused clients for a while (POST /v1/log).
    void watch(HttpTicket ticket, const LogQuery& query);
    /// Answers the requests for which an event has come, or whose time is over. Notes what the shards have counted.
    void end_turn();

private:
    struct Follower {
        HttpTicket ticket;
        EventsQuery query;
        Instant deadline;
    };

    /// Answers when there is an event, or `is_last`. False: the request goes on waiting.
    [[nodiscard]] bool answer(HttpTicket ticket, const EventsQuery& query, bool is_last);

    Reactor& reactor_;
    HttpRoom& room_;
    EventLog& log_;
    AdminCounters& counters_;
    RefusalWatch* refusals_;
    CounterEvents from_counters_;
    std::vector<Follower> followers_;
};

}  // namespace tulle::node
