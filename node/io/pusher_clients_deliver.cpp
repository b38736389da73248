#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "node/core/channel_name.hpp"
#include "node/core/limits.hpp"
#include "node/core/ws_frame.hpp"
#include "node/io/pusher_clients.hpp"
#include "node/protocol/pusher/codec.hpp"
#include "node/protocol/pusher/event_frame.hpp"

namespace tulle::node {
namespace {

/// Connections are spread over the heap, and the sends of the turn before have pushed them out of the caches: each is
/// asked for so many before it is needed.
constexpr std::size_t kFetchAhead = 4;

}  // namespace

void PusherClients::deliver(const mesh::Record& record) {
    if (!record.body) {
        return;
    }
    const std::optional<Slot> excluded = record.exclude_socket.empty() ? std::nullopt : slot_of(record.exclude_socket);
    for (std::size_t i = 0; i < record.channels.size(); ++i) {
        const std::string& channel = record.channels[i];
        if (i >= record.kept || keep(record, i)) {
            add_to_run(channel, *record.body, excluded);
        }
    }
    if (const auto user = user_of_online_key(record.channels.front())) {
        end_run();
        end_user(app_of_key(record.channels.front()), *user);
    }
}

bool PusherClients::fits(const pusher::EventTail& tail) {
    return tail.size() <= kMaxEventTailBytes;
}

SlabRange PusherClients::frame_of(std::string_view channel, const pusher::EventTail& tail) {
    std::string_view name = channel_of_key(channel);
    std::string escaped;
    if (is_internal_key(channel)) {
        escaped = pusher::escaped_name(name);
        name = escaped;
    }
    const std::size_t size =
        pusher::kEventFrameHead.size() + name.size() + pusher::kEventFrameName.size() + tail.size();
    return reactor_.arena().append({TextFrameHeader(size).view(), pusher::kEventFrameHead, name,
                                    pusher::kEventFrameName, tail.name(), tail.data_key(), tail.data(), tail.user_key(),
                                    tail.user(), tail.end()});
}

/// Messages of one channel that come one after the other are queued for its subscribers together: a burst costs each of
/// them what one message does.
void PusherClients::add_to_run(std::string_view channel, const EventBody& body, std::optional<Slot> excluded) {
    if (run_.messages == 0 || run_.channel != channel || run_.excluded != excluded) {
        end_run();
        run_.subscribers = channels_.confirmed(channel);
        run_.channel = channel;
        run_.excluded = excluded;
    }
    if (run_.subscribers.empty()) {
        return;
    }
    const pusher::EventTail tail(body);
    if (!fits(tail)) {
        end_run();
        run_ = Run{};
        tell_gap(channel, 1);
        return;
    }
    const SlabRange frame = frame_of(channel, tail);
    if (run_.messages > 0 && !run_.frames.join(frame, kMaxRunBytes)) {
        const std::span<const Slot> subscribers = run_.subscribers;
        end_run();
        run_.subscribers = subscribers;
    }
    if (run_.messages == 0) {
        run_.frames = frame;
    }
    ++run_.messages;
}

void PusherClients::end_run() {
    if (run_.messages > 0) {
        send_to(run_.subscribers, run_.frames, std::exchange(run_.messages, 0), run_.excluded);
        run_.frames = SlabRange{};
        run_.subscribers = {};  // for fail_run, nobody misses anything of it; and the table may change from here on
    }
}

void PusherClients::fail(std::span<const Slot> subscribers, const std::exception& error) noexcept {
    for (const Slot slot : subscribers) {
        reactor_.fail(*connections_[slot.value], error);
    }
}

void PusherClients::fail_run(const std::exception& error) noexcept {
    fail(std::exchange(run_.subscribers, {}), error);
    run_.messages = 0;
    run_.frames = SlabRange{};
}

void PusherClients::fail_subscribers(const mesh::Record& record, const std::exception& error) noexcept {
    for (const std::string& channel : record.channels) {
        fail(channels_.confirmed(channel), error);
    }
}

void PusherClients::fail_all(const std::exception& error) noexcept {
    run_ = Run{};
    for (WsConnection* connection : connections_) {
        if (connection != nullptr) {
            reactor_.fail(*connection, error);
        }
    }
}

std::vector<std::pair<std::size_t, WsConnection*>> PusherClients::by_memory() const {
    std::vector<std::pair<std::size_t, WsConnection*>> large;
    for (WsConnection* connection : connections_) {
        const std::size_t memory = connection != nullptr ? connection->memory() : 0;
        if (memory >= kMinShedBytes) {
            large.emplace_back(memory, connection);
        }
    }
    std::sort(large.begin(), large.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second->slot().value < b.second->slot().value;
    });
    return large;
}

