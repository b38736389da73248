#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/event_body.hpp"
#include "mesh/base/hash.hpp"
#include "mesh/base/ids.hpp"
#include "mesh/base/time.hpp"

namespace tulle::node {

/// Orders the events of a channel: the same on every node, and different for every two events.
struct EventStamp {
    std::uint64_t time_us = 0;
    OriginId origin;
    friend auto operator<=>(const EventStamp&, const EventStamp&) = default;
};

struct RetainedEvent {
    EventStamp stamp;
    SharedBody body;
    Instant until{};
};

/// The last event of each cache channel that one shard has subscribers of: what the mesh's confirmation brought, then
/// what was delivered; the greatest stamp wins.
///
/// Thread: confined to its shard.
/// Time:   `now` is an argument and must not go backwards.
/// Limits: none of its own; one event, of at most its app's max_event_bytes, for each open channel.
/// Errors: none. What concerns a channel that is not open does nothing.
class RetainedEvents {
public:
    /// The channel has got its first subscriber.
    void open(std::string_view channel);
    /// It has lost its last one.
    void close(std::string_view channel);
    /// The mesh has confirmed it, and brings its last event if it has one.
    void on_confirmed(std::string_view channel, std::optional<RetainedEvent> last);
    /// The mesh has found an event that the subscribers did not get.
    void on_found(std::string_view channel, RetainedEvent event);
    /// False: the confirmation has brought this very event, so whoever is subscribed has had it.
    [[nodiscard]] bool on_delivered(std::string_view channel, RetainedEvent event);

    /// What a new subscriber is to see; null for nothing.
    [[nodiscard]] SharedBody last(std::string_view channel, Instant now);

private:
    struct Entry {
        std::optional<EventStamp> brought;  ///< by the confirmation
        RetainedEvent last;                 ///< no body: none
    };

    static void put(Entry& entry, RetainedEvent event);

    StringMap<Entry> entries_;
};

}  // namespace tulle::node
