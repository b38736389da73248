#include "node/pusher/core/app_webhooks.hpp"

#include <gtest/gtest.h>

namespace tulle::node::app_webhooks_test {
namespace {

Webhook hook(const std::string& url, const std::string& starts = {}, const std::string& ends = {}) {
    Webhook webhook;
    webhook.url = url;
    webhook.channel_name_starts_with = starts;
    webhook.channel_name_ends_with = ends;
    return webhook;
}

App app_with(std::vector<Webhook> webhooks) {
    App app;
    app.id = "app";
    app.webhooks = std::move(webhooks);
    return app;
}

TEST(AppWebhooks, NamesOfEventsGoThereAndBack) {
    for (std::size_t i = 0; i < kWebhookEvents; ++i) {
        const auto event = static_cast<WebhookEvent>(i);
        EXPECT_EQ(webhook_event_of(name_of(event)), event);
    }
    EXPECT_EQ(webhook_event_of("channel"), std::nullopt);
}

TEST(AppWebhooks, EachWebhookWhoseFiltersMatchIsTold) {
    const App app = app_with({hook("u", "private-"), hook("u", {}, "-foo"), hook("u", "private-", "-foo")});
    const auto endpoints = [&app](const char* channel) {
        return endpoints_for(app, WebhookEvent::kChannelOccupied, channel);
    };
    EXPECT_EQ(endpoints("private-x"), (std::vector<EndpointId>{{"app", "u", 0}}));
    EXPECT_EQ(endpoints("x-foo"), (std::vector<EndpointId>{{"app", "u", 1}}));
    EXPECT_EQ(endpoints("private-x-foo"), (std::vector<EndpointId>{{"app", "u", 0}, {"app", "u", 1}, {"app", "u", 2}}));
    EXPECT_TRUE(endpoints("x").empty());
}

TEST(AppWebhooks, OnlyTheEventsOfAWebhookAreToldOf) {
    Webhook webhook = hook("u");
    webhook.events.reset();
    webhook.events.set(static_cast<std::size_t>(WebhookEvent::kMemberRemoved));
    const App app = app_with({webhook});
    EXPECT_TRUE(has_webhook_for(app, WebhookEvent::kMemberRemoved, "presence-x"));
    EXPECT_FALSE(has_webhook_for(app, WebhookEvent::kMemberAdded, "presence-x"));
    EXPECT_TRUE(watches_members(app, "presence-x"));
    EXPECT_FALSE(watches_members(app, "x"));
    EXPECT_FALSE(watches_channel(app, "presence-x"));
}

TEST(AppWebhooks, ChannelsOfTheServersOwnAreNobodysBusiness) {
    App app = app_with({hook("u")});
    app.subscription_count = true;
    EXPECT_FALSE(watches_channel(app, "#server-to-user-7"));
    EXPECT_FALSE(has_webhook_for(app, WebhookEvent::kChannelOccupied, "#server-to-user-7"));
    EXPECT_FALSE(tells_subscriptions(app, "#server-to-user-7"));
}

TEST(AppWebhooks, SubscribersAreCountedForClientsOrForAWebhookButNotOfPresenceChannels) {
    App app = app_with({});
    EXPECT_FALSE(counts_subscriptions(app, "x"));
    app.subscription_count = true;
    EXPECT_TRUE(counts_subscriptions(app, "x"));
    EXPECT_TRUE(tells_subscriptions(app, "x"));
    EXPECT_FALSE(counts_subscriptions(app, "presence-x"));
    app.subscription_count = false;
    app.webhooks = {hook("u")};
    EXPECT_TRUE(counts_subscriptions(app, "x"));
    EXPECT_FALSE(tells_subscriptions(app, "x"));
    EXPECT_FALSE(counts_subscriptions(app, "presence-x"));
    EXPECT_TRUE(watches_channel(app, "presence-x"));
}

TEST(AppWebhooks, AnEndpointIsFoundByItsUrlAndItsPlaceAmongThose) {
    const App app = app_with({hook("a"), hook("b", "1"), hook("b", "2")});
    EXPECT_EQ(find_webhook(app, {"app", "b", 1})->channel_name_starts_with, "2");
    EXPECT_EQ(find_webhook(app, {"app", "b", 2}), nullptr);
    EXPECT_EQ(find_webhook(app, {"app", "c", 0}), nullptr);
}

}  // namespace
}  // namespace tulle::node::app_webhooks_test
