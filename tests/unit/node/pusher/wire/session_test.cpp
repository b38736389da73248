#include "node/pusher/wire/session.hpp"
#include "node/pusher/core/channel_name.hpp"

#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "node/pusher/wire/presence.hpp"
#include "tests/unit/node/event_of.hpp"

namespace tulle::node::pusher::session_test {
namespace {

constexpr Instant kStart{1000s};
constexpr Slot kSlot{4};

App client_event_app() {
    App app;
    app.id = "app";
    app.key = "key";
    app.secret = "secret";
    app.client_events = true;
    app.max_event_bytes = 100;
    return app;
}

class SessionTest : public ::testing::Test {
protected:
    SessionEffects take() { return std::exchange(out, {}); }

    SessionEffects text(std::string_view frame, Instant now = kStart) {
        session.on_text(now, frame, {channels, rooms}, out);
        return take();
    }

    /// As the shard does it.
    void enter(std::string_view channel) {
        ChannelEffects effects;
        channels.subscribe(kSlot, channel, needs_of(channel_of_key(channel)), effects);
        channels.on_subscribed(channel, ++generation, effects);
    }

    static std::string auth(const std::string& signed_text) { return "key:" + hmac_sha256_hex("secret", signed_text); }

    App app = client_event_app();
    SessionTimeouts timeouts;
    ChannelTable channels;
    PresenceRooms rooms;
    std::uint64_t generation = 0;
    Session session{app, kSlot, "1.2", timeouts};
    SessionEffects out;
};

TEST_F(SessionTest, GreetsWithItsSocketIdAndTheTimeout) {
    session.on_open(kStart, out);
    EXPECT_EQ(take(), (SessionEffects{Send{connection_established("1.2", 30s)}}));
    EXPECT_EQ(session.next_deadline(), kStart + 45s);
}

TEST_F(SessionTest, SubscribesToAPublicChannelAndTellsWhenTheMeshConfirms) {
    EXPECT_EQ(text(R"({"event":"pusher:subscribe","data":{"channel":"news","auth":""}})"),
              (SessionEffects{Subscribe{"news"}}));
    session.on_subscribed("news", nullptr, out);
    EXPECT_EQ(take(), (SessionEffects{Send{subscription_succeeded("news")}}));
    EXPECT_EQ(text(R"({"event":"pusher:unsubscribe","data":{"channel":"news"}})"),
              (SessionEffects{Unsubscribe{"news"}}));
}

TEST_F(SessionTest, SubscribesToAPrivateChannelWithItsSignature) {
    EXPECT_EQ(text(R"({"event":"pusher:subscribe","data":{"channel":"private-a","auth":")" + auth("1.2:private-a") +
                   R"("}})"),
              (SessionEffects{Subscribe{"private-a"}}));
    EXPECT_EQ(text(R"({"event":"pusher:subscribe","data":{"channel":"private-a","channel_data":"{}","auth":")" +
                   auth("1.2:private-a:{}") + R"("}})"),
              (SessionEffects{Subscribe{"private-a"}}));
    EXPECT_EQ(text(R"({"event":"pusher:subscribe","data":{"channel":"private-encrypted-a","auth":")" +
                   auth("1.2:private-encrypted-a") + R"("}})"),
              (SessionEffects{Subscribe{"private-encrypted-a"}}));
}

TEST_F(SessionTest, RefusesAPrivateChannelOnTheChannelItself) {
    const SessionEffects refused{
        Count{Refused::kAuth},
        Send{subscription_error("private-a", {"AuthError", "The connection is not authorised for this channel", 401})}};
    EXPECT_EQ(text(R"({"event":"pusher:subscribe","data":{"channel":"private-a"}})"), refused);
    EXPECT_EQ(text(R"({"event":"pusher:subscribe","data":{"channel":"private-a","auth":")" + auth("9.9:private-a") +
                   R"("}})"),
              refused);
}

TEST_F(SessionTest, RefusesNamesAndChannelsItDoesNotServe) {
    EXPECT_EQ(text(R"({"event":"pusher:subscribe","data":{"channel":"a b"}})"),
              (SessionEffects{
                  Count{Refused::kSubscription},
                  Send{subscription_error(
                      "a b", {"LimitReached",
                              "A channel name has 1 to 200 of the characters A-Z a-z 0-9 _ - = @ , . ; :", 4009})}}));
    EXPECT_EQ(
        text(R"({"event":"pusher:subscribe","data":{"channel":"presence-a"}})"),
        (SessionEffects{Count{Refused::kAuth},
                        Send{subscription_error(
                            "presence-a", {"AuthError", "The connection is not authorised for this channel", 401})}}));
}

