#include "client/core/limits.hpp"
#include "tests/unit/client/connected.hpp"

namespace tulle::client::encrypted_channel_test {
namespace {

const std::string kChannel = "private-encrypted-notes";

/// "KEY:TEXT" opens with KEY.
Result<std::string, SealErrc> open_test(std::string_view key, std::string_view data) {
    const std::size_t colon = data.find(':');
    if (colon == std::string_view::npos) {
        return SealErrc::kMalformed;
    }
    if (data.substr(0, colon) != key) {
        return SealErrc::kWrongKey;
    }
    return std::string(data.substr(colon + 1));
}

ChannelEvent event(const std::string& data) {
    return ChannelEvent{kChannel, "note", data, {}, {}};
}

Authorized answer(const std::string& key) {
    return Authorized{DialId{1}, SubscribeRequest{kChannel, "key:signature", {}}, {}, key};
}

class EncryptedChannel : public Connected {
protected:
    EncryptedChannel() : Connected(open_test) {
        step(Want{kChannel});
        step(answer("old"));
        receive(SubscriptionSucceeded{kChannel, "{}", {}});
    }
    /// That one event is lost, and nothing else comes of it.
    static void expect_lost(const Effects& out) {
        ASSERT_EQ(out.size(), 1u);
        const ChannelEvent& told = std::get<Deliver>(out[0]).event;
        EXPECT_EQ(told.name, "tulle:decryption_error");
        EXPECT_EQ(std::get<Fault>(told.detail).kind, FaultKind::kDecryption);
    }
    const Effects asked_{Authorize{kFirst, kSocket, kChannel}};
};

TEST_F(EncryptedChannel, DeliversThePlainText) {
    EXPECT_EQ(receive(event("old:hello")), (Effects{Deliver{event("hello")}}));
}

TEST_F(EncryptedChannel, AsksForANewKeyOnceAndOpensTheEventWithIt) {
    EXPECT_EQ(receive(event("new:one")), asked_);
    EXPECT_EQ(step(answer("new")), (Effects{Deliver{event("one")}}));
    EXPECT_EQ(receive(event("new:two")), (Effects{Deliver{event("two")}}));
}

TEST_F(EncryptedChannel, TellsAnErrorWhenTheNewKeyDoesNotFitEitherAndAsksAgainForTheNextEvent) {
    EXPECT_EQ(receive(event("new:one")), asked_);
    expect_lost(step(answer("other")));
    EXPECT_EQ(receive(event("new:two")), asked_);
    EXPECT_EQ(step(answer("new")), (Effects{Deliver{event("two")}}));
}

TEST_F(EncryptedChannel, TellsAnErrorWhenThereIsNoNewKeyAndKeepsTheOld) {
    EXPECT_EQ(receive(event("new:one")), asked_);
    expect_lost(step(AuthorizationFailed{kFirst, kChannel, "{}", "no"}));
    EXPECT_EQ(receive(event("old:two")), (Effects{Deliver{event("two")}}));
}

TEST_F(EncryptedChannel, KeepsTheOrderWhileItWaitsForAKey) {
    EXPECT_EQ(receive(event("new:one")), asked_);
    EXPECT_EQ(receive(event("new:two")), Effects{});
    EXPECT_EQ(receive(event("newer:three")), Effects{});
    EXPECT_EQ(receive(event("newer:four")), Effects{});
    EXPECT_EQ(step(answer("new")),
              (Effects{Deliver{event("one")}, Deliver{event("two")}, Authorize{kFirst, kSocket, kChannel}}));
    EXPECT_EQ(step(answer("newer")), (Effects{Deliver{event("three")}, Deliver{event("four")}}));
}

TEST_F(EncryptedChannel, LetsOnlySoManyEventsWait) {
    for (std::size_t n = 0; n < kMaxSealedWaiting; ++n) {
        receive(event("new:x"));
    }
    expect_lost(receive(event("new:x")));
    EXPECT_EQ(step(answer("new")).size(), kMaxSealedWaiting);
}

TEST_F(EncryptedChannel, TellsAnErrorForWhatIsNotEncryptedWithoutAskingForAKey) {
    expect_lost(receive(event("plain")));
}

TEST_F(EncryptedChannel, PassesWhatTheServerItselfSays) {
    const ChannelEvent gap{kChannel, "tulle:gap", "{}", {}, Gap{1}};
    EXPECT_EQ(receive(gap), (Effects{Deliver{gap}}));
}

TEST_F(EncryptedChannel, IsAuthorizedAnewForAnotherConnectionAndTakesItsKey) {
    EXPECT_EQ(come_back(), (Effects{Authorize{kSecond, "56.78", kChannel}}));
    Authorized again = answer("new");
    again.dial = kSecond;
    EXPECT_EQ(step(again), (Effects{Send{again.request}}));
    receive(SubscriptionSucceeded{kChannel, "{}", {}}, kSecond);
    EXPECT_EQ(receive(event("new:one"), kSecond), (Effects{Deliver{event("one")}}));
}

TEST_F(EncryptedChannel, IgnoresAKeyThatNobodyAskedFor) {
    EXPECT_EQ(step(answer("new")), Effects{});
    EXPECT_EQ(receive(event("old:one")), (Effects{Deliver{event("one")}}));
}

}  // namespace
}  // namespace tulle::client::encrypted_channel_test
