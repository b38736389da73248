#include "mesh/core/interest/interest_log.hpp"

#include <gtest/gtest.h>

#include "tests/unit/mesh/core/interest_changes.hpp"

namespace tulle::mesh::interest_log_test {
namespace {

TEST(InterestLog, CountsChangesAndKeepsADigestOfTheSet) {
    InterestLog log{Limits{}};
    EXPECT_EQ(add(log, "a"), InterestVersion{1});
    EXPECT_EQ(add(log, "b"), InterestVersion{2});
    const std::uint64_t both = log.digest();
    remove(log, "a");
    EXPECT_EQ(log.version(), InterestVersion{3});
    EXPECT_NE(log.digest(), both);
    add(log, "a");
    EXPECT_EQ(log.digest(), both);
}

TEST(InterestLog, GivesTheChangesAfterAVersion) {
    InterestLog log{Limits{}};
    add(log, "a");
    add(log, "b");
    remove(log, "a");
    const InterestDelta delta = log.changes_after(InterestVersion{1});
    EXPECT_EQ(delta.base, InterestVersion{1});
    EXPECT_EQ(delta.current, InterestVersion{3});
    EXPECT_EQ(delta.changes, (std::vector<InterestChange>{{true, "b"}, {false, "a"}}));
}

TEST(InterestLog, ForgetsOldChangesAndSaysSo) {
    Limits limits;
    limits.interest_log = 2;
    InterestLog log{limits};
    for (const char* channel : {"a", "b", "c"}) {
        add(log, channel);
    }
    EXPECT_FALSE(log.reaches(InterestVersion{0}));
    EXPECT_TRUE(log.reaches(InterestVersion{1}));
    EXPECT_TRUE(log.reaches(InterestVersion{3}));
    EXPECT_FALSE(log.reaches(InterestVersion{4}));
}

TEST(InterestLog, ReadsItselfInChunks) {
    Limits limits;
    limits.interest_bytes = 12;
    InterestLog log{limits};
    for (const char* channel : {"c", "a", "b"}) {
        add(log, channel);
    }
    const InterestChunk first = log.chunk(1, log.version(), {});
    EXPECT_EQ(first.channels, (std::vector<std::string>{"a", "b"}));
    EXPECT_FALSE(first.last);
    const InterestChunk second = log.chunk(1, log.version(), "b");
    EXPECT_EQ(second.channels, (std::vector<std::string>{"c"}));
    EXPECT_TRUE(second.last);
}

}  // namespace
}  // namespace tulle::mesh::interest_log_test