TEST_F(SessionTest, SubscribesToAPresenceChannelWithTheUserThatIsSigned) {
    const auto subscribe = [&](const std::string& data) {
        std::string escaped;
        for (const char c : data) {
            escaped.append(c == '"' ? "\\\"" : std::string(1, c));
        }
        return text(R"({"event":"pusher:subscribe","data":{"channel":"presence-a","channel_data":")" + escaped +
                    R"(","auth":")" + auth("1.2:presence-a:" + data) + R"("}})");
    };
    EXPECT_EQ(subscribe(R"({"user_id":10,"user_info":{"n":"x"}})"),
              (SessionEffects{Subscribe{"presence-a", Member{"10", "10\n{\"n\":\"x\"}"}}}));
    EXPECT_EQ(subscribe(R"({"user_id":""})"),
              (SessionEffects{Count{Refused::kSubscription},
                              Send{subscription_error("presence-a", refusal_of(MemberErrc::kNoId))}}));
    app.max_presence_member_bytes = 3;
    EXPECT_EQ(subscribe(R"({"user_id":10,"user_info":{"n":"x"}})"),
              (SessionEffects{Count{Refused::kSubscription},
                              Send{subscription_error("presence-a", refusal_of(MemberErrc::kTooLarge))}}));
}

TEST_F(SessionTest, TellsWhoIsPresentAndWhyAUserIsTurnedAway) {
    const PresenceRooms::Users users{{"10", share("10\nnull")}};
    session.on_subscribed("presence-a", &users, out);
    EXPECT_EQ(take(), (SessionEffects{Send{presence_succeeded("presence-a", users)}}));
    session.on_turned_away("presence-a", JoinRefusal::kFull, out);
    EXPECT_EQ(take(), (SessionEffects{Count{Refused::kSubscription},
                                      Send{subscription_error("presence-a", refusal_of(JoinRefusal::kFull))}}));
}

TEST_F(SessionTest, NamesTheUserWhoSendsAClientEventOnAPresenceChannel) {
    ChannelEffects effects;
    rooms.enter(kSlot, "app/presence-a", {"10", "10\n{}"});
    channels.subscribe(kSlot, "app/presence-a", {.presence = true}, effects);
    channels.on_subscribed("app/presence-a", ++generation, effects);
    EXPECT_EQ(text(R"({"event":"client-x","channel":"presence-a","data":1})").size(), 2u) << "not admitted yet";
    channels.admit(kSlot, "app/presence-a", effects);
    EXPECT_EQ(
        text(R"({"event":"client-x","channel":"presence-a","data":1})"),
        (SessionEffects{PublishClientEvent{"presence-a", event_of(R"(,"event":"client-x","data":1,"user_id":10})")}}));
}

TEST_F(SessionTest, BoundsClientEventsInASecond) {
    app.client_events_per_second = 3;
    session.on_open(kStart, out);
    take();
    enter("app/private-a");
    const auto say = [this](Instant now) {
        return text(R"({"event":"client-x","channel":"private-a","data":1})", now).size() == 1;
    };
    EXPECT_TRUE(say(kStart) && say(kStart) && say(kStart));
    EXPECT_EQ(text(R"({"event":"client-x","channel":"private-a","data":1})"),
              (SessionEffects{
                  Count{Refused::kClientEvent},
                  Send{error_frame({4301, "More client events in a second than this app allows"}, "private-a")}}));
    EXPECT_TRUE(say(kStart + 334ms));
    EXPECT_FALSE(say(kStart + 335ms));
    EXPECT_TRUE(say(kStart + 100s) && say(kStart + 100s) && say(kStart + 100s));
    EXPECT_FALSE(say(kStart + 100s)) << "a rest saves up no more than a second's allowance";
    app.client_events_per_second = 0;
    EXPECT_TRUE(say(kStart + 100s));
}

