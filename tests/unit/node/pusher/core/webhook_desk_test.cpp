#include "node/pusher/core/webhook_desk.hpp"

#include <tuple>
#include <utility>

#include <gtest/gtest.h>

namespace tulle::node::webhook_desk_test {
namespace {

constexpr Instant kStart{1000s};
constexpr Duration kVacated = 3s;
constexpr Duration kRemoved = 2s;
const EndpointId kEndpoint{"app", "http://a", 0};

App app_with(std::vector<std::string> urls) {
    App app;
    app.id = "app";
    for (std::string& url : urls) {
        Webhook webhook;
        webhook.url = std::move(url);
        webhook.events.reset(static_cast<std::size_t>(WebhookEvent::kSubscriptionCount));
        app.webhooks.push_back(std::move(webhook));
    }
    return app;
}

App counting_app() {
    App app = app_with({"http://a"});
    app.webhooks[0].events.set();
    return app;
}

Happening channel(WebhookEvent event, std::uint64_t count = 0) {
    return {event, "x", {}, nullptr, count, nullptr};
}

class WebhookDeskTest : public ::testing::Test {
protected:
    WebhookEffects changed(Instant now, std::uint64_t token, std::uint64_t told, std::uint64_t count,
                           SharedBytes behind = nullptr) {
        desk.on_changed(now, {token, "app/x", {}, nullptr, told, count, std::move(behind)}, out);
        return take();
    }
    WebhookEffects user(Instant now, std::uint64_t token, std::uint64_t told, std::uint64_t count, SharedBytes card) {
        desk.on_changed(now, {token, "app/presence-r", "u", std::move(card), told, count}, out);
        return take();
    }
    WebhookEffects settled(std::uint64_t id) { return settled(kStart, id); }
    WebhookEffects settled(Instant now, std::uint64_t id, EventEnd end = EventEnd::kTaken) {
        desk.on_settled(now, {id, end}, out);
        return take();
    }
    WebhookEffects wait_until(Instant now) {
        desk.on_deadline(now, out);
        return take();
    }
    WebhookEffects take() { return std::exchange(out, {}); }

