#include "node/core/app_webhooks.hpp"
#include "node/core/channel_name.hpp"
#include "node/io/pusher_clients.hpp"
#include "node/protocol/pusher/webhook_body.hpp"

/// What the clients' doings are for webhooks and for counting subscriptions.
namespace tulle::node {

void PusherClients::watch(const App& app, std::string_view key) {
    if (app.subscription_count || !app.webhooks.empty()) {
        duties_.mark_channel(key);
    }
}

void PusherClients::watch_all_of(Slot slot) {
    if (const Client* client = find(slot)) {
        for (const std::string_view key : channels_.keys_of(slot)) {
            watch(client->session.app(), key);
        }
    }
}

void PusherClients::watch_member(std::string_view key, std::string_view user) {
    const auto app = apps_.find_by_id(app_of_key(key));
    if (app != nullptr && !app->webhooks.empty()) {
        duties_.mark_member(key, user);
    }
}

void PusherClients::tell_duties() {
    std::vector<TellDuty> changes;
    duties_.flush(apps_, channels_, rooms_, changes);
    for (TellDuty& change : changes) {
        if (!is_draining_) {  // else whoever is disconnected now will be back elsewhere
            hub_.send(
                mesh::DutyCount{std::move(change.key), std::move(change.item), change.count, std::move(change.card)});
        }
    }
}

void PusherClients::on_client_event(const Client& client, const pusher::PublishClientEvent& event) {
    const App& app = client.session.app();
    if (has_webhook_for(app, WebhookEvent::kClientEvent, event.channel)) {
        perform(app, WebhookEvent::kClientEvent, event.channel,
                pusher::client_event_hook(event.channel, client.session.socket_id(), event.body));
    }
}

void PusherClients::tell_cache_miss(std::string_view key) {
    const auto app = apps_.find_by_id(app_of_key(key));
    const std::string_view channel = channel_of_key(key);
    if (app != nullptr && has_webhook_for(*app, WebhookEvent::kCacheMiss, channel)) {
        perform(*app, WebhookEvent::kCacheMiss, channel, pusher::cache_miss_hook(channel));
    }
}

void PusherClients::perform(const App& app, WebhookEvent event, std::string_view channel, const std::string& json) {
    hub_.send(mesh::DutyTask{channel_key(app.id, channel), share(pusher::encode(pusher::WebhookTask{event, json}))});
}

}  // namespace tulle::node