TEST_F(SessionTest, ClosesAConnectionThatIsNotAuthorisedInTime) {
    app.authorization_timeout = 10s;
    const auto fate = [this](std::string_view subscription) {
        Session other{app, kSlot, "1.2", timeouts};
        other.on_open(kStart, out);
        other.on_text(kStart + 1s, subscription, {channels, rooms}, out);
        take();
        other.on_deadline(kStart + 10s, out);
        return take();
    };
    const SessionEffects closed{Send{error_frame({4009, "Connection not authorized within timeout"})},
                                Close{4009, "Connection not authorized within timeout"}};
    EXPECT_EQ(fate(R"({"event":"pusher:subscribe","data":{"channel":"news"}})"), closed);
    EXPECT_EQ(fate(R"({"event":"pusher:subscribe","data":{"channel":"private-a","auth":"key:00"}})"), closed);
    EXPECT_EQ(fate(R"({"event":"pusher:subscribe","data":{"channel":"private-a","auth":")" + auth("1.2:private-a") +
                   R"("}})"),
              SessionEffects{});
}

TEST_F(SessionTest, BoundsTheChannelsOfOneConnection) {
    for (std::size_t i = 0; i < kMaxChannelsPerConnection; ++i) {
        enter("app/" + std::to_string(i));
    }
    EXPECT_EQ(text(R"({"event":"pusher:subscribe","data":{"channel":"more"}})"),
              (SessionEffects{
                  Count{Refused::kSubscription},
                  Send{subscription_error("more", {"LimitReached", "Too many channels on this connection", 4100})}}));
}

TEST_F(SessionTest, AnswersAPing) {
    EXPECT_EQ(text(R"({"event":"pusher:ping","data":{}})"), (SessionEffects{Send{std::string(kPongFrame)}}));
    EXPECT_EQ(text(R"({"event":"pusher:ping"})"), (SessionEffects{Send{std::string(kPongFrame)}}));
    EXPECT_EQ(text(R"({"event":"pusher:pong","data":{}})"), SessionEffects{});
}

TEST_F(SessionTest, PingsAfterSilenceAndClosesWithoutAnAnswer) {
    session.on_open(kStart, out);
    take();
    session.on_deadline(kStart + 44s, out);
    EXPECT_EQ(take(), SessionEffects{});
    session.on_deadline(kStart + 45s, out);
    EXPECT_EQ(take(), (SessionEffects{Send{std::string(kPingFrame)}}));
    EXPECT_EQ(session.next_deadline(), kStart + 75s);
    session.on_deadline(kStart + 75s, out);
    EXPECT_EQ(take(), (SessionEffects{Send{error_frame({4201, "Pong reply not received"})},
                                      Close{4201, "Pong reply not received"}}));
    EXPECT_EQ(text(R"({"event":"pusher:ping"})"), SessionEffects{}) << "nothing follows a close";
}

TEST_F(SessionTest, TakesAnyFrameForALifeSign) {
    session.on_open(kStart, out);
    session.on_deadline(kStart + 45s, out);
    take();
    text("junk", kStart + 50s);
    EXPECT_EQ(session.next_deadline(), kStart + 90s) << "45 s after the ping, which was the last word";
    text("junk", kStart + 60s);
    session.on_deadline(kStart + 90s, out);
    EXPECT_EQ(take(), (SessionEffects{Send{std::string(kPingFrame)}}));
    session.on_activity(kStart + 100s, true);
    EXPECT_EQ(session.next_deadline(), kStart + 145s);
}

/// A proxy looks at what comes from the server alone.
TEST_F(SessionTest, PingsAClientThatSpeaksAllTheTimeAndIsToldNothing) {
    session.on_open(kStart, out);
    take();
    std::size_t pings = 0;
    for (Instant now = kStart; now < kStart + 300s; now += 10s) {
        EXPECT_GT(session.next_deadline(), now) << "it has just spoken";
        session.on_activity(now + 9s);
        if (session.next_deadline() <= now + 10s) {
            session.on_deadline(session.next_deadline(), out);
            pings += take().size();
        }
    }
    EXPECT_EQ(pings, 6U) << "every 45 s";
}

