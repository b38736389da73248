#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/core/node/port.hpp"
#include "node/core/retained_events.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/reactor.hpp"

namespace tulle::node {

/// The last events of the cache channels with subscribers on this shard, for new subscribers.
///
/// Thread: the shard's. A channel is named by the key.
/// Limits: none of its own: an event for each cache channel with a subscriber on this shard.
/// Errors: none. Events of other channels are ignored.
class CacheChannels {
public:
    CacheChannels(Reactor& reactor, HubPort& hub) : reactor_(reactor), hub_(hub) {}

    /// The channel has its first subscriber on this shard.
    void open(std::string_view channel) { events_.open(channel); }
    /// The channel has lost its last subscriber on this shard: forgets the event.
    void close(std::string_view channel) { events_.close(channel); }
    /// The hub's answer about the channel, with the last event if there is an event. `is_confirmation`: the answer
    /// confirms a subscription; otherwise, the answer belongs to ask().
    void learn(const mesh::Subscribed& answer, bool is_confirmation);
    /// The mesh has found a newer last event of the channel; the subscribers did not get the event.
    void learn(std::string_view channel, const mesh::RetainedEvent& event);
    /// The channel number `index` of the record keeps the event as the last event. False: the confirmation of the
    /// channel has brought this very event, so the subscribers have had the event, and the caller must not deliver the
    /// event again.
    [[nodiscard]] bool keep(const mesh::Record& record, std::size_t index);
    /// Events of the channel were lost, the last event perhaps among them: asks the mesh. Does nothing for other than
    /// cache channels.
    void ask(std::string_view channel);
    /// The last event; null when none is known, or when the time to keep the event is over.
    [[nodiscard]] SharedBody last(std::string_view channel);
    /// The stamp of the last event; nothing when last() is null.
    [[nodiscard]] std::optional<EventStamp> last_stamp(std::string_view channel);

private:
    Reactor& reactor_;
    HubPort& hub_;
    RetainedEvents events_;
};

}  // namespace tulle::node
