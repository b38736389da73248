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

/// Orders the events of a channel. Every node orders two events alike, and no two events have equal stamps.
struct EventStamp {
    /// When the origin accepted the event, in microseconds of the clock that all nodes order alike.
    std::uint64_t time_us = 0;
    /// The node that accepted the event; decides between equal times.
    OriginId origin;
    friend auto operator<=>(const EventStamp&, const EventStamp&) = default;
};

/// The last event of a channel. `until`: the event is shown to new subscribers before this instant.
struct RetainedEvent {
    EventStamp stamp;
    SharedBody body;
    Instant until{};
};

/// The last event of each cache channel with subscribers on a shard. The first event comes with the mesh's
/// confirmation, further events by delivery; the greatest stamp wins.
///
/// Thread: confined to its shard.
/// Time:   `now` is an argument and must not go backwards.
/// Limits: none of its own; each open channel holds a single event of at most the app's max_event_bytes.
/// Errors: none. A call for a channel that is not open does nothing.
class RetainedEvents {
public:
    /// The channel has got its first subscriber on this shard.
    void open(std::string_view channel);
    /// The channel has lost its last subscriber on this shard; the event is forgotten.
    void close(std::string_view channel);
    /// The mesh has confirmed the channel, with the last event of the channel if there is an event.
    void on_confirmed(std::string_view channel, std::optional<RetainedEvent> last);
    /// The mesh has found an event that the subscribers did not get.
    void on_found(std::string_view channel, RetainedEvent event);
    /// An event is about to be delivered. False: the confirmation has brought this very event, so every subscriber has
    /// had the event, and the caller must not deliver again.
    [[nodiscard]] bool on_delivered(std::string_view channel, RetainedEvent event);

    /// The event for a new subscriber; null without an event, or when the event is too old. Drops an event that is too
    /// old.
    [[nodiscard]] SharedBody last(std::string_view channel, Instant now);
    /// The stamp of the last event, also of an event that is too old; nothing for a channel that is not open.
    [[nodiscard]] std::optional<EventStamp> last_stamp(std::string_view channel) const {
        const auto entry = entries_.find(channel);
        return entry == entries_.end() ? std::nullopt : std::optional(entry->second.last.stamp);
    }

private:
    /// An open channel.
    struct Entry {
        /// The stamp of the event that came with the confirmation.
        std::optional<EventStamp> brought;
        /// The last event; no body: none.
        RetainedEvent last;
    };

    /// Takes `event` when the stamp is greater than the stamp of the present event.
    static void put(Entry& entry, RetainedEvent event);

    StringMap<Entry> entries_;
};

}  // namespace tulle::node
