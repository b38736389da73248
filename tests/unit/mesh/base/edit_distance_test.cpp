#include "mesh/base/edit_distance.hpp"

#include <gtest/gtest.h>

namespace tulle::edit_distance_test {
namespace {

TEST(EditDistance, CountsLettersThatAreInsertedTakenAwayReplacedOrExchanged) {
    EXPECT_EQ(edit_distance("", ""), 0u);
    EXPECT_EQ(edit_distance("status", "status"), 0u);
    EXPECT_EQ(edit_distance("stauts", "status"), 1u);
    EXPECT_EQ(edit_distance("peer", "peers"), 1u);
    EXPECT_EQ(edit_distance("lissten", "listen"), 1u);
    EXPECT_EQ(edit_distance("home", "name"), 2u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("abc", ""), 3u);
}

}  // namespace
}  // namespace tulle::edit_distance_test
