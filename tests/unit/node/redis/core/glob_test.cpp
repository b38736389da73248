#include "node/redis/core/glob.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "mesh/base/prng.hpp"
#include "node/redis/core/limits.hpp"

namespace tulle::node::redis::glob_test {
namespace {

using namespace std::string_view_literals;

/// The answers here are those of redis-server 7.0.15 (KEYS, and PUBLISH after PSUBSCRIBE), also where they are odd.
struct Pair {
    std::string_view pattern;
    std::string_view text;
    bool matches;
};

template <std::size_t kSize>
void expect_answers(const Pair (&pairs)[kSize]) {
    for (const Pair& pair : pairs) {
        EXPECT_EQ(glob_matches(pair.pattern, pair.text), pair.matches) << pair.pattern << " | " << pair.text;
    }
}

TEST(Glob, APatternWithoutSpecialBytesMatchesItself) {
    expect_answers({{"news", "news", true},
                    {"news", "News", false},
                    {"news", "new", false},
                    {"news", "newss", false},
                    {"", "", true},
                    {"", "a", false},
                    {"a\0b"sv, "a\0b"sv, true},
                    {"a\0b"sv, "a\0c"sv, false}});
}

TEST(Glob, AStarMatchesAnyBytes) {
    expect_answers({{"*", "a", true},
                    {"n*", "n", true},
                    {"n*", "news", true},
                    {"*s", "news", true},
                    {"*s", "new", false},
                    {"n*s", "news", true},
                    {"n*ws*", "news", true},
                    {"**w**", "news", true},
                    {"*\0"sv, "ab\0"sv, true}});
}

TEST(Glob, AStarComesBackUntilTheRestMatches) {
    expect_answers({{"*ab", "aab", true},
                    {"*aab", "aaab", true},
                    {"*a*b", "acbcb", true},
                    {"*ab*ba", "aba", false},
                    {"*ab*ba", "abba", true},
                    {"a*?b", "ab", false},
                    {"a*?b", "aab", true},
                    {"*[ab]c*c", "acc", true}});
}

TEST(Glob, AStarDoesNotMatchAnEmptyText) {
    expect_answers({{"*", "", false}, {"**", "", false}, {"?", "", false}, {"[^a]", "", false}});
}

TEST(Glob, AQuestionMarkMatchesOneByte) {
    expect_answers({{"h?llo", "hello", true},
                    {"h?llo", "hllo", false},
                    {"?", "\xc3\xa9", false},
                    {"??", "\xc3\xa9", true},
                    {"*?", "a", true}});
}

TEST(Glob, BracketsMatchOneOfTheirBytes) {
    expect_answers({{"h[ae]llo", "hallo", true},
                    {"h[ae]llo", "hillo", false},
                    {"h[^e]llo", "hallo", true},
                    {"h[^e]llo", "hello", false},
                    {"[e^]", "^", true},
                    {"[?]", "a", false},
                    {"[*]", "*", true}});
}

TEST(Glob, BracketsHoldRangesInEitherDirection) {
    expect_answers({{"[a-c]", "b", true},
                    {"[c-a]", "b", true},
                    {"[a-c]", "d", false},
                    {"[^a-c]", "d", true},
                    {"[a-cx]", "x", true},
                    {"[-a]", "-", true},
                    {"[--a]", "0", true}});
}

/// Bytes are signed on x86, so 0xff stands before 0 and 0x80 is the least byte.
TEST(Glob, RangesTakeBytesAsSignedNumbers) {
    expect_answers({{"[a-\xff]", "A", true},
                    {"[a-\xff]", "b", false},
                    {"[\x80-\xff]", "\xc0", true},
                    {"[\x80-\xff]", "a", false},
                    {"[\0-\xff]"sv, "a", false}});
}

TEST(Glob, ABracketThatDoesNotCloseEndsWithThePattern) {
    expect_answers({{"[ab", "a", true},
                    {"[ab", "c", false},
                    {"[ab", "ab", false},
                    {"[", "[", false},
                    {"[^", "a", true},
                    {"[^", "ab", false},
                    {"[a-", "-", true},
                    {"[a-]", "]", true},
                    {"[a-]", "^", true},
                    {"[a-]", "-", false}});
}

TEST(Glob, BracketsWithoutBytesMatchNothing) {
    expect_answers({{"[]", "]", false}, {"[]a]", "aa]", false}, {"[^]", "a", true}, {"[^]", "aa", false}});
}

TEST(Glob, ABackslashTakesTheSpecialMeaning) {
    expect_answers({{"\\*", "*", true},
                    {"\\*", "a", false},
                    {"\\a", "a", true},
                    {"\\\\", "\\", true},
                    {"[\\]]", "]", true},
                    {"[a\\-c]", "b", false},
                    {"[a\\-c]", "-", true},
                    {"[a-\\]]", "b]", false},
                    {"[\\]", "]", true},
                    {"[\\", "\\", true}});
}

TEST(Glob, ABackslashAtTheEndStandsForItself) {
    expect_answers({{"\\", "\\", true}, {"a\\", "a\\", true}, {"a\\", "a", false}});
}

/// A slow but plain matcher for stars, question marks and letters: what follows a star is tried everywhere.
bool matches_slowly(std::string_view pattern, std::string_view text) {
    if (pattern.empty()) {
        return text.empty();
    }
    if (pattern.front() == '*') {
        return matches_slowly(pattern.substr(1), text) || (!text.empty() && matches_slowly(pattern, text.substr(1)));
    }
    return !text.empty() && (pattern.front() == '?' || pattern.front() == text.front()) &&
           matches_slowly(pattern.substr(1), text.substr(1));
}

TEST(Glob, ToComeBackToTheLastStarIsEnough) {
    Prng random(1);
    int matches = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string pattern;
        std::string text(1, "ab"[random.below(2)]);
        for (std::uint64_t size = random.below(9); size > 0; --size) {
            pattern += "ab?**"[random.below(5)];
        }
        for (std::uint64_t size = random.below(10); size > 0; --size) {
            text += "ab"[random.below(2)];
        }
        ASSERT_EQ(glob_matches(pattern, text), matches_slowly(pattern, text)) << pattern << " | " << text;
        matches += glob_matches(pattern, text) ? 1 : 0;
    }
    EXPECT_GT(matches, 2'000);
}

/// A matcher that comes back to every star would not end.
TEST(Glob, AHostilePatternEnds) {
    std::string pattern;
    for (std::size_t i = 0; i < kMaxPatternStars; ++i) {
        pattern += "*a";
    }
    EXPECT_TRUE(is_allowed_pattern(pattern + "b"));
    EXPECT_FALSE(glob_matches(pattern + "b", std::string(kMaxNameBytes, 'a')));
}

TEST(Glob, APatternIsAllowedUpToItsLength) {
    EXPECT_TRUE(is_allowed_pattern(std::string(kMaxPatternBytes, 'a')));
    EXPECT_FALSE(is_allowed_pattern(std::string(kMaxPatternBytes + 1, 'a')));
}

TEST(Glob, APatternIsAllowedUpToItsStars) {
    std::string pattern;
    for (std::size_t i = 0; i < kMaxPatternStars; ++i) {
        pattern += "a*";
    }
    EXPECT_TRUE(is_allowed_pattern(pattern));
    EXPECT_TRUE(is_allowed_pattern(pattern + "***"));
    EXPECT_FALSE(is_allowed_pattern(pattern + "a*"));
}

TEST(Glob, OnlyStarsThatMatchAnyBytesCount) {
    std::string pattern;
    for (std::size_t i = 0; i < 2 * kMaxPatternStars; ++i) {
        pattern += "\\*[*a*]";
    }
    EXPECT_TRUE(is_allowed_pattern(pattern));
}

TEST(Glob, TakesNoMoreStepsThanItMay) {
    const std::string pattern = "*" + std::string(900, 'a') + "b";
    const std::string text(4000, 'a');
    std::size_t steps = 100'000'000;
    EXPECT_FALSE(glob_matches(pattern, text, steps));
    EXPECT_LT(steps, 100'000'000u - 1'000'000);
    steps = 100;
    EXPECT_FALSE(glob_matches(pattern, text, steps));
    EXPECT_EQ(steps, 0u);
    steps = 10;
    EXPECT_TRUE(glob_matches("a*", "abc", steps));
    EXPECT_GT(steps, 0u);
}

}  // namespace
}  // namespace tulle::node::redis::glob_test
