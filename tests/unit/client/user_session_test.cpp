#include "tests/unit/client/connected.hpp"

namespace tulle::client::user_session_test {
namespace {

const SignInRequest kRequest{"key:signature", R"({"id":"ann"})"};
const SignInSuccess kSuccess{"ann", R"({"id":"ann"})"};
const std::string kOwnChannel = "#server-to-user-ann";
const std::string kRoom = "presence-room";
const SubscribeRequest kNameless{kRoom, "key:room", {}};

class SignedInUser : public Connected {
protected:
    void ask() {
        step(SignIn{});
        step(Authenticated{kFirst, kRequest});
    }
    void sign_in() {
        ask();
        receive(kSuccess);
        receive(SubscriptionSucceeded{kOwnChannel, "{}", {}});
    }
};

TEST_F(SignedInUser, IsToldWhenTheServerHasAgreedAndEventsForTheUserArrive) {
    EXPECT_EQ(step(SignIn{}), (Effects{Authenticate{kFirst, kSocket}}));
    EXPECT_EQ(step(Authenticated{kFirst, kRequest}), (Effects{Send{kRequest}}));
    EXPECT_EQ(receive(kSuccess), (Effects{Send{SubscribeRequest{kOwnChannel, {}, {}}}}));
    EXPECT_EQ(receive(SubscriptionSucceeded{kOwnChannel, "{}", {}}), (Effects{ReportSignedIn{kSuccess}}));
    const ChannelEvent event{kOwnChannel, "greeting", "hello", {}, {}};
    EXPECT_EQ(receive(event), (Effects{DeliverToUser{event}}));
}

TEST_F(SignedInUser, HearsOfTheWatchlist) {
    sign_in();
    const WatchlistChange online{true, {"bob", "cleo"}};
    const WatchlistChange offline{false, {"dan"}};
    EXPECT_EQ(receive(WatchlistEvents{{online, offline}}),
              (Effects{DeliverWatchlist{online}, DeliverWatchlist{offline}}));
}

TEST_F(SignedInUser, SignsInAgainOnAnotherConnectionBeforeTheChannelsAreAuthorized) {
    step(Want{"private-chat"});
    sign_in();
    EXPECT_EQ(come_back(), (Effects{Authenticate{kSecond, "56.78"}, Authorize{kSecond, "56.78", "private-chat"}}));
    EXPECT_EQ(step(Authenticated{kFirst, kRequest}), Effects{});
    EXPECT_EQ(step(Authenticated{kSecond, kRequest}), (Effects{Send{kRequest}}));
    EXPECT_EQ(receive(kSuccess, kSecond), (Effects{Send{SubscribeRequest{kOwnChannel, {}, {}}}}));
}

TEST_F(SignedInUser, ComesBackWithEverythingInItsOrder) {
    const std::string chat = "private-chat";
    const std::string notes = "private-encrypted-notes";
    const SubscribeRequest news{"news", {}, {}};
    const SubscribeRequest chat_again{chat, "key:chat", {}};
    sign_in();
    for (const std::string& channel : {news.channel, kRoom, chat, notes}) {
        step(Want{channel});
    }
    EXPECT_EQ(come_back(), (Effects{Authenticate{kSecond, "56.78"}, Send{news}, Authorize{kSecond, "56.78", kRoom},
                                    Authorize{kSecond, "56.78", chat}, Authorize{kSecond, "56.78", notes}}));
    EXPECT_EQ(step(Authenticated{kSecond, kRequest}), (Effects{Send{kRequest}}));
    EXPECT_EQ(step(Authorized{kSecond, kNameless, {}, {}}), Effects{});
    EXPECT_EQ(step(Authorized{kSecond, chat_again, {}, {}}), (Effects{Send{chat_again}}));
    const SubscribeRequest notes_again{notes, "key:notes", {}};
    EXPECT_EQ(step(Authorized{kSecond, notes_again, {}, "channel key"}), (Effects{Send{notes_again}}));
    EXPECT_EQ(receive(kSuccess, kSecond), (Effects{Send{SubscribeRequest{kOwnChannel, {}, {}}}, Send{kNameless}}));
}

TEST_F(SignedInUser, AsksOnceAndAgainOnlyAfterARefusal) {
    step(SignIn{});
    EXPECT_EQ(step(SignIn{}), Effects{});
    EXPECT_EQ(step(AuthenticationFailed{kFirst, "no"}), (Effects{ReportSignInRefused{std::nullopt, "no"}}));
    EXPECT_EQ(step(SignIn{}), (Effects{Authenticate{kFirst, kSocket}}));
}

TEST_F(SignedInUser, IsRefusedByAnErrorAndFailsWhenTheServerClosesAsWell) {
    ask();
    EXPECT_EQ(receive(ServerError{4009, "bad signature", {}}),
              (Effects{ReportError{4009, "bad signature", {}}, ReportSignInRefused{4009, "bad signature"}}));
    EXPECT_EQ(step(Lost{kFirst, 4009, "bad signature"}),
              (Effects{ReportState{Phase::kFailed, 0, {}, "bad signature", {}, 4009}}));
}

TEST_F(SignedInUser, KeepsTheSignInWhenItsWatchlistIsTooLong) {
    ask();
    EXPECT_EQ(receive(ServerError{4302, "too long", {}}), (Effects{ReportError{4302, "too long", {}}}));
    EXPECT_EQ(receive(kSuccess), (Effects{Send{SubscribeRequest{kOwnChannel, {}, {}}}}));
}

TEST_F(SignedInUser, IsRefusedWhenTheServerDoesNotGiveItsOwnChannel) {
    ask();
    receive(kSuccess);
    const Fault no{FaultKind::kRefused, 401, "AuthError", "no"};
    EXPECT_EQ(receive(SubscriptionError{kOwnChannel, "{}", no}), (Effects{ReportSignInRefused{401, "no"}}));
}

TEST_F(SignedInUser, IgnoresASuccessThatNobodyAskedFor) {
    EXPECT_EQ(receive(kSuccess), Effects{});
    EXPECT_EQ(receive(ChannelEvent{kOwnChannel, "greeting", "", {}, {}}), Effects{});
}

TEST_F(SignedInUser, LetsAPresenceChannelWithoutANameWaitForTheSignIn) {
    ask();
    step(Want{kRoom});
    EXPECT_EQ(step(Authorized{kFirst, kNameless, {}, {}}), Effects{});
    EXPECT_EQ(receive(kSuccess), (Effects{Send{SubscribeRequest{kOwnChannel, {}, {}}}, Send{kNameless}}));
    const Member ann{"ann", R"("ann")", {}};
    EXPECT_EQ(
        receive(SubscriptionSucceeded{kRoom, "{}", {ann}}),
        (Effects{Deliver{ChannelEvent{kRoom, "pusher:subscription_succeeded", "{}", {}, Subscribed{{ann}, ann}}}}));
}

TEST_F(SignedInUser, JoinsAPresenceChannelWithoutANameAtOnceWhenSignedIn) {
    sign_in();
    step(Want{kRoom});
    EXPECT_EQ(step(Authorized{kFirst, kNameless, {}, {}}), (Effects{Send{kNameless}}));
}

TEST_F(SignedInUser, RefusesThePresenceChannelsThatWaitWhenTheSignInIsRefused) {
    ask();
    step(Want{kRoom});
    step(Authorized{kFirst, kNameless, {}, {}});
    const Effects out = receive(ServerError{4009, "no", {}});
    ASSERT_EQ(out.size(), 3u);
    EXPECT_EQ(std::get<Deliver>(out[2]).event.name, "pusher:subscription_error");
    EXPECT_EQ(step(Unwant{kRoom}), Effects{});
}

TEST_F(SignedInUser, DoesNotJoinAChannelThatIsNoLongerWantedWhenTheSignInIsDone) {
    ask();
    step(Want{kRoom});
    step(Authorized{kFirst, kNameless, {}, {}});
    EXPECT_EQ(step(Unwant{kRoom}), Effects{});
    EXPECT_EQ(receive(kSuccess), (Effects{Send{SubscribeRequest{kOwnChannel, {}, {}}}}));
}

}  // namespace
}  // namespace tulle::client::user_session_test
