#include "client/core/limits.hpp"
#include "tests/unit/client/connected.hpp"

namespace tulle::client::presence_channel_test {
namespace {

const std::string kRoom = "presence-room";
const Member kAnn{"ann", R"("ann")", R"({"age":7})"};
const Member kBob{"10", "10", ""};
const SubscribeRequest kRequest{kRoom, "key:signature", R"({"user_id":"ann"})"};

ChannelEvent added(const Member& member, std::size_t count = 0) {
    return ChannelEvent{kRoom, "pusher:member_added", "{}", {}, MemberAdded{member, count}};
}

ChannelEvent removed(const Member& member, std::size_t count = 0) {
    return ChannelEvent{kRoom, "pusher:member_removed", "{}", {}, MemberRemoved{member, count}};
}

class PresenceChannel : public Connected {
protected:
    void enter() {
        step(Want{kRoom});
        step(Authorized{kFirst, kRequest, "ann", {}});
        receive(SubscriptionSucceeded{kRoom, "{}", {kAnn}});
    }
};

TEST_F(PresenceChannel, TellsWhoIsThereAndWhoWeAre) {
    EXPECT_EQ(step(Want{kRoom}), (Effects{Authorize{kFirst, kSocket, kRoom}}));
    EXPECT_EQ(step(Authorized{kFirst, kRequest, "ann", {}}), (Effects{Send{kRequest}}));
    EXPECT_EQ(receive(SubscriptionSucceeded{kRoom, "{}", {kBob, kAnn}}),
              (Effects{Deliver{
                  ChannelEvent{kRoom, "pusher:subscription_succeeded", "{}", {}, Subscribed{{kBob, kAnn}, kAnn}}}}));
}

TEST_F(PresenceChannel, TellsWhoComesAndWhoGoesWithTheInfoThatTheyHad) {
    enter();
    const Member bob{"10", "10", R"("b")"};
    EXPECT_EQ(receive(added(bob)), (Effects{Deliver{added(bob, 2)}}));
    EXPECT_EQ(receive(removed(kBob)), (Effects{Deliver{removed(bob, 1)}}));
}

TEST_F(PresenceChannel, SaysNothingOfOneThatGoesAndWasNotThere) {
    enter();
    EXPECT_EQ(receive(removed(kBob)), Effects{});
}

TEST_F(PresenceChannel, CountsAUserOnceThatIsToldTwice) {
    enter();
    receive(added(kBob));
    EXPECT_EQ(receive(added(kBob)), (Effects{Deliver{added(kBob, 2)}}));
}

TEST_F(PresenceChannel, WaitsForTheListBeforeItTellsWhoComesAndGoes) {
    step(Want{kRoom});
    step(Authorized{kFirst, kRequest, "ann", {}});
    EXPECT_EQ(receive(added(kBob)), Effects{});
    EXPECT_EQ(receive(removed(kBob)), Effects{});
}

TEST_F(PresenceChannel, TakesTheLaterListWhereTwoSubscriptionsAreAnswered) {
    enter();
    step(Unwant{kRoom});
    step(Want{kRoom});
    step(Authorized{kFirst, kRequest, "ann", {}});
    receive(SubscriptionSucceeded{kRoom, "{}", {kAnn}});
    EXPECT_EQ(receive(SubscriptionSucceeded{kRoom, "{}", {kAnn, kBob}}),
              (Effects{Deliver{
                  ChannelEvent{kRoom, "pusher:subscription_succeeded", "{}", {}, Subscribed{{kAnn, kBob}, kAnn}}}}));
    EXPECT_EQ(receive(removed(kBob)), (Effects{Deliver{removed(kBob, 1)}}));
}

TEST_F(PresenceChannel, IsAuthorizedAnewForAnotherConnectionAndForgetsWhoWasThere) {
    enter();
    receive(added(kBob));
    EXPECT_EQ(come_back(), (Effects{Authorize{kSecond, "56.78", kRoom}}));
    step(Authorized{kSecond, kRequest, "ann", {}});
    receive(SubscriptionSucceeded{kRoom, "{}", {kAnn}}, kSecond);
    EXPECT_EQ(receive(removed(kBob), kSecond), Effects{});
}

TEST_F(PresenceChannel, IsRefusedWhereNobodyIsNamedAndNobodySignedIn) {
    step(Want{kRoom});
    const Effects out = step(Authorized{kFirst, SubscribeRequest{kRoom, "a", {}}, {}, {}});
    ASSERT_EQ(out.size(), 1u);
    const ChannelEvent& event = std::get<Deliver>(out[0]).event;
    EXPECT_EQ(event.name, "pusher:subscription_error");
    EXPECT_EQ(std::get<Fault>(event.detail).kind, FaultKind::kRefused);
}

TEST_F(PresenceChannel, KeepsNoMoreUsersThanItsLimit) {
    enter();
    for (std::size_t n = 1; n < kMaxMembers; ++n) {
        receive(added(Member{"u" + std::to_string(n), {}, {}}));
    }
    const Member last{"last", {}, {}};
    EXPECT_EQ(receive(added(last)), (Effects{Deliver{added(last, kMaxMembers)}}));
    EXPECT_EQ(receive(removed(last)), Effects{});
}

TEST_F(PresenceChannel, TellsARejectedClientEventToTheChannelAsWell) {
    enter();
    EXPECT_EQ(
        receive(ServerError{4301, "too fast", kRoom}),
        (Effects{ReportError{4301, "too fast", kRoom},
                 Deliver{ChannelEvent{
                     kRoom, "pusher:error", "too fast", {}, Fault{FaultKind::kClientEvent, 4301, {}, "too fast"}}}}));
}

TEST_F(PresenceChannel, PassesOnWhatAServerSaysOfAChannel) {
    step(Want{"cache-c"});
    receive(SubscriptionSucceeded{"cache-c", "{}", {}});
    for (const ChannelEvent& event :
         {ChannelEvent{"cache-c", "pusher:cache_miss", "", {}, CacheMiss{}},
          ChannelEvent{"cache-c", "pusher:subscription_count", "{}", {}, SubscriptionCount{3}},
          ChannelEvent{"cache-c", "tulle:gap", "{}", {}, Gap{2}}}) {
        EXPECT_EQ(receive(event), (Effects{Deliver{event}}));
    }
}

}  // namespace
}  // namespace tulle::client::presence_channel_test
