#include "client/core/connection.hpp"

#include <string>
#include <variant>

#include <gtest/gtest.h>

namespace tulle::client::connection_test {
namespace {

constexpr Instant kStart{1h};
constexpr DialId kFirst{1};
constexpr DialId kSecond{2};
const std::string kSocket = "12.34";
const Fault kNo{FaultKind::kRefused, std::nullopt, "AuthError", "no"};

/// A connection with two servers.
class ConnectionTest : public testing::Test {
protected:
    Effects step(Instant now, const Input& input) {
        Effects out;
        connection_.step(now, input, out);
        return out;
    }
    Effects receive(Instant now, ServerMessage message, DialId dial = kFirst) {
        return step(now, Received{dial, std::move(message)});
    }
    void connect() {
        step(kStart, Start{});
        receive(kStart, Established{kSocket, 60s});
    }
    void subscribe(const std::string& channel) {
        step(kStart, Want{channel});
        receive(kStart, SubscriptionSucceeded{channel, "{}", {}});
    }

    Connection connection_{ConnectionConfig{.servers = 2}, Prng(7)};
};

TEST_F(ConnectionTest, DialsTheFirstServerAtOnceAndGivesItTenSeconds) {
    EXPECT_EQ(connection_.next_deadline(), std::nullopt);
    EXPECT_EQ(step(kStart, Start{}), (Effects{ReportState{Phase::kConnecting, 0, {}, {}, {}}, Dial{kFirst, 0}}));
    EXPECT_EQ(connection_.next_deadline(), kStart + 10s);
    EXPECT_EQ(step(kStart + 9s, Tick{}), Effects{});
}

TEST_F(ConnectionTest, ConnectsWhenTheServerNamesTheSocketAndSubscribesToAllThatIsWanted) {
    step(kStart, Start{});
    EXPECT_EQ(step(kStart, Want{"news"}), Effects{});
    EXPECT_EQ(step(kStart, Want{"private-chat"}), Effects{});
    EXPECT_EQ(receive(kStart + 1s, Established{kSocket, 60s}),
              (Effects{ReportState{Phase::kConnected, 0, kSocket, {}, {}}, Send{SubscribeRequest{"news", {}, {}}},
                       Authorize{kFirst, kSocket, "private-chat"}}));
    EXPECT_EQ(connection_.next_deadline(), kStart + 61s);
}

TEST_F(ConnectionTest, SendsTheAuthStringOfTheApplicationWithTheSubscription) {
    connect();
    step(kStart, Want{"private-chat"});
    const SubscribeRequest request{"private-chat", "key:signature", "data"};
    EXPECT_EQ(step(kStart, Authorized{kFirst, request, {}, {}}), (Effects{Send{request}}));
}

TEST_F(ConnectionTest, IgnoresAnAuthStringForAnOlderConnectionOrAChannelNoLongerWanted) {
    connect();
    step(kStart, Want{"private-chat"});
    const SubscribeRequest request{"private-chat", "key:signature", {}};
    EXPECT_EQ(step(kStart, Authorized{DialId{0}, request, {}, {}}), Effects{});
    EXPECT_EQ(step(kStart, Unwant{"private-chat"}), Effects{});
    EXPECT_EQ(step(kStart, Authorized{kFirst, request, {}, {}}), Effects{});
}

TEST_F(ConnectionTest, TellsTheSubscriberThatTheApplicationRefused) {
    connect();
    step(kStart, Want{"private-chat"});
    EXPECT_EQ(step(kStart, AuthorizationFailed{kFirst, "private-chat", "{}", "no"}),
              (Effects{Deliver{ChannelEvent{"private-chat", "pusher:subscription_error", "{}", {}, kNo}}}));
    EXPECT_EQ(step(kStart, Unwant{"private-chat"}), Effects{});
}

TEST_F(ConnectionTest, TellsTheSubscriberWhatBecameOfTheSubscription) {
    connect();
    EXPECT_EQ(step(kStart, Want{"news"}), (Effects{Send{SubscribeRequest{"news", {}, {}}}}));
    EXPECT_EQ(receive(kStart, SubscriptionSucceeded{"news", "{}", {}}),
              (Effects{Deliver{ChannelEvent{"news", "pusher:subscription_succeeded", "{}", {}, Subscribed{}}}}));
    EXPECT_EQ(receive(kStart, SubscriptionSucceeded{"news", "{}", {}}), Effects{});
    step(kStart, Want{"other"});
    EXPECT_EQ(receive(kStart, SubscriptionError{"other", "{}", kNo}),
              (Effects{Deliver{ChannelEvent{"other", "pusher:subscription_error", "{}", {}, kNo}}}));
}

TEST_F(ConnectionTest, DeliversEventsOfWantedChannelsOnly) {
    connect();
    subscribe("news");
    const ChannelEvent event{"news", "e", "1", {}};
    EXPECT_EQ(receive(kStart, event), (Effects{Deliver{event}}));
    EXPECT_EQ(receive(kStart, ChannelEvent{"other", "e", "1", {}}), Effects{});
}

TEST_F(ConnectionTest, UnsubscribesWithTheLastHolder) {
    connect();
    subscribe("news");
    EXPECT_EQ(step(kStart, Want{"news"}), Effects{});
    EXPECT_EQ(step(kStart, Unwant{"news"}), Effects{});
    EXPECT_EQ(step(kStart, Unwant{"news"}), (Effects{Send{UnsubscribeRequest{"news"}}}));
}

TEST_F(ConnectionTest, SendsAClientEventToASubscribedChannelOnly) {
    connect();
    const ClientEvent event{"private-chat", "client-x", "1"};
    const Effects refused{ReportError{std::nullopt, "client event not sent: not subscribed now", "private-chat"}};
    EXPECT_EQ(step(kStart, Trigger{event}), refused);
    step(kStart, Want{"private-chat"});
    step(kStart, Authorized{kFirst, SubscribeRequest{"private-chat", "a", {}}, {}, {}});
    EXPECT_EQ(step(kStart, Trigger{event}), refused);
    receive(kStart, SubscriptionSucceeded{"private-chat", "{}", {}});
    EXPECT_EQ(step(kStart, Trigger{event}), (Effects{Send{event}}));
    step(kStart, Lost{kFirst, std::nullopt, "gone"});
    EXPECT_EQ(step(kStart, Trigger{event}), refused);
}

TEST_F(ConnectionTest, AnswersAPing) {
    connect();
    EXPECT_EQ(receive(kStart + 1s, Ping{}), (Effects{Send{Pong{}}}));
    EXPECT_EQ(connection_.next_deadline(), kStart + 61s);
}

TEST_F(ConnectionTest, PingsAfterTheServersActivityTimeoutAndGoesOnWithAnySignOfLife) {
    connect();
    EXPECT_EQ(step(kStart + 59s, Tick{}), Effects{});
    EXPECT_EQ(step(kStart + 60s, Tick{}), (Effects{Send{Ping{}}}));
    EXPECT_EQ(connection_.next_deadline(), kStart + 90s);
    EXPECT_EQ(receive(kStart + 89s, Unknown{}), Effects{});
    EXPECT_EQ(connection_.next_deadline(), kStart + 149s);
}

TEST_F(ConnectionTest, TakesItsOwnActivityTimeoutWhenTheServersIsLonger) {
    step(kStart, Start{});
    receive(kStart, Established{kSocket, 600s});
    EXPECT_EQ(connection_.next_deadline(), kStart + 120s);
}

TEST_F(ConnectionTest, GivesASilentServerUpThirtySecondsAfterThePing) {
    connect();
    step(kStart + 60s, Tick{});
    const Effects out = step(kStart + 90s, Tick{});
    ASSERT_EQ(out.size(), 2u);
    EXPECT_EQ(out[0], Effect{Drop{kFirst}});
    const auto& state = std::get<ReportState>(out[1]);
    EXPECT_EQ(state.phase, Phase::kWaiting);
    EXPECT_EQ(state.server, 1u);
    EXPECT_EQ(state.reason, "no answer to a ping");
    EXPECT_LT(state.retry_in, 250ms);
    EXPECT_EQ(connection_.next_deadline(), kStart + 90s + state.retry_in);
}

TEST_F(ConnectionTest, GivesAServerUpThatDoesNotConnectInTime) {
    step(kStart, Start{});
    const Effects out = step(kStart + 10s, Tick{});
    ASSERT_EQ(out.size(), 2u);
    EXPECT_EQ(out[0], Effect{Drop{kFirst}});
    EXPECT_EQ(std::get<ReportState>(out[1]).reason, "no connection in time");
}

TEST_F(ConnectionTest, GoesToTheNextServerWhenTheConnectionIsLostAndSubscribesAgain) {
    connect();
    subscribe("news");
    const Effects lost = step(kStart + 1s, Lost{kFirst, std::nullopt, "reset"});
    ASSERT_EQ(lost.size(), 1u);
    const auto& state = std::get<ReportState>(lost[0]);
    EXPECT_EQ(state.phase, Phase::kWaiting);
    EXPECT_EQ(state.server, 1u);
    EXPECT_EQ(state.reason, "reset");
    const Instant next = kStart + 1s + state.retry_in;
    EXPECT_EQ(step(next, Tick{}), (Effects{ReportState{Phase::kConnecting, 1, {}, {}, {}}, Dial{kSecond, 1}}));
    EXPECT_EQ(receive(next, Established{"56.78", 60s}, kSecond),
              (Effects{ReportState{Phase::kConnected, 1, "56.78", {}, {}}, Send{SubscribeRequest{"news", {}, {}}}}));
}

TEST_F(ConnectionTest, IgnoresWhatComesFromAnOlderConnection) {
    connect();
    const Effects lost = step(kStart, Lost{kFirst, 4200, "restart"});
    EXPECT_EQ(lost, (Effects{ReportState{Phase::kWaiting, 1, {}, "restart", {}, 4200},
                             ReportState{Phase::kConnecting, 1, {}, {}, {}}, Dial{kSecond, 1}}));
    EXPECT_EQ(receive(kStart, Established{kSocket, 60s}, kFirst), Effects{});
    EXPECT_EQ(step(kStart, Lost{kFirst, std::nullopt, "again"}), Effects{});
    EXPECT_EQ(connection_.phase(), Phase::kConnecting);
}

TEST_F(ConnectionTest, EndsForGoodAtAFatalCloseCode) {
    connect();
    EXPECT_EQ(step(kStart, Lost{kFirst, 4001, "no such app"}),
              Effects{(ReportState{Phase::kFailed, 0, {}, "no such app", {}, 4001})});
    EXPECT_EQ(connection_.next_deadline(), std::nullopt);
    EXPECT_EQ(step(kStart, Tick{}), Effects{});
    EXPECT_EQ(step(kStart, Want{"news"}), Effects{});
}

TEST_F(ConnectionTest, TakesAnErrorDuringTheHandshakeAsTheEndOfTheConnection) {
    step(kStart, Start{});
    EXPECT_EQ(receive(kStart, ServerError{4001, "no such app", {}}),
              (Effects{Drop{kFirst}, ReportState{Phase::kFailed, 0, {}, "no such app", {}, 4001}}));
}

TEST_F(ConnectionTest, ReportsAnErrorOnALiveConnectionAndKeepsIt) {
    connect();
    EXPECT_EQ(receive(kStart, ServerError{4301, "too fast", "private-chat"}),
              Effects{(ReportError{4301, "too fast", "private-chat"})});
    EXPECT_EQ(connection_.phase(), Phase::kConnected);
}

TEST_F(ConnectionTest, SaysFarewellWhenTheApplicationCloses) {
    connect();
    EXPECT_EQ(step(kStart, Close{}),
              (Effects{Farewell{kFirst}, ReportState{Phase::kClosed, 0, {}, "closed by the application", {}}}));
    EXPECT_EQ(step(kStart, Close{}), Effects{});
    EXPECT_EQ(step(kStart, Lost{kFirst, 1000, "closed"}), Effects{});
    EXPECT_EQ(connection_.next_deadline(), std::nullopt);
}

TEST_F(ConnectionTest, DropsAHalfMadeConnectionWhenTheApplicationCloses) {
    step(kStart, Start{});
    EXPECT_EQ(step(kStart, Close{}),
              (Effects{Drop{kFirst}, ReportState{Phase::kClosed, 0, {}, "closed by the application", {}}}));
}

}  // namespace
}  // namespace tulle::client::connection_test
