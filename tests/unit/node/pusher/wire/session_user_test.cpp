#include "node/pusher/wire/session.hpp"

#include <utility>

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/event_frame.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node::pusher::session_user_test {
namespace {

constexpr Instant kStart{1000s};
constexpr Slot kSlot{4};
constexpr std::string_view kAnn = R"({"id":"ann","user_info":{"n":1},"watchlist":["bob",7]})";

std::string json(std::string_view text) {
    return quoted(text);
}

App users_app() {
    App app;
    app.id = "app";
    app.key = "key";
    app.secret = "secret";
    app.watchlist_events = true;
    app.max_presence_member_bytes = 20;
    return app;
}

class SessionUserTest : public ::testing::Test {
protected:
    SessionEffects take() { return std::exchange(out, {}); }

    SessionEffects text(const std::string& frame) {
        session.on_text(kStart, frame, {channels, rooms}, out);
        return take();
    }
    static std::string sign(const std::string& signed_text) { return "key:" + hmac_sha256_hex("secret", signed_text); }

    SessionEffects sign_in(std::string_view user_data) {
        return text(R"({"event":"pusher:signin","data":{"auth":)" + json(sign("1.2::user::" + std::string(user_data))) +
                    ",\"user_data\":" + json(user_data) + "}}");
    }
    SessionEffects subscribe(const std::string& channel, const std::string& more = "") {
        return text(R"({"event":"pusher:subscribe","data":{"channel":)" + json(channel) + more + "}}");
    }
    static SessionEffects failed(std::string_view reason, Refused what = Refused::kSubscription) {
        return {Count{what}, Send{error_frame({4009, reason})}, Close{4009, std::string(reason)}};
    }

    App app = users_app();
    SessionTimeouts timeouts;
    ChannelTable channels;
    PresenceRooms rooms;
    Session session{app, kSlot, "1.2", timeouts};
    SessionEffects out;
};

TEST_F(SessionUserTest, SignsInAndAnswersWithTheVeryTextWhenTheMeshHasIt) {
    EXPECT_EQ(sign_in(kAnn), (SessionEffects{SignIn{"ann", {"bob", "7"}}, Subscribe{"#server-to-user-ann"}}));
    session.on_signed_in(out);
    EXPECT_EQ(take(), (SessionEffects{Send{R"({"event":"pusher:signin_success","data":)" +
                                           json("{\"user_data\":" + json(kAnn) + "}") + "}"}}));
}

TEST_F(SessionUserTest, AnswersTheSameUserAgainAndRefusesAnother) {
    sign_in(kAnn);
    session.on_signed_in(out);
    take();
    EXPECT_EQ(sign_in(R"({"id":"ann"})"), (SessionEffects{SignIn{"ann", {}}}));
    session.on_signed_in(out);
    EXPECT_EQ(take(), (SessionEffects{Send{signin_success(R"({"id":"ann"})")}}));
    EXPECT_EQ(sign_in(R"({"id":"bob"})"), failed("The connection is signed in as another user"));
    EXPECT_EQ(sign_in(R"({"id":"ann"})"), SessionEffects{}) << "closed";
    session.on_signed_in(out);
    EXPECT_EQ(take(), SessionEffects{});
}

TEST_F(SessionUserTest, RefusesAWrongSignatureAndUserDataThatIsNone) {
    EXPECT_EQ(text(R"({"event":"pusher:signin","data":{"auth":"key:00","user_data":"{\"id\":\"ann\"}"}})"),
              failed("The connection is not authorised to sign in", Refused::kAuth));
    Session other{app, kSlot, "1.2", timeouts};
    other.on_text(kStart, R"({"event":"pusher:signin","data":{}})", {channels, rooms}, out);
    EXPECT_EQ(take(), failed("The connection is not authorised to sign in", Refused::kAuth));
    Session third{app, kSlot, "1.2", timeouts};
    third.on_text(
        kStart, R"({"event":"pusher:signin","data":{"auth":)" + json(sign("1.2::user::{}")) + R"(,"user_data":"{}"}})",
        {channels, rooms}, out);
    EXPECT_EQ(take(), failed("user_data needs an id: a string that is not empty, or an integer"));
}

TEST_F(SessionUserTest, TakesAMalformedSignInForAMalformedFrame) {
    for (const char* data : {"7", "null", R"({"auth":1})", R"({"auth":"a","auth":"b"})"}) {
        const SessionEffects answer = text(R"({"event":"pusher:signin","data":)" + std::string(data) + "}");
        ASSERT_EQ(answer.size(), 2u) << data;
        EXPECT_EQ(answer[0], SessionEffect(Count{Refused::kFrame}));
    }
}

TEST_F(SessionUserTest, RefusesToSignInWhereTheAppDoesWithoutUsers) {
    app.user_authentication = false;
    EXPECT_EQ(sign_in(kAnn), failed("Users do not sign in to this app"));
}

TEST_F(SessionUserTest, WatchesNobodyWhereTheAppDoesNotWantIt) {
    app.watchlist_events = false;
    EXPECT_EQ(sign_in(kAnn), (SessionEffects{SignIn{"ann", {}}, Subscribe{"#server-to-user-ann"}}));
}

TEST_F(SessionUserTest, TellsThatAWatchlistIsCut) {
    std::string text = R"({"id":"ann","watchlist":[0)";
    for (std::size_t i = 1; i <= kMaxWatchlist; ++i) {
        text += "," + std::to_string(i);
    }
    const SessionEffects effects = sign_in(text + "]}");
    ASSERT_EQ(effects.size(), 3u);
    EXPECT_EQ(effects[0], SessionEffect(Send{error_frame({4302, "The watchlist is cut to its first 100 users"})}));
    EXPECT_EQ(std::get<SignIn>(effects[1]).watchlist.size(), kMaxWatchlist);
}

TEST_F(SessionUserTest, IsAuthorisedOnceSignedIn) {
    app.authorization_timeout = 5s;
    session.on_open(kStart, out);
    EXPECT_EQ(session.next_deadline(), kStart + 5s);
    sign_in(kAnn);
    EXPECT_EQ(session.next_deadline(), kStart + 45s);
}

TEST_F(SessionUserTest, LetsAUserSubscribeToItsOwnChannelAlone) {
    const SubscriptionRefusal refusal{"AuthError", "The connection is not authorised for this channel", 401};
    const SessionEffects refused{Count{Refused::kAuth}, Send{subscription_error("#server-to-user-ann", refusal)}};
    EXPECT_EQ(subscribe("#server-to-user-ann"), refused);
    sign_in(R"({"id":"bob"})");
    EXPECT_EQ(subscribe("#server-to-user-ann", ",\"auth\":" + json(sign("1.2:#server-to-user-ann"))), refused);
    EXPECT_EQ(subscribe("#server-to-user-bob"), (SessionEffects{Subscribe{"#server-to-user-bob"}}));
    EXPECT_EQ(subscribe("#server-to-user-bob", R"(,"auth":"")"), (SessionEffects{Subscribe{"#server-to-user-bob"}}));
    const SessionEffects illegal = subscribe("#online-bob");
    ASSERT_EQ(illegal.size(), 2u);
    EXPECT_EQ(illegal[0], SessionEffect(Count{Refused::kSubscription}));
}

TEST_F(SessionUserTest, IsInItsOwnChannelFromTheSignInOnAndToldOfItOnceItHasAsked) {
    constexpr std::string_view kOwn = "#server-to-user-7";
    EXPECT_EQ(sign_in(R"({"id":7})"), (SessionEffects{SignIn{"7", {}}, Subscribe{std::string(kOwn)}}));
    session.on_subscribed(kOwn, nullptr, out);
    session.on_signed_in(out);
    EXPECT_EQ(take(), (SessionEffects{Send{signin_success(R"({"id":"7"})")}}))
        << "the client has not asked for the channel";
    EXPECT_EQ(subscribe(std::string(kOwn)), (SessionEffects{Subscribe{std::string(kOwn)}}));
    session.on_subscribed(kOwn, nullptr, out);
    EXPECT_EQ(take(), (SessionEffects{Send{subscription_succeeded(kOwn)}}));
    EXPECT_EQ(text(R"({"event":"pusher:unsubscribe","data":{"channel":"#server-to-user-7"}})"), SessionEffects{})
        << "the user stays reachable";
    EXPECT_EQ(text(R"({"event":"pusher:unsubscribe","data":{"channel":"#server-to-user-8"}})"),
              (SessionEffects{Unsubscribe{"#server-to-user-8"}}));
    EXPECT_EQ(sign_in(R"({"id":7})"), (SessionEffects{SignIn{"7", {}}})) << "it is in the channel by now";
}

TEST_F(SessionUserTest, ToldTheIdAsAStringAndTheRestAsItWas) {
    sign_in(R"({ "user_info" : {"id":7} , "id" : 7 })");
    session.on_signed_in(out);
    EXPECT_EQ(take(), (SessionEffects{Send{signin_success(R"({ "user_info" : {"id":7} , "id" : "7" })")}}));
}

TEST_F(SessionUserTest, BringsTheSignedInUserToPresenceChannelsWithoutChannelData) {
    const std::string auth = ",\"auth\":" + json(sign("1.2:presence-a"));
    SessionEffects early = subscribe("presence-a", auth);
    ASSERT_EQ(early.size(), 2u);
    EXPECT_EQ(early[0], SessionEffect(Count{Refused::kSubscription}));
    sign_in(kAnn);
    EXPECT_EQ(subscribe("presence-a", auth),
              (SessionEffects{Subscribe{"presence-a", Member{"ann", "\"ann\"\n{\"n\":1}"}}}));
    const std::string data = R"({"user_id":"eve"})";
    EXPECT_EQ(subscribe("presence-a",
                        ",\"auth\":" + json(sign("1.2:presence-a:" + data)) + ",\"channel_data\":" + json(data)),
              (SessionEffects{Subscribe{"presence-a", Member{"eve", "\"eve\"\n"}}}));
    sign_in(R"({"id":"ann","user_info":"more than twenty bytes"})");
    early = subscribe("presence-b", ",\"auth\":" + json(sign("1.2:presence-b")));
    ASSERT_EQ(early.size(), 2u);
    EXPECT_EQ(early[0], SessionEffect(Count{Refused::kSubscription}));
}

TEST_F(SessionUserTest, IsClosedWhenTheAppEndsItsUser) {
    sign_in(kAnn);
    session.on_terminated(out);
    constexpr std::string_view kReason = "The app has ended the user's connections";
    EXPECT_EQ(take(), (SessionEffects{Send{error_frame({4009, kReason})}, Close{4009, std::string(kReason)}}));
    session.on_terminated(out);
    EXPECT_EQ(take(), SessionEffects{});
}

TEST_F(SessionUserTest, IsClosedByAnOperatorToComeAgainOrToStayAway) {
    EXPECT_FALSE(session.is_closed());
    session.on_kicked(true, out);
    constexpr std::string_view kReason = "An operator has closed the connection: please reconnect";
    EXPECT_EQ(take(), (SessionEffects{Send{error_frame({4200, kReason})}, Close{4200, std::string(kReason)}}));
    EXPECT_TRUE(session.is_closed());
    session.on_kicked(false, out);
    EXPECT_EQ(take(), SessionEffects{});
}

TEST(UserFrames, AreWhatClientsRead) {
    EXPECT_EQ(cache_miss("cache-a"), R"({"event":"pusher:cache_miss","channel":"cache-a"})");
    EXPECT_EQ(watchlist_events({"a", "\""}, {"b"}),
              R"({"event":"pusher_internal:watchlist_events","data":)" +
                  json(R"({"events":[{"name":"online","user_ids":["a","\""]},{"name":"offline","user_ids":["b"]}]})") +
                  "}");
    EXPECT_EQ(watchlist_events({}, {"b"}), R"({"event":"pusher_internal:watchlist_events","data":)" +
                                               json(R"({"events":[{"name":"offline","user_ids":["b"]}]})") + "}");
    EXPECT_EQ(escaped_name("#server-to-user-a\"b"), "#server-to-user-a\\\"b");
}

}  // namespace
}  // namespace tulle::node::pusher::session_user_test
