#include <utility>

#include "mesh/base/overloaded.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/edge/pusher_clients.hpp"
#include "node/pusher/wire/codec.hpp"
#include "node/pusher/wire/event_frame.hpp"

// The subscriptions of the clients, from the wish to the end.
namespace tulle::node {

void PusherClients::enter(PusherClient& client, const pusher::Subscribe& wanted) {
    const Slot slot = client.connection->slot();
    const std::string channel = channel_key(client.session.app().id, wanted.channel);
    // A presence channel: the client brings a user.
    if (wanted.member) {
        // The room must know the user before the confirmation asks for the admission.
        presence_.rooms().enter(slot, channel, *wanted.member);
    }
    // Of a subscription that stands or waits already the history is on its way, or has come.
    const bool is_new = !channels_.is_known(slot, channel);
    const bool is_held = wanted.history && is_new;
    if (is_new && !history_.is_idle()) {
        // The wish of a subscription before whose user was turned away.
        history_.forget(slot, channel);
    }
    if (is_held) {
        const HistoryRule* rule =
            user_of_channel(wanted.channel) ? nullptr : rule_for(client.session.app().history, wanted.channel);
        history_.want(slot, channel, *wanted.history, rule, client.connection->limits().outbox.max_bytes);
    }
    ChannelEffects changes;
    channels_.subscribe(slot, channel, needs_of(wanted.channel), changes, is_held);
    run(changes);
}

void PusherClients::leave(Slot slot, const std::string& channel) noexcept {
    if (const PusherClient* client = find(slot)) {
        duties_.watch_leaving(client->session.app(), channel, channels_.is_confirmed(slot, channel));
    }
    PresenceEffects departures;
    // The room is left before the channel, as the room's effects refer to the channel.
    presence_.rooms().leave(slot, channel, departures);
    presence_.run(departures);
    history_.forget(slot, channel);
    ChannelEffects changes;
    channels_.unsubscribe(slot, channel, changes);
    run(changes);
}

void PusherClients::forget_histories(Slot slot) {
    // Usually no subscription waits for a history.
    if (!history_.is_idle()) {
        for (const std::string_view key : channels_.keys_of(slot)) {
            history_.forget(slot, key);
        }
        history_.forget_wishes(slot);
    }
}

void PusherClients::admit(Slot slot, const std::string& channel) {
    if (!history_.ask(slot, channel)) {
        ChannelEffects changes;
        channels_.admit(slot, channel, changes);
        run(changes);
    }
}

void PusherClients::on_resumed(mesh::Resumed& answer) {
    if (const auto subscription = history_.on_resumed(answer)) {
        ChannelEffects changes;
        channels_.admit(subscription->first, subscription->second, changes);
        run(changes);
    }
}

void PusherClients::confirm(const Confirm& confirmed) {
    if (PusherClient* client = find(confirmed.slot)) {
        duties_.watch(client->session.app(), confirmed.channel);
        const std::string_view name = channel_of_key(confirmed.channel);
        const std::optional<PusherHistory::Replay> history = history_.take(confirmed.slot, confirmed.channel);
        pusher::SessionEffects answer;
        client->session.on_subscribed(name, presence_.rooms().users(confirmed.channel), answer,
                                      history ? pusher::render_history_answer(history->told) : std::string());
        run(*client, answer);
        if (history) {
            for (const mesh::HistoryItem& item : history->items) {
                const std::string id = pusher::id_of({item.stamp.time_us, item.stamp.origin});
                client->connection->send_text(pusher::event_frame(name, *item.body, id));
            }
            count(*history);
        }
        replay(*client, confirmed.channel, history ? &*history : nullptr);
        // The client's own channel is confirmed: events for the user reach the client from here on.
        if (user_of_channel(channel_of_key(confirmed.channel))) {
            users_.on_reachable(confirmed.slot);
        }
    }
}

void PusherClients::count(const PusherHistory::Replay& history) {
    ShardCounters& counters = reactor_.counters();
    counters.events_replayed_total.add(history.items.size());
    if (history.told.is_resumed) {
        (history.told.reason.empty() ? counters.resumes_recovered_total : counters.resumes_unrecovered_total).add();
    }
}

void PusherClients::replay(PusherClient& client, const std::string& channel, const PusherHistory::Replay* history) {
    const std::string_view name = channel_of_key(channel);
    if (!classify(name).cache) {
        return;
    }
    const std::optional<EventStamp> stamp = cached_.last_stamp(channel);
    if (history != nullptr && stamp && history->has({stamp->time_us, stamp->origin})) {
        return;
    }
    const SharedBody body = cached_.last(channel);
    // Bytes of another protocol may be too long as JSON: such an event is a miss for Pusher clients.
    if (body != nullptr && PusherDelivery::fits(pusher::EventTail(*body))) {
        client.connection->send_text(pusher::event_frame(name, *body));
    } else {
        client.connection->send_text(pusher::cache_miss(name));
        reactor_.counters().cache_misses_total.add();
        // Only here each new subscriber without an event is known, exactly once.
        duties_.on_cache_miss(channel);
    }
}

void PusherClients::on_subscribed(const mesh::Subscribed& answer) {
    // The channel of a signed-in user belongs to PusherUsers.
    if (user_of_online_key(answer.channel)) {
        users_.on_subscribed(answer);
        return;
    }
    ChannelEffects effects;
    const bool is_confirmation = channels_.on_subscribed(answer.channel, answer.generation, effects);
    cached_.learn(answer, is_confirmation);
    if (!is_confirmation) {
        return;
    }
    // The list must be known before the effects admit clients and tell them the list.
    presence_.on_listed(answer);
    run(effects);
}

}  // namespace tulle::node
