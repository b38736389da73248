#include "client/core/subscriptions.hpp"

#include <gtest/gtest.h>

namespace tulle::client::subscriptions_test {
namespace {

using State = SubscriptionState;

TEST(Subscriptions, AChannelLivesFromItsFirstHolderToItsLast) {
    SubscriptionBook book;
    State was = State::kIdle;
    EXPECT_TRUE(book.add("b"));
    EXPECT_FALSE(book.add("b"));
    book.set_state("b", State::kSubscribed);
    EXPECT_FALSE(book.remove("b", was));
    EXPECT_EQ(book.state("b"), State::kSubscribed);
    EXPECT_TRUE(book.remove("b", was));
    EXPECT_EQ(was, State::kSubscribed);
    EXPECT_EQ(book.state("b"), std::nullopt);
    EXPECT_FALSE(book.remove("b", was));
}

TEST(Subscriptions, AreAllIdleAfterTheConnectionHasGone) {
    SubscriptionBook book;
    book.add("b");
    book.add("a");
    book.set_state("a", State::kRefused);
    book.set_state("b", State::kSubscribed);
    book.reset();
    EXPECT_EQ(book.state("a"), State::kIdle);
    EXPECT_EQ(book.state("b"), State::kIdle);
    EXPECT_EQ(book.channels(), (std::vector<std::string>{"a", "b"}));
}

TEST(Subscriptions, AStateForAChannelThatNobodyWantsHasNoEffect) {
    SubscriptionBook book;
    book.set_state("a", State::kSubscribed);
    EXPECT_EQ(book.state("a"), std::nullopt);
}

}  // namespace
}  // namespace tulle::client::subscriptions_test
