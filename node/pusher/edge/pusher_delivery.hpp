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
#include "node/edge/span_queue.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/edge/cache_channels.hpp"
#include "node/pusher/edge/pusher_history.hpp"
#include "node/pusher/edge/pusher_sessions.hpp"
#include "node/pusher/wire/event_frame.hpp"
#include "node/web/frame_deflater.hpp"

namespace tulle::node {

/// Brings events and gaps to the Pusher clients of a shard. A frame is made once and fanned out to all subscribers.
///
/// Thread: the shard's. Channels are named by their keys.
/// Limits: frames wait in the outboxes of the connections. An event too long for clients is replaced by a gap.
/// Errors: an exception may leave a record half delivered; the caller then calls on_lost().
class PusherDelivery {
public:
    PusherDelivery(Reactor& reactor, const AppTable& apps, const ChannelTable& channels, CacheChannels& cached,
                   PusherHistory& history, PusherSessions& sessions)
        : reactor_(reactor),
          apps_(apps),
          channels_(channels),
          cached_(cached),
          history_(history),
          sessions_(sessions),
          fanout_(reactor, &deflater_) {}

    /// The connections of this shard, and the frames gathered for them. The caller must call end_run() after the last
    /// of several records, before anything else.
    [[nodiscard]] Fanout& fanout() { return fanout_; }
    /// Traced messages leave a span in `spans`, which outlives this object; null: none does.
    void trace_to(SpanQueue* spans) { spans_ = spans; }
    /// Queues the record for the subscribers, at once or together with the records that follow.
    void deliver(const mesh::Deliver& message);
    /// Sends an event of the server to all subscribers of the channel.
    void broadcast(std::string_view channel, const EventBody& body);
    /// Tells the subscribers of the channel about lost messages; a gap without a channel concerns all channels of the
    /// shard.
    void on_gap(const mesh::Gap& gap);
    /// An exception has left the record half delivered: ends the connections of the subscribers, who then connect
    /// again.
    void on_lost(const mesh::Record& record, const std::exception& error) noexcept;
    /// True when clients can be sent the event. Only an event of bytes can be too long, as JSON lengthens bytes.
    [[nodiscard]] static bool fits(const pusher::EventTail& tail);

private:
    /// Begins the span of a traced message, unless the shard has no subscriber. A span for which there is no memory is
    /// counted as dropped.
    void trace(const mesh::Deliver& message) noexcept;
    /// The body of trace().
    void begin_span(const mesh::Deliver& message);
    /// Adds the span of the message's way from the node that numbered it, below `parent`, and returns the place below
    /// that span. `parent` when the message is this node's, or when the difference of the two clocks is not known yet.
    [[nodiscard]] TraceContext relayed(const mesh::Deliver& message, const TraceContext& parent);
    /// Writes the WebSocket frame of an event into the arena. `id` as in pusher::event_frame().
    [[nodiscard]] SlabRange frame_of(std::string_view channel, const pusher::EventTail& tail, std::string_view id = {});
    /// Adds an event to the present run, or begins a run for the channel. `stamp`: of an event that the channel's
    /// history keeps; null for others.
    void add_to_run(std::string_view channel, const EventBody& body, std::optional<Slot> excluded,
                    const mesh::Stamp* stamp);
    /// Sends an event to those subscribers alone who do not have the event. False: all may get the event.
    [[nodiscard]] bool send_to_some(std::string_view channel, const pusher::EventTail& tail,
                                    std::optional<Slot> excluded, const mesh::Stamp& stamp, std::string_view id);
    /// Tells a gap of `missing` messages (0: unknown number) by an event or by a close, as the app wants.
    void tell_gap(std::string_view channel, std::uint64_t missing);
    /// Closes the subscribers with 4200. A copy of the list, as closing takes clients out of the table.
    void close_for_gap(std::vector<Slot> subscribers);

    Reactor& reactor_;
    const AppTable& apps_;
    const ChannelTable& channels_;
    CacheChannels& cached_;
    PusherHistory& history_;
    PusherSessions& sessions_;
    FrameDeflater deflater_;
    Fanout fanout_;
    SpanQueue* spans_ = nullptr;
};

}  // namespace tulle::node