/// Clients that ping as they are told are not pinged besides.
TEST_F(SessionTest, DoesNotPingAClientThatPings) {
    session.on_open(kStart, out);
    take();
    for (Instant now = kStart + 30s; now < kStart + 300s; now += 30s) {
        EXPECT_GT(session.next_deadline(), now);
        EXPECT_EQ(text(R"({"event":"pusher:ping"})", now), (SessionEffects{Send{std::string(kPongFrame)}}));
    }
}

TEST_F(SessionTest, AnswersNonsenseWithAnErrorAndStaysOpen) {
    EXPECT_EQ(text("{bad"),
              (SessionEffects{Count{Refused::kFrame}, Send{error_frame({std::nullopt, "The message is not JSON"})}}));
    EXPECT_EQ(text(R"({"event":"pusher:fly","channel":"a"})"),
              (SessionEffects{
                  Count{Refused::kFrame},
                  Send{error_frame({std::nullopt, "Unknown event; a client's own events begin with client-"}, "a")}}));
    EXPECT_EQ(text(R"({"event":"pusher:ping"})"), (SessionEffects{Send{std::string(kPongFrame)}}));
}

TEST_F(SessionTest, PublishesAClientEventWithTheVeryBytesOfItsData) {
    enter("app/private-a");
    EXPECT_EQ(
        text(R"({"event":"client-x","channel":"private-a","data":{"n" : 1.0}})"),
        (SessionEffects{PublishClientEvent{"private-a", event_of(R"(,"event":"client-x","data":{"n" : 1.0}})")}}));
}

TEST_F(SessionTest, RejectsClientEventsThatTheRulesForbid) {
    enter("app/private-a");
    enter("app/public");
    enter("app/private-encrypted-a");
    const auto rejected = [](std::string_view channel, std::string_view reason) {
        return SessionEffects{Count{Refused::kClientEvent}, Send{error_frame({4301, reason}, channel)}};
    };
    constexpr std::string_view kWrongChannel = "Client events need a private or presence channel";
    EXPECT_EQ(text(R"({"event":"client-x","channel":"public","data":1})"), rejected("public", kWrongChannel));
    EXPECT_EQ(text(R"({"event":"client-x","channel":"private-encrypted-a","data":1})"),
              rejected("private-encrypted-a", kWrongChannel));
    EXPECT_EQ(text(R"({"event":"client-x","data":1})"), rejected("", kWrongChannel));
    EXPECT_EQ(text(R"({"event":"client-x","channel":"private-b","data":1})"),
              rejected("private-b", "Client events need a subscription to their channel"));
    EXPECT_EQ(text(R"({"event":"client-","channel":"private-a"})"),
              rejected("private-a", "The event name must have 8 to 200 characters"));
    EXPECT_EQ(text(R"({"event":"client-x","channel":"private-a","data":")" + std::string(101, 'x') + R"("})"),
              rejected("private-a", "The data of the client event is too large"));
    EXPECT_EQ(
        text(
            R"({"event":"client-x","channel":"private-a","data":["1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"]})"),
        rejected("private-a", "The data of the client event is too large"));
    app.client_events = false;
    EXPECT_EQ(text(R"({"event":"client-x","channel":"private-a","data":1})"),
              rejected("private-a", "Client events are not enabled for this app"));
}

TEST_F(SessionTest, CountsCharactersOfNamesAndDataWithoutItsEscapes) {
    enter("app/private-a");
    const auto times = [](std::size_t count, const std::string& text) {
        std::string all;
        for (std::size_t i = 0; i < count; ++i) {
            all += text;
        }
        return all;
    };
    const auto is_published = [&](const std::string& name, const std::string& data) {
        return std::holds_alternative<PublishClientEvent>(
            text(R"({"event":"client-)" + name + R"(","channel":"private-a","data":)" + data + "}").at(0));
    };
    EXPECT_TRUE(is_published(times(193, "\xe4\xb8\xad"), "1"));
    EXPECT_FALSE(is_published(times(194, "\xe4\xb8\xad"), "1"));
    EXPECT_TRUE(is_published("e", "\"" + times(100, "\\n") + "\""));
    EXPECT_FALSE(is_published("e", "\"" + times(101, "\\n") + "\""));
}

TEST_F(SessionTest, HandsOnTheVeryNameAndDataThatNoTextOfOursCanHold) {
    enter("app/private-a");
    EXPECT_EQ(
        text(R"({"event":"client-\ud83d","channel":"private-a","data":"\ud83d"})"),
        (SessionEffects{PublishClientEvent{"private-a", event_of(R"(,"event":"client-\ud83d","data":"\ud83d"})")}}));
}

