#include "node/pusher/edge/pusher_delivery.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "node/edge/clock.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/edge/event_span.hpp"
#include "node/pusher/wire/codec.hpp"
#include "node/web/core/ws_frame.hpp"

namespace tulle::node {

void PusherDelivery::deliver(const mesh::Deliver& message) {
    const mesh::Record& record = *message.record;
    // A change of presence has no body and reaches the shard by another message; nor has the stub of an evicted record.
    if (!record.body) {
        return;
    }
    if (record.context && spans_ != nullptr) {
        trace(message);
    }
    const std::optional<Slot> excluded =
        record.exclude_socket.empty() ? std::nullopt : sessions_.slot_of(record.exclude_socket);
    for (std::size_t i = 0; i < record.channels.size(); ++i) {
        const std::string& channel = record.channels[i];
        // The first `retained` channels keep the event; cached_ says whether the subscribers have had the event with
        // the confirmation.
        if (i >= record.retained || cached_.keep(record, i)) {
            const bool is_kept = record.history && record.history->of(i) != nullptr;
            add_to_run(channel, *record.body, excluded, is_kept ? &record.stamp : nullptr);
        }
    }
    if (const auto user = user_of_online_key(record.channels.front())) {
        fanout_.end_run();
        sessions_.end_user(app_of_key(record.channels.front()), *user);
    }
}

void PusherDelivery::trace(const mesh::Deliver& message) noexcept {
    try {
        begin_span(message);
    } catch (const std::exception&) {
        reactor_.counters().spans_dropped_total.add();
    }
}

void PusherDelivery::begin_span(const mesh::Deliver& message) {
    const mesh::Record& record = *message.record;
    // A node of another version may have another form of the context.
    const std::optional<TraceContext> parent = context_of(*record.context);
    std::size_t subscribers = 0;
    for (const std::string& channel : record.channels) {
        subscribers += channels_.confirmed(channel).size();
    }
    if (!parent || subscribers == 0) {
        return;
    }
    // Comes first: the way between the nodes is a span of its own, also when no further delivery of the turn is traced.
    const TraceContext place = relayed(message, *parent);
    if (!reactor_.deliveries().has_room_for_span()) {
        return;
    }
    Span span = event_span(*spans_, place, Span::Kind::kConsumer, "deliver", "process", record.channels.front());
    span.attributes.emplace_back("messaging.message.body.size", static_cast<std::int64_t>(record.body->size()));
    span.attributes.emplace_back("tulle.subscriptions", static_cast<std::int64_t>(subscribers));
    reactor_.deliveries().trace(std::move(span), *spans_);
}

TraceContext PusherDelivery::relayed(const mesh::Deliver& message, const TraceContext& parent) {
    if (message.numbered.by != mesh::Numbered::By::kOtherNode) {
        return parent;
    }
    Span span =
        event_span(*spans_, parent, Span::Kind::kInternal, "relay", "receive", message.record->channels.front());
    span.ended_ns = span.begun_ns;
    // The moment lies in the future by the error of the clocks' difference at most.
    const Duration way = std::max(monotonic_now() - message.numbered.at, Duration{});
    span.begun_ns -= static_cast<std::uint64_t>(std::chrono::nanoseconds(way).count());
    span.attributes.emplace_back("tulle.path", std::string(mesh::to_text(message.numbered.path)));
    const TraceContext place = span.context;
    spans_->add(std::move(span));
    return place;
}

bool PusherDelivery::fits(const pusher::EventTail& tail) {
    return tail.size() <= kMaxEventTailBytes;
}

SlabRange PusherDelivery::frame_of(std::string_view channel, const pusher::EventTail& tail, std::string_view id) {
    std::string_view name = channel_of_key(channel);
    std::string escaped;
    // Only names of internal channels may need escapes.
    if (is_internal_key(channel)) {
        escaped = pusher::escaped_name(name);
        name = escaped;
    }
    const std::string_view id_key = id.empty() ? std::string_view{} : pusher::kEventFrameId;
    const std::size_t size = pusher::kEventFrameHead.size() + name.size() + id_key.size() + id.size() +
                             pusher::kEventFrameName.size() + tail.size();
    return reactor_.arena().append({TextFrameHeader(size).view(), pusher::kEventFrameHead, name, id_key, id,
                                    pusher::kEventFrameName, tail.name(), tail.data_key(), tail.data(), tail.user_key(),
                                    tail.user(), tail.end()});
}

bool PusherDelivery::send_to_some(std::string_view channel, const pusher::EventTail& tail, std::optional<Slot> excluded,
                                  const mesh::Stamp& stamp, std::string_view id) {
    const std::optional<std::vector<Slot>> some = history_.without_skips(channel, stamp, channels_.confirmed(channel));
    if (!some) {
        return false;
    }
    fanout_.end_run();
    fanout_.send(*some, frame_of(channel, tail, id), 1, excluded);
    return true;
}

void PusherDelivery::add_to_run(std::string_view channel, const EventBody& body, std::optional<Slot> excluded,
                                const mesh::Stamp* stamp) {
    if (!fanout_.is_running(channel, excluded)) {
        fanout_.begin_run(channel, channels_.confirmed(channel), excluded);
    }
    // No subscriber on this shard: no frame is made.
    if (!fanout_.has_audience()) {
        return;
    }
    const pusher::EventTail tail(body);
    if (fits(tail)) {
        const std::string id = stamp == nullptr ? std::string() : pusher::id_of({stamp->time_us, stamp->origin});
        if (stamp == nullptr || !send_to_some(channel, tail, excluded, *stamp, id)) {
            fanout_.add_to_run(frame_of(channel, tail, id));
        }
    } else {
        fanout_.end_run();
        tell_gap(channel, 1);
    }
}

void PusherDelivery::on_lost(const mesh::Record& record, const std::exception& error) noexcept {
    for (const std::string& channel : record.channels) {
        fanout_.fail(channels_.confirmed(channel), error);
    }
}

void PusherDelivery::broadcast(std::string_view channel, const EventBody& body) {
    const std::span<const Slot> subscribers = channels_.confirmed(channel);
    if (!subscribers.empty()) {
        fanout_.send(subscribers, frame_of(channel, pusher::EventTail(body)), 1);
    }
}

void PusherDelivery::tell_gap(std::string_view channel, std::uint64_t missing) {
    const std::span<const Slot> subscribers = channels_.confirmed(channel);
    if (subscribers.empty()) {
        return;
    }
    const App* app = apps_.find_by_id(app_of_key(channel));
    // The clients connect again and load everything afresh, so nothing more has to be told.
    if (app != nullptr && app->on_gap == GapPolicy::kClose) {
        close_for_gap({subscribers.begin(), subscribers.end()});
        return;
    }
    reactor_.counters().gaps_told_total.add(subscribers.size());
    broadcast(channel, pusher::gap_body(missing));
    // The lost messages may have held the last event of a cache channel.
    cached_.ask(channel);
}

void PusherDelivery::close_for_gap(std::vector<Slot> subscribers) {
    for (const Slot slot : subscribers) {
        if (PusherClient* client = sessions_.find(slot)) {
            pusher::SessionEffects effects;
            client->session.on_loss(effects);
            reactor_.counters().gap_closes_total.add(effects.empty() ? 0 : 1);
            sessions_.run(*client, effects);
        }
    }
}

void PusherDelivery::on_gap(const mesh::Gap& gap) {
    if (!gap.channel.empty()) {
        tell_gap(gap.channel, gap.missing);
        return;
    }
    // Nobody knows which channels the lost messages had: every channel may have a gap.
    for (const ChannelCount& channel : channels_.list({})) {
        tell_gap(channel.channel, gap.missing);
    }
}

}  // namespace tulle::node
