#include "node/pusher/core/duty_report.hpp"
#include "node/pusher/core/channel_name.hpp"

#include <utility>

#include <gtest/gtest.h>

namespace tulle::node::duty_report_test {
namespace {

using Duties = std::vector<TellDuty>;
constexpr Slot kA{1};
constexpr Slot kB{2};
const std::string kRoom = "app/presence-r";

AppTable table(bool subscription_count, bool has_webhook) {
    App app;
    app.id = "app";
    app.subscription_count = subscription_count;
    if (has_webhook) {
        Webhook webhook;
        webhook.url = "http://a";
        webhook.events.reset(static_cast<std::size_t>(WebhookEvent::kSubscriptionCount));
        app.webhooks.push_back(webhook);
    }
    return AppTable({app});
}

class DutyReportTest : public ::testing::Test {
protected:
    void subscribe(Slot slot, const std::string& key) {
        ChannelEffects effects;
        channels.subscribe(slot, key, needs_of(channel_of_key(key)), effects);
        for (const ChannelEffect& effect : effects) {
            if (const auto* first = std::get_if<SubscribeHub>(&effect)) {
                ChannelEffects answers;
                channels.on_subscribed(key, first->generation, answers);
            }
        }
        report.mark_channel(key);
    }
    void unsubscribe(Slot slot, const std::string& key) {
        ChannelEffects effects;
        channels.unsubscribe(slot, key, effects);
        report.mark_channel(key);
    }
    void enter(Slot slot, const std::string& user) {
        rooms.enter(slot, kRoom, {user, "card of " + user});
        rooms.on_listed(kRoom, {});
        PresenceEffects effects;
        rooms.ask(slot, kRoom, effects);
        rooms.on_joined(std::get<JoinHub>(effects[0]).id, effects);
        report.mark_member(kRoom, user);
    }
    Duties flush(const AppTable& apps) {
        Duties out;
        report.flush(apps, channels, rooms, out);
        return out;
    }

    ChannelTable channels;
    PresenceRooms rooms;
    DutyReport report;
    const AppTable counting = table(true, false);
    const AppTable hooked = table(false, true);
    const AppTable plain = table(false, false);
};

TEST_F(DutyReportTest, CountsSubscribersWhenSomebodyWantsTheirNumber) {
    subscribe(kA, "app/x");
    subscribe(kB, "app/x");
    EXPECT_EQ(flush(counting), (Duties{{"app/x", "", 2, nullptr}}));
    unsubscribe(kA, "app/x");
    EXPECT_EQ(flush(counting), (Duties{{"app/x", "", 1, nullptr}}));
    unsubscribe(kB, "app/x");
    EXPECT_EQ(flush(counting), (Duties{{"app/x", "", 0, nullptr}}));
    EXPECT_EQ(flush(counting), Duties{});
}

TEST_F(DutyReportTest, TellsOnlyWhetherThereAreAnyWhenNobodyWantsTheirNumber) {
    subscribe(kA, "app/x");
    EXPECT_EQ(flush(hooked), (Duties{{"app/x", "", 1, nullptr}}));
    subscribe(kB, "app/x");
    EXPECT_EQ(flush(hooked), Duties{});
    unsubscribe(kA, "app/x");
    unsubscribe(kB, "app/x");
    EXPECT_EQ(flush(hooked), (Duties{{"app/x", "", 0, nullptr}}));
}

TEST_F(DutyReportTest, WhatIsLeftAndEnteredWithinATurnHasNotChanged) {
    subscribe(kA, "app/x");
    flush(counting);
    unsubscribe(kA, "app/x");
    subscribe(kB, "app/x");
    EXPECT_EQ(flush(counting), Duties{});
}

TEST_F(DutyReportTest, TellsNothingOfAppsThatDoNotWantIt) {
    subscribe(kA, "app/x");
    subscribe(kA, "other/x");
    subscribe(kA, "app/#server-to-user-1");
    EXPECT_EQ(flush(plain), Duties{});
    EXPECT_EQ(flush(counting), Duties{});
}

TEST_F(DutyReportTest, TellsUsersThatTheHubHasTakenInWithTheirCards) {
    enter(kA, "u");
    EXPECT_EQ(flush(hooked), (Duties{{kRoom, "uu", 1, share("card of u")}}));
    PresenceEffects effects;
    rooms.leave(kA, kRoom, effects);
    report.mark_member(kRoom, "u");
    EXPECT_EQ(flush(hooked), (Duties{{kRoom, "uu", 0, share("card of u")}}));
    EXPECT_EQ(user_of_duty_item("uu"), "u");
    EXPECT_EQ(user_of_duty_item(""), "");
}

TEST_F(DutyReportTest, AUserThatTheHubHasNotTakenInIsNotThere) {
    rooms.enter(kA, kRoom, {"u", "card"});
    report.mark_member(kRoom, "u");
    EXPECT_EQ(flush(hooked), Duties{});
}

TEST_F(DutyReportTest, WhenTheAppsChangeAllIsLookedAtAnew) {
    subscribe(kA, "app/x");
    subscribe(kB, "app/x");
    enter(kA, "u");
    flush(plain);
    report.mark_all(channels, rooms);
    EXPECT_EQ(flush(hooked), (Duties{{"app/x", "", 1, nullptr}, {kRoom, "uu", 1, share("card of u")}}));
    report.mark_all(channels, rooms);
    EXPECT_EQ(flush(counting), (Duties{{"app/x", "", 2, nullptr}, {kRoom, "uu", 0, share("card of u")}}));
    report.mark_all(channels, rooms);
    EXPECT_EQ(flush(plain), (Duties{{"app/x", "", 0, nullptr}}));
}

}  // namespace
}  // namespace tulle::node::duty_report_test