TEST_F(SessionTest, TellsWhenTheNodeRefusedAClientEvent) {
    session.on_publish_refused(out);
    EXPECT_EQ(take(), (SessionEffects{Count{Refused::kClientEvent},
                                      Send{error_frame({4301, "The node does not accept events at the moment"})}}));
}

TEST_F(SessionTest, AsksTheClientToReconnectWhenTheNodeLeaves) {
    session.on_drain(out);
    session.on_drain(out);
    EXPECT_EQ(take(), (SessionEffects{Send{error_frame({4200, "The node is going away: please reconnect"})},
                                      Close{4200, "The node is going away: please reconnect"}}));
    session.on_subscribed("news", nullptr, out);
    EXPECT_EQ(take(), SessionEffects{});
}

TEST_F(SessionTest, ALossClosesWith4200Once) {
    session.on_loss(out);
    session.on_loss(out);
    EXPECT_EQ(take(), (SessionEffects{Send{error_frame({4200, "Messages were lost: please reconnect"})},
                                      Close{4200, "Messages were lost: please reconnect"}}));
}

TEST_F(SessionTest, IsClosedAfterADayWithoutASubscriptionOrAMessage) {
    session.on_open(kStart, out);
    Instant now = kStart;
    const auto live_until = [&](Instant end) {
        while (session.next_deadline() < end) {
            now = session.next_deadline();
            session.on_deadline(now, out);
            session.on_text(now, R"({"event":"pusher:pong"})", {channels, rooms}, out);
        }
        out.clear();
    };
    live_until(kStart + 24h);
    EXPECT_EQ(session.next_deadline(), kStart + 24h);
    EXPECT_EQ(text(R"({"event":"pusher:ping"})", kStart + 24h - 1s), (SessionEffects{Send{std::string(kPongFrame)}}));
    EXPECT_EQ(session.next_deadline(), kStart + 24h) << "a ping is no use";
    session.on_deadline(kStart + 24h, out);
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(std::get<Close>(out[1]).code, 4202);
}

TEST_F(SessionTest, IsOfUseWithAMessageOrASubscription) {
    session.on_open(kStart, out);
    text(R"({"event":"pusher:unsubscribe","data":{"channel":"news"}})", kStart + 20h);
    session.on_activity(kStart + 24h, true);
    take();
    session.on_deadline(kStart + 24h, out);
    EXPECT_EQ(take(), SessionEffects{});
    session.on_in_use(kStart + 43h);
    session.on_activity(kStart + 66h, true);
    session.on_deadline(kStart + 66h, out);
    EXPECT_EQ(take(), SessionEffects{});
    session.on_activity(kStart + 67h, true);
    session.on_deadline(kStart + 67h, out);
    EXPECT_EQ(std::get<Close>(take().back()).code, 4202);
}

TEST_F(SessionTest, HoldsToWhatItsAppAllowsAtTheMoment) {
    enter("app/private-a");
    constexpr std::string_view kEvent = R"({"event":"client-longer","channel":"private-a","data":1})";
    const auto refusal = [](std::string_view reason) {
        return SessionEffects{Count{Refused::kClientEvent}, Send{error_frame({4301, reason}, "private-a")}};
    };
    EXPECT_TRUE(std::holds_alternative<PublishClientEvent>(text(kEvent).at(0)));
    App anew = app;
    anew.max_event_name_length = 10;
    session.set_app(anew);
    EXPECT_EQ(text(kEvent), refusal("The event name is longer than this app allows"));
    anew.client_events = false;
    EXPECT_EQ(text(kEvent), refusal("Client events are not enabled for this app"));
    anew.max_channel_name_length = 4;
    EXPECT_TRUE(
        std::holds_alternative<Subscribe>(text(R"({"event":"pusher:subscribe","data":{"channel":"news"}})").at(0)));
    EXPECT_EQ(text(R"({"event":"pusher:subscribe","data":{"channel":"news5"}})"),
              (SessionEffects{
                  Count{Refused::kSubscription},
                  Send{subscription_error(
                      "news5", {"LimitReached", "The name of the channel is longer than this app allows", 4009})}}));
}

