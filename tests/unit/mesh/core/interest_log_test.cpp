#include "mesh/core/interest_log.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh {
namespace {

TEST(InterestLog, CountsChangesAndKeepsADigestOfTheSet) {
    InterestLog log{Limits{}};
    EXPECT_EQ(log.add("a"), InterestVersion{1});
    EXPECT_EQ(log.add("b"), InterestVersion{2});
    const std::uint64_t both = log.digest();
    log.remove("a");
    EXPECT_EQ(log.version(), InterestVersion{3});
    EXPECT_NE(log.digest(), both);
    log.add("a");
    EXPECT_EQ(log.digest(), both);
}

TEST(InterestLog, GivesTheChangesAfterAVersion) {
    InterestLog log{Limits{}};
    log.add("a");
    log.add("b");
    log.remove("a");
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
        log.add(channel);
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
        log.add(channel);
    }
    const InterestChunk first = log.chunk(1, log.version(), {});
    EXPECT_EQ(first.channels, (std::vector<std::string>{"a", "b"}));
    EXPECT_FALSE(first.last);
    const InterestChunk second = log.chunk(1, log.version(), "b");
    EXPECT_EQ(second.channels, (std::vector<std::string>{"c"}));
    EXPECT_TRUE(second.last);
}

}  // namespace
}  // namespace tulle::mesh