void PusherClients::shed(std::uint64_t bytes) {
    std::uint64_t freed = 0;
    const auto shed_one = [&](std::size_t memory, WsConnection& connection) {
        if (freed < bytes) {
            freed += memory;
            // one that fails there ends at once, and is freed too
            reactor_.guard(connection, [&] { connection.shed(); });
        }
    };
    std::vector<std::pair<std::size_t, WsConnection*>> large;
    try {
        large = by_memory();
    } catch (const std::exception& error) {  // not even for their order: any of them, then
        reactor_.count_failure(error);
        for (std::size_t i = 0; i < connections_.size() && freed < bytes; ++i) {
            WsConnection* connection = connections_[i];
            const std::size_t memory = connection != nullptr ? connection->memory() : 0;
            if (memory >= kMinShedBytes) {
                shed_one(memory, *connection);
            }
        }
    }
    for (const auto& [memory, connection] : large) {
        shed_one(memory, *connection);
    }
}

void PusherClients::send_to(std::span<const Slot> subscribers, const SlabRange& frames, std::size_t count,
                            std::optional<Slot> excluded) {
    if (deflating_ > 0) {
        send_deflated_to(subscribers, frames, count, excluded);
        return;
    }
    WsConnection* const* const connections = connections_.data();
    const Slot* const end = subscribers.data() + subscribers.size();
    const Slot* ahead = subscribers.data() + std::min(subscribers.size(), kFetchAhead);
    for (const Slot* slot = subscribers.data(); slot != end; ++slot) {
        if (ahead != end) {
            connections[(ahead++)->value]->fetch();
        }
        if (*slot != excluded) {
            connections[slot->value]->send(frames, count);
        }
    }
}

void PusherClients::send_deflated_to(std::span<const Slot> subscribers, const SlabRange& frames, std::size_t count,
                                     std::optional<Slot> excluded) {
    std::optional<SlabRange> deflated;
    for (const Slot slot : subscribers) {
        if (slot == excluded) {
            continue;
        }
        WsConnection& connection = *connections_[slot.value];
        if (!connection.is_deflating()) {
            connection.send(frames, count);
            continue;
        }
        if (!deflated) {
            deflated = deflater_.deflate(frames, reactor_.arena());
        }
        connection.send(*deflated, count);
    }
}

void PusherClients::broadcast(std::string_view channel, const EventBody& body) {
    const std::span<const Slot> subscribers = channels_.confirmed(channel);
    if (!subscribers.empty()) {
        send_to(subscribers, frame_of(channel, pusher::EventTail(body)), 1, std::nullopt);
    }
}

void PusherClients::tell_gap(std::string_view channel, std::uint64_t missing) {
    const std::span<const Slot> subscribers = channels_.confirmed(channel);
    if (subscribers.empty()) {
        return;
    }
    const App* app = apps_.find_by_id(app_of_key(channel));
    if (app != nullptr && app->on_gap == GapPolicy::kClose) {
        close_for_gap({subscribers.begin(), subscribers.end()});
        return;
    }
    reactor_.counters().gaps_told_total.add(subscribers.size());
    broadcast(channel, pusher::gap_body(missing));
    ask_last_event(channel);
}

void PusherClients::close_for_gap(std::vector<Slot> subscribers) {
    for (const Slot slot : subscribers) {
        if (Client* client = find(slot)) {
            pusher::SessionEffects effects;
            client->session.on_loss(effects);
            reactor_.counters().gap_closes_total.add(effects.empty() ? 0 : 1);
            run(*client, effects);
        }
    }
}

void PusherClients::on_gap(const mesh::Gap& gap) {
    if (!gap.channel.empty()) {
        tell_gap(gap.channel, gap.missing);
        return;
    }
    for (const ChannelCount& channel : channels_.list({})) {
        tell_gap(channel.channel, gap.missing);
    }
}

}  // namespace tulle::node