TEST_F(SessionTest, IsClosedWhenItsAppIsWithdrawn) {
    session.on_app_withdrawn(AppFate::kGone, out);
    EXPECT_EQ(take(), (SessionEffects{Send{error_frame({4001, "Application does not exist"})},
                                      Close{4001, "Application does not exist"}}));
    Session other(app, kSlot, "1.3", timeouts);
    other.on_app_withdrawn(AppFate::kDisabled, out);
    EXPECT_EQ(std::get<Close>(take().back()).code, 4003);
}

class ShutGate final : public AuthGate {
public:
    bool is_shut() const override { return true; }
};

TEST_F(SessionTest, LooksAtASignatureThoughItsAddressIsShut) {
    const ShutGate gate;
    const auto subscribe = [&](const std::string& text) {
        session.on_text(kStart,
                        R"({"event":"pusher:subscribe","data":{"channel":"private-a","auth":")" + auth(text) + R"("}})",
                        {channels, rooms, &gate}, out);
        return take();
    };
    EXPECT_EQ(subscribe("1.2:private-a"), (SessionEffects{Subscribe{"private-a"}}))
        << "others may have sent the wrong ones";
    const SessionEffects refused = subscribe("1.2:private-b");
    EXPECT_EQ(refused.at(0), SessionEffect{Count{Refused::kThrottled}});
    EXPECT_NE(std::get<Send>(refused.at(1)).text.find("\"status\":429"), std::string::npos);
    session.on_text(kStart, R"({"event":"pusher:subscribe","data":{"channel":"news"}})", {channels, rooms, &gate}, out);
    EXPECT_EQ(take(), (SessionEffects{Subscribe{"news"}}));
}

TEST_F(SessionTest, RefusesLongChannelDataWithoutLookingAtItsSignature) {
    const std::string longest(kMaxChannelDataBytes, ' ');
    const auto subscribe = [&](const std::string& data) {
        return text(R"({"event":"pusher:subscribe","data":{"channel":"private-a","auth":")" +
                    auth("1.2:private-a:" + data) + R"(","channel_data":")" + data + R"("}})");
    };
    EXPECT_EQ(subscribe(longest), (SessionEffects{Subscribe{"private-a"}}));
    EXPECT_EQ(subscribe(longest + " "),
              (SessionEffects{Count{Refused::kSubscription},
                              Send{subscription_error(
                                  "private-a", {"LimitReached", "The channel_data is larger than 32 KiB", 4301})}}));
}

TEST_F(SessionTest, IsReadNoFurtherWhileItChangesItsSubscriptionsTooFast) {
    session.on_open(kStart, out);
    take();
    const auto paused = [this](const char* event, Instant now) {
        const std::string frame = std::string(R"({"event":"pusher:)") + event + R"(","data":{"channel":"a"}})";
        const SessionEffects effects = text(frame, now);
        return std::find(effects.begin(), effects.end(), SessionEffect(Pause{})) != effects.end();
    };
    for (std::size_t i = 0; i < kSubscriptionBurst; ++i) {
        ASSERT_FALSE(paused(i % 2 == 0 ? "subscribe" : "unsubscribe", kStart)) << "a client that reconnects, " << i;
    }
    EXPECT_TRUE(paused("subscribe", kStart));
    EXPECT_FALSE(paused("subscribe", kStart)) << "what was read already is dealt with, and pauses it only once";
    const Instant resumed = session.next_deadline();
    EXPECT_LE(resumed - kStart, 2 * kSubscriptionPause);
    session.on_deadline(resumed - 1ns, out);
    EXPECT_TRUE(take().empty());
    session.on_deadline(resumed, out);
    EXPECT_EQ(take(), (SessionEffects{Resume{}}));
    EXPECT_GT(session.next_deadline(), resumed + 1s);

    Instant now = resumed;
    std::size_t changes = 0;
    for (; now < resumed + 10s; ++changes) {
        if (paused("unsubscribe", now)) {
            now = session.next_deadline();
            session.on_deadline(now, out);
            take();
        }
    }
    EXPECT_NEAR(static_cast<double>(changes), 10.0 * kSubscriptionsPerSecond, kSubscriptionsPerSecond);
    EXPECT_FALSE(paused("subscribe", now + 10s));
}

}  // namespace
}  // namespace tulle::node::pusher::session_test
