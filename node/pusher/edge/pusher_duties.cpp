#include "node/pusher/edge/pusher_duties.hpp"

#include <utility>
#include <vector>

#include "node/pusher/core/app_webhooks.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/wire/webhook_body.hpp"

namespace tulle::node {
namespace {

/// A cheap test for the usual app without either; DutyReport decides exactly.
bool may_watch_channels(const App& app) {
    return app.subscription_count || !app.webhooks.empty();
}

}  // namespace

bool PusherDuties::may_watch_members(std::string_view channel) const {
    const auto app = apps_.find_by_id(app_of_key(channel));
    return app != nullptr && !app->webhooks.empty();
}

void PusherDuties::watch(const App& app, std::string_view channel) {
    if (may_watch_channels(app)) {
        report_.mark_channel(channel);
    }
}

void PusherDuties::watch_member(std::string_view channel, std::string_view user) {
    if (may_watch_members(channel)) {
        report_.mark_member(channel, user);
    }
}

void PusherDuties::watch_leaving(const App& app, std::string_view channel, bool is_counted) {
    if (leaves_.mode() != LeaveMode::kAfterGrace || !is_counted) {
        watch(app, channel);
    } else if (may_watch_channels(app)) {
        report_.hold(channel);
        reactor_.wake_at(leavings_.push(reactor_.now(), {std::string(channel), {}}));
    }
}

void PusherDuties::watch_leaving_member(std::string_view channel, std::string_view user) {
    if (leaves_.mode() != LeaveMode::kAfterGrace) {
        watch_member(channel, user);
    } else if (may_watch_members(channel)) {
        report_.hold_member(channel, user);
        reactor_.wake_at(leavings_.push(reactor_.now(), {std::string(channel), std::string(user)}));
    }
}

void PusherDuties::tell(const ChannelTable& channels, const PresenceRooms& rooms) {
    leavings_.take_due(reactor_.now(), [this](const Leaving& leaving) {
        if (leaving.user.empty()) {
            report_.release(leaving.channel);
        } else {
            report_.release_member(leaving.channel, leaving.user);
        }
    });
    if (const std::optional<Instant> next = leavings_.next()) {
        reactor_.wake_at(*next);
    }
    std::vector<TellDuty> changes;
    report_.flush(apps_, channels, rooms, changes);
    for (TellDuty& change : changes) {
        // The report is flushed in each mode, so that marks do not pile up.
        if (leaves_.mode() != LeaveMode::kNever) {
            hub_.send(
                mesh::DutyCount{std::move(change.key), std::move(change.item), change.count, std::move(change.card)});
        }
    }
}

void PusherDuties::on_client_event(const App& app, const std::string& socket_id,
                                   const pusher::PublishClientEvent& event) {
    if (has_webhook_for(app, WebhookEvent::kClientEvent, event.channel)) {
        perform(app, WebhookEvent::kClientEvent, event.channel,
                pusher::client_event_hook(event.channel, socket_id, event.body));
    }
}

void PusherDuties::on_cache_miss(std::string_view channel) {
    const auto app = apps_.find_by_id(app_of_key(channel));
    const std::string_view name = channel_of_key(channel);
    if (app != nullptr && has_webhook_for(*app, WebhookEvent::kCacheMiss, name)) {
        perform(*app, WebhookEvent::kCacheMiss, name, pusher::cache_miss_hook(name));
    }
}

void PusherDuties::perform(const App& app, WebhookEvent event, std::string_view name, const std::string& json) {
    hub_.send(mesh::DutyTask{channel_key(app.id, name), share(pusher::encode(pusher::WebhookTask{event, json}))});
}

}  // namespace tulle::node
