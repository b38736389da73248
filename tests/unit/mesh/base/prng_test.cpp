#include "mesh/base/prng.hpp"

#include <gtest/gtest.h>

namespace tulle::prng_test {
namespace {

TEST(Prng, RepeatsItselfForTheSameSeed) {
    Prng a(7);
    Prng b(7);
    Prng c(8);
    const std::uint64_t first = a.next();
    EXPECT_EQ(first, b.next());
    EXPECT_NE(first, c.next());
}

TEST(Prng, StaysBelowTheBound) {
    Prng prng(1);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_LT(prng.below(3), 3u);
    }
}

}  // namespace
}  // namespace tulle::prng_test
