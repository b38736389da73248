#include <string>

#include "node/core/channel_name.hpp"
#include "node/io/pusher_clients.hpp"
#include "node/protocol/pusher/codec.hpp"
#include "node/protocol/pusher/event_frame.hpp"

namespace tulle::node {

namespace {

constexpr std::uint64_t kAskGeneration = 0;  // no subscription of the table has it, so that the answer confirms none

LastEvent last_event(const mesh::KeptEvent& kept) {
    return {{kept.stamp.time_us, kept.stamp.origin}, kept.body, kept.until};
}

}  // namespace

static_assert(kMaxCacheTtl <= mesh::kMaxKeepFor);

void PusherClients::learn_last_event(const mesh::Subscribed& answer, bool is_confirmation) {
    if (answer.last && is_confirmation) {
        last_events_.on_confirmed(answer.channel, last_event(*answer.last));
    } else if (answer.last) {
        last_events_.on_found(answer.channel, last_event(*answer.last));
    }
}

void PusherClients::ask_last_event(std::string_view channel) {
    if (classify(channel_of_key(channel)).cache) {
        hub_.send(mesh::Subscribe{std::string(channel), kAskGeneration, false, true});
    }
}

void PusherClients::on_last_event(std::string_view channel, const mesh::KeptEvent& event) {
    last_events_.on_found(channel, last_event(event));
}

bool PusherClients::keep(const mesh::Record& record, std::size_t index) {
    return last_events_.on_delivered(
        record.channels[index],
        {{record.stamp.time_us, record.stamp.origin}, record.body, reactor_.now() + record.keep_for});
}

void PusherClients::replay(Client& client, const std::string& channel) {
    const std::string_view name = channel_of_key(channel);
    if (!classify(name).cache) {
        return;
    }
    const SharedBody body = last_events_.last(channel, reactor_.now());
    if (body != nullptr && fits(pusher::EventTail(*body))) {
        client.connection->send_text(pusher::event_frame(name, *body));
    } else {
        client.connection->send_text(pusher::cache_miss(name));
        on_cache_miss(channel);
    }
}

void PusherClients::on_cache_miss(const std::string& channel) {
    reactor_.counters().cache_misses_total.add();
    tell_cache_miss(channel);
}

}  // namespace tulle::node
