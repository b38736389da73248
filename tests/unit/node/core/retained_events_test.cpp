#include "node/core/retained_events.hpp"

#include <gtest/gtest.h>

namespace tulle::node::retained_events_test {
namespace {

constexpr Instant kNow{1000s};
constexpr std::string_view kChannel = "app/cache-a";

RetainedEvent event(std::uint64_t time, const std::string& body, std::uint64_t origin = 1, Instant until = kNow + 10s) {
    return {{time, OriginId{origin}}, share(EventBody({}, body)), until};
}

class RetainedEventsTest : public ::testing::Test {
protected:
    std::string last(Instant now = kNow) {
        const SharedBody body = events.last(kChannel, now);
        return body ? std::string(body->data()) : "none";
    }
    bool deliver(RetainedEvent delivered) { return events.on_delivered(kChannel, std::move(delivered)); }

    RetainedEvents events;
};

TEST_F(RetainedEventsTest, KeepsNothingOfAChannelWithoutSubscribersAndLetsEverythingPass) {
    EXPECT_TRUE(deliver(event(1, "a")));
    events.on_confirmed(kChannel, event(1, "a"));
    EXPECT_EQ(last(), "none");
    events.open(kChannel);
    EXPECT_EQ(last(), "none");
    EXPECT_TRUE(deliver(event(1, "a")));
    EXPECT_EQ(last(), "a");
    events.close(kChannel);
    EXPECT_EQ(last(), "none");
    events.open(kChannel);
    EXPECT_EQ(last(), "none");
}

TEST_F(RetainedEventsTest, HasWhatTheConfirmationBroughtUntilSomethingLaterComes) {
    events.open(kChannel);
    events.on_confirmed(kChannel, event(5, "a"));
    EXPECT_EQ(last(), "a");
    EXPECT_TRUE(deliver(event(6, "b")));
    EXPECT_EQ(last(), "b");
    EXPECT_TRUE(deliver(event(6, "c", 2)));
    EXPECT_EQ(last(), "c") << "of one time the greater origin's";
    EXPECT_TRUE(deliver(event(4, "old"))) << "late, but not seen before";
    EXPECT_EQ(last(), "c");
}

TEST_F(RetainedEventsTest, StopsTheVeryEventThatTheConfirmationBrought) {
    events.open(kChannel);
    events.on_confirmed(kChannel, event(5, "a"));
    EXPECT_TRUE(deliver(event(6, "b")));
    EXPECT_FALSE(deliver(event(5, "a"))) << "also after a later one";
    EXPECT_TRUE(deliver(event(5, "other", 2)));
    EXPECT_EQ(last(), "b");
}

TEST_F(RetainedEventsTest, TakesTheLaterOfWhatCameBeforeTheConfirmationAndWhatItBrought) {
    events.open(kChannel);
    EXPECT_TRUE(deliver(event(7, "delivered")));
    events.on_confirmed(kChannel, event(5, "brought"));
    EXPECT_EQ(last(), "delivered");
    events.on_confirmed(kChannel, std::nullopt);
    EXPECT_EQ(last(), "delivered");
    events.on_confirmed(kChannel, event(9, "brought"));
    EXPECT_EQ(last(), "brought");
}

TEST_F(RetainedEventsTest, TakesWhatTheMeshFindsLaterAndLetsItPassWhenItIsDelivered) {
    events.on_found(kChannel, event(5, "found"));
    events.open(kChannel);
    EXPECT_EQ(last(), "none");
    EXPECT_TRUE(deliver(event(4, "a")));
    events.on_found(kChannel, event(5, "found"));
    EXPECT_EQ(last(), "found");
    events.on_found(kChannel, event(3, "older"));
    EXPECT_EQ(last(), "found");
    EXPECT_TRUE(deliver(event(5, "found"))) << "the subscribers have not had it";
}

TEST_F(RetainedEventsTest, ForgetsAnEventWhenItsTimeIsOver) {
    events.open(kChannel);
    events.on_confirmed(kChannel, event(5, "a", 1, kNow + 1s));
    EXPECT_EQ(last(kNow + 1s - 1ns), "a");
    EXPECT_EQ(last(kNow + 1s), "none");
    EXPECT_TRUE(deliver(event(4, "older", 1, kNow + 99s)));
    EXPECT_EQ(last(kNow + 2s), "none") << "what was before the last one is not the last one again";
    EXPECT_TRUE(deliver(event(6, "b", 1, kNow + 99s)));
    EXPECT_EQ(last(kNow + 2s), "b");
}

}  // namespace
}  // namespace tulle::node::retained_events_test
