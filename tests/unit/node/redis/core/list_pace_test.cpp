#include "node/redis/core/list_pace.hpp"

#include <gtest/gtest.h>

namespace tulle::node::redis::list_pace_test {
namespace {

/// A turn at whose end two clients want a list. Returns how many may ask.
int turn(ListPace& pace) {
    pace.begin_turn_end();
    const int asked = int{pace.take()} + int{pace.take()};
    pace.finish_turn_end();
    return asked;
}

TEST(ListPace, OneListInEverySecondTurn) {
    ListPace pace;
    EXPECT_EQ(turn(pace), 1);
    EXPECT_EQ(turn(pace), 0) << "the answer has this turn";
    EXPECT_EQ(turn(pace), 1) << "the reply has had this turn";
    EXPECT_EQ(turn(pace), 0);
    EXPECT_EQ(turn(pace), 1);
}

TEST(ListPace, NobodyAsksInTheMiddleOfATurnBeforeThoseThatWait) {
    ListPace pace;
    EXPECT_FALSE(pace.take());
    EXPECT_EQ(turn(pace), 1);
}

}  // namespace
}  // namespace tulle::node::redis::list_pace_test