    WebhookEffects out;
    WebhookDesk desk{AppTable({app_with({"http://a"})}), kVacated, kRemoved};
};

TEST_F(WebhookDeskTest, AChannelIsOccupiedAtOnceAndDoneWhenItsEndpointHasTakenIt) {
    EXPECT_EQ(changed(kStart, 7, 0, 1),
              (WebhookEffects{TellEndpoints{{{1, kEndpoint}}, channel(WebhookEvent::kChannelOccupied)}}));
    EXPECT_EQ(settled(2), WebhookEffects{});
    EXPECT_EQ(settled(1), (WebhookEffects{SettleDuty{7, 1}}));
    EXPECT_EQ(settled(1), WebhookEffects{});
}

TEST_F(WebhookDeskTest, EveryEndpointMustHaveTakenIt) {
    desk.set_apps(AppTable({app_with({"http://a", "http://b"})}));
    const EndpointId other{"app", "http://b", 0};
    EXPECT_EQ(changed(kStart, 7, 0, 1),
              (WebhookEffects{TellEndpoints{{{1, kEndpoint}, {2, other}}, channel(WebhookEvent::kChannelOccupied)}}));
    EXPECT_EQ(settled(2), WebhookEffects{});
    EXPECT_EQ(settled(1), (WebhookEffects{SettleDuty{7, 1}}));
}

TEST_F(WebhookDeskTest, AVacatedChannelIsHeld) {
    EXPECT_EQ(changed(kStart, 7, 1, 0), WebhookEffects{});
    EXPECT_EQ(desk.next_deadline(), kStart + kVacated);
    EXPECT_EQ(wait_until(kStart + kVacated - 1ns), WebhookEffects{});
    EXPECT_EQ(wait_until(kStart + kVacated),
              (WebhookEffects{TellEndpoints{{{1, kEndpoint}}, channel(WebhookEvent::kChannelVacated)}}));
    EXPECT_EQ(desk.next_deadline(), std::nullopt);
    EXPECT_EQ(settled(1), (WebhookEffects{SettleDuty{7, 0}}));
}

TEST_F(WebhookDeskTest, AVacatedChannelThatIsOccupiedAgainWasNeverVacated) {
    changed(kStart, 7, 1, 0);
    EXPECT_EQ(changed(kStart + 2s, 7, 1, 1), (WebhookEffects{SettleDuty{7, 1}}));
    EXPECT_EQ(desk.next_deadline(), std::nullopt);
    EXPECT_EQ(wait_until(kStart + 60s), WebhookEffects{});
}

TEST_F(WebhookDeskTest, TheHoldBeginsWithTheLastDeparture) {
    changed(kStart, 7, 1, 0);
    changed(kStart + 1s, 7, 1, 0);
    EXPECT_EQ(desk.next_deadline(), kStart + kVacated) << "the same departure, told again";
    changed(kStart + 2s, 7, 1, 1);
    changed(kStart + 2s, 8, 1, 0);
    EXPECT_EQ(desk.next_deadline(), kStart + 2s + kVacated);
}

TEST_F(WebhookDeskTest, AChannelThatCameAndWentBeforeAnythingWasToldIsNotToldOf) {
    EXPECT_EQ(changed(kStart, 7, 0, 0), (WebhookEffects{SettleDuty{7, 0}}));
}

TEST_F(WebhookDeskTest, WhatChangesWhileItIsToldIsToldThereafter) {
    changed(kStart, 7, 0, 1);
    EXPECT_EQ(changed(kStart + 1s, 7, 0, 0), WebhookEffects{});
    EXPECT_EQ(settled(kStart + 2s, 1), WebhookEffects{});
    EXPECT_EQ(desk.next_deadline(), kStart + 1s + kVacated) << "the hold begins with the departure";
    EXPECT_EQ(wait_until(kStart + 1s + kVacated),
              (WebhookEffects{TellEndpoints{{{2, kEndpoint}}, channel(WebhookEvent::kChannelVacated)}}));
    EXPECT_EQ(settled(2), (WebhookEffects{SettleDuty{7, 0}}));
}

TEST_F(WebhookDeskTest, WhatIsHeldWhenItIsRevokedHasNotBeenTold) {
    changed(kStart, 7, 1, 0);
    desk.on_revoked(7, out);
    EXPECT_EQ(take(), (WebhookEffects{SettleDuty{7, 0, DutyEnd::kDropped}}));
    EXPECT_EQ(wait_until(kStart + kVacated), WebhookEffects{});
    desk.on_revoked(7, out);
    EXPECT_EQ(take(), WebhookEffects{}) << "it has crossed the answer";
}

TEST_F(WebhookDeskTest, WhatEndpointsAreBeingToldWhenItIsRevokedIsDroppedAndItsEndSaysWhatTheyKnow) {
    using End = EventEnd;
    using Outcome = DutyEnd;
    const EndpointId other{"app", "http://b", 0};
    const std::vector<std::tuple<End, End, Outcome, std::uint64_t>> cases{
        {End::kDropped, End::kDropped, Outcome::kDropped, 0},
        {End::kTaken, End::kTaken, Outcome::kTold, 1},
        {End::kTaken, End::kDropped, Outcome::kPartly, 1},
        {End::kDoubtful, End::kDropped, Outcome::kPartly, 0},
        {End::kDoubtful, End::kDoubtful, Outcome::kUnknown, 0}};
    desk.set_apps(AppTable({app_with({"http://a", "http://b"})}));
    std::uint64_t id = 0;
    std::uint64_t token = 0;
    for (const auto& [first, second, outcome, told] : cases) {
        changed(kStart, ++token, 0, 1);
        desk.on_revoked(token, out);
        EXPECT_EQ(take(), (WebhookEffects{DropEvents{{{id + 1, kEndpoint}, {id + 2, other}}}}));
        EXPECT_EQ(settled(kStart, ++id, first), WebhookEffects{});
        const WebhookEffects effects = settled(kStart, ++id, second);
        ASSERT_EQ(effects.size(), 1u);
        const auto& last = std::get<SettleDuty>(effects[0]);
        EXPECT_EQ(std::tie(last.token, last.end, last.told), std::tie(token, outcome, told));
        EXPECT_EQ(last.behind.size(), outcome == Outcome::kPartly ? 8u : 0u);
    }
}

TEST_F(WebhookDeskTest, ALeavingNodeTellsNothingAndAnswersWhenItIsRevoked) {
    changed(kStart, 7, 1, 0);
    desk.stop();
    EXPECT_EQ(desk.next_deadline(), std::nullopt);
    EXPECT_EQ(wait_until(kStart + kVacated), WebhookEffects{}) << "another node tells it";
    EXPECT_EQ(changed(kStart, 9, 0, 1), WebhookEffects{});
    desk.on_revoked(7, out);
    desk.on_revoked(9, out);
    EXPECT_EQ(take(), (WebhookEffects{SettleDuty{7, 0, DutyEnd::kDropped}, SettleDuty{9, 0, DutyEnd::kDropped}}));
}

TEST_F(WebhookDeskTest, TheLastNodeTellsAtOnceWhatItHeldAndAllThatComes) {
    changed(kStart, 7, 1, 0);
    desk.stop();
    changed(kStart, 9, 0, 1);
    desk.speak_last(kStart + 1s, out);
    EXPECT_EQ(take(), (WebhookEffects{TellEndpoints{{{1, kEndpoint}}, channel(WebhookEvent::kChannelVacated)},
                                      TellEndpoints{{{2, kEndpoint}}, channel(WebhookEvent::kChannelOccupied)}}));
    EXPECT_EQ(desk.next_deadline(), std::nullopt);
    EXPECT_EQ(settled(1), (WebhookEffects{SettleDuty{7, 0}}));
    EXPECT_EQ(user(kStart + 1s, 11, 1, 0, share("card")).size(), 1u);
    desk.stop();
    EXPECT_EQ(changed(kStart + 2s, 13, 1, 0).size(), 1u) << "which it stays";
}

TEST_F(WebhookDeskTest, WhatTheLastNodeHasToTellNobodyIsDoneAtOnce) {
    desk.stop();
    desk.on_changed(kStart, {7, "gone/x", {}, nullptr, 1, 0}, out);
    EXPECT_EQ(take(), WebhookEffects{});
    desk.speak_last(kStart, out);
    EXPECT_EQ(take(), (WebhookEffects{SettleDuty{7, 0}}));
}

TEST_F(WebhookDeskTest, UsersComeAtOnceAndGoAfterTheirHold) {
    const SharedBytes card = share("card");
    EXPECT_EQ(user(kStart, 7, 0, 1, card),
              (WebhookEffects{
                  TellEndpoints{{{1, kEndpoint}}, {WebhookEvent::kMemberAdded, "presence-r", "u", card, 0, nullptr}}}));
    settled(1);
    EXPECT_EQ(user(kStart, 8, 1, 2, card), (WebhookEffects{SettleDuty{8, 2}})) << "a second connection of the user";
    user(kStart, 9, 2, 0, card);
    EXPECT_EQ(wait_until(kStart + kRemoved),
              (WebhookEffects{TellEndpoints{{{2, kEndpoint}},
                                            {WebhookEvent::kMemberRemoved, "presence-r", "u", card, 0, nullptr}}}));
}

TEST_F(WebhookDeskTest, AUserThatComesBackInTimeHasNotLeft) {
    user(kStart, 7, 1, 0, share("card"));
    EXPECT_EQ(user(kStart + 1s, 7, 1, 1, share("card")), (WebhookEffects{SettleDuty{7, 1}}));
}

TEST_F(WebhookDeskTest, TheCardOfALeaverIsRemembered) {
    const SharedBytes card = share("card");
    user(kStart, 7, 1, 0, card);
    user(kStart + 1s, 7, 1, 0, nullptr);
    const WebhookEffects effects = wait_until(kStart + kRemoved);
    ASSERT_EQ(effects.size(), 1u);
    EXPECT_EQ(std::get<TellEndpoints>(effects[0]).what.card, card);
}

TEST_F(WebhookDeskTest, NumbersAreToldWithWhatTheyMean) {
    desk.set_apps(AppTable({counting_app()}));
    EXPECT_EQ(changed(kStart, 7, 0, 2),
              (WebhookEffects{TellEndpoints{{{1, kEndpoint}}, channel(WebhookEvent::kChannelOccupied)},
                              TellEndpoints{{{2, kEndpoint}}, channel(WebhookEvent::kSubscriptionCount, 2)}}));
    settled(1);
    EXPECT_EQ(settled(2), (WebhookEffects{SettleDuty{7, 2}}));
    EXPECT_EQ(changed(kStart, 8, 2, 3),
              (WebhookEffects{TellEndpoints{{{3, kEndpoint}}, channel(WebhookEvent::kSubscriptionCount, 3)}}));
    settled(3);
    changed(kStart, 9, 3, 0);
    EXPECT_EQ(wait_until(kStart + kVacated),
              (WebhookEffects{TellEndpoints{{{4, kEndpoint}}, channel(WebhookEvent::kSubscriptionCount, 0)},
                              TellEndpoints{{{5, kEndpoint}}, channel(WebhookEvent::kChannelVacated)}}));
}

TEST_F(WebhookDeskTest, TheNumberOfACrowdedChannelIsToldOnceInAWhile) {
    desk.set_apps(AppTable({counting_app()}));
    changed(kStart, 7, 0, 500);
    settled(1);
    settled(2);
    EXPECT_EQ(changed(kStart + 1s, 8, 500, 501), WebhookEffects{});
    EXPECT_EQ(changed(kStart + 2s, 8, 500, 502), WebhookEffects{});
    EXPECT_EQ(desk.next_deadline(), kStart + kCountInterval);
    EXPECT_EQ(wait_until(kStart + kCountInterval),
              (WebhookEffects{TellEndpoints{{{3, kEndpoint}}, channel(WebhookEvent::kSubscriptionCount, 502)}}));
}

TEST_F(WebhookDeskTest, ANumberThatNobodyWantsIsDoneAtOnce) {
    EXPECT_EQ(changed(kStart, 7, 1, 2), (WebhookEffects{SettleDuty{7, 2}}));
}

/// Two endpoints, of which the second one fails.
class WebhookDeskOfTwoTest : public WebhookDeskTest {
protected:
    void SetUp() override { desk.set_apps(AppTable({app_with({"http://a", "http://b"})})); }
    static TellEndpoints both(std::uint64_t first, WebhookEvent event) {
        return {{{first, kEndpoint}, {first + 1, kFailing}}, channel(event)};
    }
    static TellEndpoints one(std::uint64_t id, const EndpointId& endpoint, WebhookEvent event) {
        return {{{id, endpoint}}, channel(event)};
    }

