#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "mesh/core/node/port.hpp"
#include "node/core/retained_events.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/reactor.hpp"

namespace tulle::node {

/// The last events of the cache channels that have subscribers on this shard, for new ones.
///
/// Thread: the shard's. A channel is named by its key.
class CacheChannels {
public:
    CacheChannels(Reactor& reactor, HubPort& hub) : reactor_(reactor), hub_(hub) {}

    void open(std::string_view channel) { events_.open(channel); }
    void close(std::string_view channel) { events_.close(channel); }
    /// `is_confirmation`: the answer confirms the subscription, and is no later one.
    void learn(const mesh::Subscribed& answer, bool is_confirmation);
    /// The last event of the channel is this one, though its subscribers did not get it.
    void learn(std::string_view channel, const mesh::RetainedEvent& event);
    /// Channel number `index` of the record keeps it. False: the channel's subscribers have had the event.
    [[nodiscard]] bool keep(const mesh::Record& record, std::size_t index);
    /// What was lost may have been the last event of the channel: asks the mesh. Nothing for other channels.
    void ask(std::string_view channel);
    /// Null: none is known, or its time is over.
    [[nodiscard]] SharedBody last(std::string_view channel);

private:
    Reactor& reactor_;
    HubPort& hub_;
    RetainedEvents events_;
};

}  // namespace tulle::node
