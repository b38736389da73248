#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string_view>
#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/core/channel_table.hpp"
#include "node/edge/fanout.hpp"
#include "node/edge/reactor.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/edge/cache_channels.hpp"
#include "node/pusher/edge/pusher_sessions.hpp"
#include "node/pusher/wire/event_frame.hpp"
#include "node/web/frame_deflater.hpp"

namespace tulle::node {

/// How events, and the news of lost ones, get to the Pusher clients of one shard: made into frames once, and fanned
/// out.
///
/// Thread: the shard's. Channels are named by their keys.
class PusherDelivery {
public:
    PusherDelivery(Reactor& reactor, const AppTable& apps, const ChannelTable& channels, CacheChannels& cached,
                   PusherSessions& sessions)
        : reactor_(reactor),
          apps_(apps),
          channels_(channels),
          cached_(cached),
          sessions_(sessions),
          fanout_(reactor, &deflater_) {}

    /// The connections that are delivered to, and what is gathered for them: end_run must be called after the last of
    /// several records, before anything else is done.
    [[nodiscard]] Fanout& fanout() { return fanout_; }
    /// Queues the record for its subscribers at once, or together with those that follow.
    void deliver(const mesh::Record& record);
    void broadcast(std::string_view channel, const EventBody& body);
    void on_gap(const mesh::Gap& gap);
    /// An exception has left the record half delivered: ends the subscribers of its channels.
    void on_lost(const mesh::Record& record, const std::exception& error) noexcept;
    /// Whether clients can be sent the event: one of bytes may be too long as JSON, which no other is.
    [[nodiscard]] static bool fits(const pusher::EventTail& tail);

private:
    [[nodiscard]] SlabRange frame_of(std::string_view channel, const pusher::EventTail& tail);
    void add_to_run(std::string_view channel, const EventBody& body, std::optional<Slot> excluded);
    void tell_gap(std::string_view channel, std::uint64_t missing);
    /// By value: closing takes them out of the table.
    void close_for_gap(std::vector<Slot> subscribers);

    Reactor& reactor_;
    const AppTable& apps_;
    const ChannelTable& channels_;
    CacheChannels& cached_;
    PusherSessions& sessions_;
    FrameDeflater deflater_;
    Fanout fanout_;
};

}  // namespace tulle::node