    /// Revokes 7 while the failing endpoint alone has something to take, which it has surely not heard.
    SettleDuty revoked_with(std::uint64_t id, const EndpointId& failing) {
        desk.on_revoked(7, out);
        EXPECT_EQ(take(), (WebhookEffects{DropEvents{{{id, failing}}}}));
        const WebhookEffects effects = settled(kStart, id, EventEnd::kDropped);
        return effects.size() == 1 ? std::get<SettleDuty>(effects[0]) : SettleDuty{};
    }

    static inline const EndpointId kFailing{"app", "http://b", 0};
};

TEST_F(WebhookDeskOfTwoTest, AnEndpointThatFailsKeepsNothingFromTheOther) {
    EXPECT_EQ(changed(kStart, 7, 0, 1), (WebhookEffects{both(1, WebhookEvent::kChannelOccupied)}));
    EXPECT_EQ(settled(kStart, 1), WebhookEffects{}) << "the mesh goes on taking it for under way";
    EXPECT_EQ(changed(kStart + 1s, 7, 0, 0), WebhookEffects{});
    EXPECT_EQ(wait_until(kStart + 1s + kVacated), (WebhookEffects{one(3, kEndpoint, WebhookEvent::kChannelVacated)}));
    EXPECT_EQ(settled(kStart + 5s, 3), WebhookEffects{});
    EXPECT_EQ(changed(kStart + 6s, 7, 0, 1), (WebhookEffects{one(4, kEndpoint, WebhookEvent::kChannelOccupied)}));
    EXPECT_EQ(settled(kStart + 6s, 4), WebhookEffects{});
    EXPECT_EQ(settled(kStart + 9s, 2), (WebhookEffects{SettleDuty{7, 1}})) << "what it had refused is true again";
}

TEST_F(WebhookDeskOfTwoTest, AnEndpointThatIsBackIsToldWhatHasBecomeOfWhatItRefused) {
    changed(kStart, 7, 0, 1);
    settled(kStart, 1);
    changed(kStart + 1s, 7, 0, 0);
    wait_until(kStart + 1s + kVacated);
    settled(kStart + 5s, 3);
    EXPECT_EQ(settled(kStart + 9s, 2), (WebhookEffects{one(4, kFailing, WebhookEvent::kChannelVacated)}))
        << "long held";
    EXPECT_EQ(settled(kStart + 9s, 4), (WebhookEffects{SettleDuty{7, 0}}));
}

TEST_F(WebhookDeskOfTwoTest, WhatWasGivenUpCountsAsTold) {
    changed(kStart, 7, 0, 1);
    settled(kStart, 1);
    EXPECT_EQ(settled(kStart + 300s, 2, EventEnd::kGivenUp), (WebhookEffects{SettleDuty{7, 1}}));
}

TEST_F(WebhookDeskOfTwoTest, WhoComesBackWithinTheHoldWasNeverGoneForEither) {
    changed(kStart, 7, 0, 1);
    settled(kStart, 1);
    changed(kStart + 1s, 7, 0, 0);
    EXPECT_EQ(changed(kStart + 2s, 7, 0, 1), WebhookEffects{});
    EXPECT_EQ(desk.next_deadline(), std::nullopt);
    EXPECT_EQ(settled(kStart + 9s, 2), (WebhookEffects{SettleDuty{7, 1}}));
}

TEST_F(WebhookDeskOfTwoTest, WhoHasNotHeardWhatTheOthersHaveIsNamedWhenItIsRevoked) {
    changed(kStart, 7, 0, 1);
    settled(kStart, 1);
    EXPECT_EQ(changed(kStart + 1s, 7, 0, 2), WebhookEffects{});
    const SettleDuty last = revoked_with(2, kFailing);
    EXPECT_EQ(std::tuple(last.told, last.end), std::tuple(2u, DutyEnd::kPartly)) << "the number is nothing to it";
    EXPECT_FALSE(last.behind.empty());
    EXPECT_EQ(changed(kStart + 2s, 9, 2, 2, share(last.behind)),
              (WebhookEffects{one(3, kFailing, WebhookEvent::kChannelOccupied)}))
        << "the next node tells nobody else";
    EXPECT_EQ(settled(3), (WebhookEffects{SettleDuty{9, 2}}));
}

TEST_F(WebhookDeskOfTwoTest, WhoIsNamedIsToldTheTruthAndTheOthersWhatIsNew) {
    changed(kStart, 7, 0, 1);
    settled(kStart, 1);
    const SharedBytes behind = share(revoked_with(2, kFailing).behind);
    EXPECT_EQ(changed(kStart + 2s, 9, 1, 0, behind), WebhookEffects{});
    EXPECT_EQ(wait_until(kStart + 2s + kVacated), (WebhookEffects{both(3, WebhookEvent::kChannelVacated)}));
    EXPECT_EQ(settled(3), WebhookEffects{});
    EXPECT_EQ(settled(4), (WebhookEffects{SettleDuty{9, 0}}));
}

TEST_F(WebhookDeskOfTwoTest, WhoIsNamedIsNamedAgainByTheNextNode) {
    changed(kStart, 7, 0, 1);
    settled(kStart, 1);
    const std::string behind = revoked_with(2, kFailing).behind;
    changed(kStart + 2s, 7 + 2, 1, 1, share(behind));
    desk.on_revoked(9, out);
    EXPECT_EQ(take(), (WebhookEffects{DropEvents{{{3, kFailing}}}}));
    EXPECT_EQ(settled(kStart, 3, EventEnd::kDoubtful), (WebhookEffects{SettleDuty{9, 1, DutyEnd::kPartly, behind}}));
    changed(kStart + 2s, 11, 1, 1, share(behind));
    desk.on_revoked(11, out);
    take();
    EXPECT_EQ(settled(kStart, 4, EventEnd::kDropped), (WebhookEffects{SettleDuty{11, 0, DutyEnd::kDropped}}))
        << "which leaves the doubt";
}

TEST_F(WebhookDeskOfTwoTest, WhatAllKnowWhenItIsRevokedIsTold) {
    changed(kStart, 7, 0, 1);
    settled(kStart, 1);
    changed(kStart + 1s, 7, 0, 0);
    settled(kStart + 1s, 2);
    desk.on_revoked(7, out);
    EXPECT_EQ(take(), (WebhookEffects{SettleDuty{7, 1}})) << "that the channel is vacated is the other node's to tell";
}

/// What the mesh is not sure of is not what an endpoint knows.
TEST_F(WebhookDeskOfTwoTest, ADoubtOfTheMeshStaysOneForWhoHasHeardNothing) {
    const SharedBytes everybody = share("");
    changed(kStart, 7, 0, 1, everybody);
    settled(kStart, 1);
    changed(kStart + 1s, 7, 1, 0, everybody);
    wait_until(kStart + 1s + kVacated);
    settled(kStart + 5s, 3);
    EXPECT_EQ(changed(kStart + 6s, 7, 0, 1, everybody),
              (WebhookEffects{one(4, kEndpoint, WebhookEvent::kChannelOccupied)}));
    desk.on_revoked(7, out);
    EXPECT_EQ(take(), (WebhookEffects{DropEvents{{{4, kEndpoint}, {2, kFailing}}}}));
    EXPECT_EQ(settled(kStart + 6s, 4, EventEnd::kDropped), WebhookEffects{});
    const WebhookEffects effects = settled(kStart + 6s, 2, EventEnd::kDropped);
    ASSERT_EQ(effects.size(), 1u);
    const auto& last = std::get<SettleDuty>(effects[0]);
    EXPECT_EQ(std::tuple(last.told, last.end, last.behind.size()), std::tuple(0u, DutyEnd::kPartly, 8u));
}

TEST_F(WebhookDeskOfTwoTest, OneThatIsHeldWhenItIsRevokedKnowsWhatItWasToldBefore) {
    changed(kStart, 7, 0, 1);
    settled(kStart, 1);
    changed(kStart + 1s, 7, 0, 0);
    const SettleDuty last = revoked_with(2, kFailing);
    EXPECT_EQ(std::tuple(last.told, last.end, last.behind.size()), std::tuple(1u, DutyEnd::kPartly, 8u));
}

TEST_F(WebhookDeskOfTwoTest, TheLastNodeTellsEachEndpointForItself) {
    changed(kStart, 7, 0, 1);
    settled(kStart, 1);
    desk.stop();
    EXPECT_EQ(changed(kStart + 1s, 7, 0, 0), WebhookEffects{});
    desk.speak_last(kStart + 1s, out);
    EXPECT_EQ(take(), (WebhookEffects{one(3, kEndpoint, WebhookEvent::kChannelVacated)}));
    EXPECT_EQ(settled(kStart + 1s, 3), WebhookEffects{});
    EXPECT_EQ(settled(kStart + 2s, 2), (WebhookEffects{one(4, kFailing, WebhookEvent::kChannelVacated)}));
    EXPECT_EQ(settled(kStart + 2s, 4), (WebhookEffects{SettleDuty{7, 0}}));
}

TEST_F(WebhookDeskOfTwoTest, WhatALeavingNodeHasToldAllIsDone) {
    changed(kStart, 7, 0, 1);
    desk.stop();
    settled(kStart, 1);
    EXPECT_EQ(settled(kStart, 2), (WebhookEffects{SettleDuty{7, 1}}));
}

/// No memory, for one.
TEST_F(WebhookDeskOfTwoTest, WhatMayHaveBeenHeardIsAskedOfTheMeshAgain) {
    changed(kStart, 7, 0, 1);
    EXPECT_EQ(settled(kStart, 1, EventEnd::kDoubtful), (WebhookEffects{DropEvents{{{2, kFailing}}}}));
    const WebhookEffects effects = settled(kStart, 2, EventEnd::kDropped);
    ASSERT_EQ(effects.size(), 1u);
    const auto& last = std::get<SettleDuty>(effects[0]);
    EXPECT_EQ(std::tuple(last.told, last.end, last.behind.size()), std::tuple(0u, DutyEnd::kPartly, 8u));
}

TEST_F(WebhookDeskOfTwoTest, AnEndpointThatIsNoMoreIsNotWaitedFor) {
    changed(kStart, 7, 0, 1);
    settled(kStart, 1);
    desk.set_apps(AppTable({app_with({"http://a"})}));
    EXPECT_EQ(settled(kStart, 2, EventEnd::kGivenUp), (WebhookEffects{SettleDuty{7, 1}}));
}

TEST_F(WebhookDeskOfTwoTest, AnEndpointThatIsNewMeanwhileIsToldWhatTheOthersKnow) {
    changed(kStart, 7, 0, 1);
    settled(kStart, 1);
    desk.set_apps(AppTable({app_with({"http://a", "http://b", "http://c"})}));
    EXPECT_EQ(settled(kStart, 2), (WebhookEffects{one(3, {"app", "http://c", 0}, WebhookEvent::kChannelOccupied)}));
    EXPECT_EQ(settled(kStart, 3), (WebhookEffects{SettleDuty{7, 1}}));
}

/// One wants every number, the other one only whether anybody is there.
TEST_F(WebhookDeskOfTwoTest, ANumberThatOneDoesNotWantIsNoDifference) {
    App app = app_with({"http://a", "http://b"});
    app.webhooks[0].events.set();
    desk.set_apps(AppTable({app}));
    changed(kStart, 7, 0, 1);  // ids 1 and 2, and the number for the first: 3
    settled(kStart, 1);
    settled(kStart, 3);
    changed(kStart, 7, 0, 2);  // 4
    settled(kStart, 2);
    desk.on_revoked(7, out);
    EXPECT_EQ(take(), (WebhookEffects{DropEvents{{{4, kEndpoint}}}}));
    EXPECT_EQ(settled(kStart, 4, EventEnd::kDropped), (WebhookEffects{SettleDuty{7, 1}}));
}

TEST_F(WebhookDeskTest, WhatNobodyWantsIsDoneAtOnce) {
    desk.on_changed(kStart, {7, "other/x", {}, nullptr, 1, 0}, out);
    EXPECT_EQ(take(), (WebhookEffects{SettleDuty{7, 0}}));
    desk.set_apps(AppTable({app_with({})}));
    EXPECT_EQ(changed(kStart, 8, 1, 0), (WebhookEffects{SettleDuty{8, 0}}));
    desk.on_task(kStart, 9, "app/x", WebhookEvent::kClientEvent, share("{}"), out);
    EXPECT_EQ(take(), (WebhookEffects{SettleDuty{9, 0}}));
}

TEST_F(WebhookDeskTest, ATaskIsHandedOnAsItIsAndOnce) {
    const SharedBytes json = share("{}");
    desk.on_task(kStart, 9, "app/x", WebhookEvent::kClientEvent, json, out);
    EXPECT_EQ(
        take(),
        (WebhookEffects{TellEndpoints{{{1, kEndpoint}}, {WebhookEvent::kClientEvent, "x", {}, nullptr, 0, json}}}));
    desk.on_task(kStart, 9, "app/x", WebhookEvent::kClientEvent, json, out);
    EXPECT_EQ(take(), WebhookEffects{});
    EXPECT_EQ(settled(1), (WebhookEffects{SettleDuty{9, 0}}));
}

TEST_F(WebhookDeskTest, TasksThatWaitForTooLongAndAreTooManyAreThisNodesAlone) {
    std::uint64_t token = 1;
    for (std::size_t i = 0; i < kMaxWebhookTasks + 2; ++i, token += 2) {
        desk.on_task(kStart, token, "app/x", WebhookEvent::kClientEvent, share("{}"), out);
        EXPECT_EQ(take().size(), 1u);
    }
    EXPECT_EQ(desk.next_deadline(), kStart + kWebhookTaskPatience);
    EXPECT_EQ(wait_until(kStart + kWebhookTaskPatience - 1ns), WebhookEffects{});
    EXPECT_EQ(wait_until(kStart + kWebhookTaskPatience), (WebhookEffects{SettleDuty{1, 0}, SettleDuty{3, 0}}));
    EXPECT_EQ(desk.next_deadline(), std::nullopt);
    EXPECT_EQ(desk.events_of_its_own(), 2u);
    EXPECT_EQ(settled(1), WebhookEffects{}) << "the endpoint has been told all the same";
    EXPECT_EQ(desk.events_of_its_own(), 1u);
    EXPECT_EQ(settled(3), (WebhookEffects{SettleDuty{5, 0}}));
    desk.on_task(kStart + 10s, token, "app/x", WebhookEvent::kClientEvent, share("{}"), out);
    EXPECT_EQ(take().size(), 1u) << "there is room for it";
    desk.on_task(kStart + 10s, token + 2, "app/x", WebhookEvent::kClientEvent, share("{}"), out);
    EXPECT_EQ(take().back(), (WebhookEffect{SettleDuty{7, 0}}));
}

TEST_F(WebhookDeskTest, TasksThatWaitForTooLongAndAreTooLargeAreThisNodesAlone) {
    const SharedBytes large = share(std::string(kMaxWebhookTaskBytes, 'x'));
    desk.on_task(kStart, 1, "app/x", WebhookEvent::kClientEvent, large, out);
    desk.on_task(kStart, 3, "app/x", WebhookEvent::kClientEvent, share("{}"), out);
    take();
    EXPECT_EQ(wait_until(kStart + kWebhookTaskPatience), (WebhookEffects{SettleDuty{1, 0}}));
    desk.abandon(3);
    desk.on_task(kStart + 1s, 5, "app/x", WebhookEvent::kClientEvent, large, out);
    take();
    EXPECT_EQ(desk.next_deadline(), std::nullopt) << "what is abandoned takes no room";
}

TEST_F(WebhookDeskTest, ALeavingNodeKeepsNoTaskToItself) {
    for (std::uint64_t i = 0; i < kMaxWebhookTasks + 1; ++i) {
        desk.on_task(kStart, 2 * i + 1, "app/x", WebhookEvent::kClientEvent, share("{}"), out);
    }
    desk.stop();
    take();
    EXPECT_EQ(desk.next_deadline(), std::nullopt);
    EXPECT_EQ(wait_until(kStart + 10s), WebhookEffects{}) << "another node tells them";
}

TEST_F(WebhookDeskTest, AnUpdateThatCrossesTheAnswerIsNotToldAgain) {
    desk.set_apps(AppTable());  // nobody wants it: answered at once
    EXPECT_EQ(changed(kStart, 8, 0, 1), (WebhookEffects{SettleDuty{8, 1}}));
    EXPECT_EQ(changed(kStart, 8, 0, 2), WebhookEffects{});
    EXPECT_EQ(changed(kStart, 10, 1, 2), (WebhookEffects{SettleDuty{10, 2}}));
}

TEST_F(WebhookDeskTest, AnAppThatIsGoneMeanwhileIsToldOfNothingMore) {
    changed(kStart, 7, 1, 0);
    desk.set_apps(AppTable());
    EXPECT_EQ(wait_until(kStart + kVacated), (WebhookEffects{SettleDuty{7, 0}}));
}

}  // namespace
}  // namespace tulle::node::webhook_desk_test
