#include "mesh/io/key_choice.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <zmq.hpp>

#include "tests/unit/mesh/io/two_keys.hpp"

namespace tulle::mesh::key_choice_test {
namespace {

constexpr int kNoReason = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
constexpr int kRefused = ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
constexpr Instant kStart{1h};

/// Lets every key of the ring fail once, from `now` on. Returns the verdict on the last one.
bool fail_round(KeyChoice& keys, Instant now, const KeyRing& ring, int kind) {
    bool verdict = false;
    for (std::size_t i = 0; i < std::max<std::size_t>(1, ring.keys().size()); ++i) {
        EXPECT_FALSE(keys.is_paused());
        keys.begin(now, ring);
        verdict = keys.fail(now, ring, kind);
    }
    EXPECT_TRUE(keys.is_paused());
    return verdict;
}

TEST(KeyChoice, TriesEveryKeyAtOnceAndThenPauses) {
    const KeyRing ring({key_a(), key_b()});
    KeyChoice keys;
    keys.begin(kStart, ring);
    EXPECT_EQ(keys.server(), key_a().id());
    EXPECT_FALSE(keys.fail(kStart, ring, kRefused));
    EXPECT_FALSE(keys.is_paused());
    keys.begin(kStart, ring);
    EXPECT_EQ(keys.server(), key_b().id());
    EXPECT_EQ(keys.client(), key_a().id()) << "the own key is always the key in use";
    EXPECT_TRUE(keys.fail(kStart, ring, kRefused));
    EXPECT_EQ(keys.deadline(), kStart + KeyChoice::kPauseMin);
    EXPECT_EQ(keys.place(), 0U);
}

TEST(KeyChoice, PausesDoubleUpToTheirBoundAndBeginAnewAfterASuccess) {
    for (const KeyRing& ring : {KeyRing{}, KeyRing({key_a()}), KeyRing({key_a(), key_b()})}) {
        KeyChoice keys;
        for (const Duration pause : {Duration(250ms), Duration(500ms), Duration(1s), Duration(2s), Duration(2s)}) {
            static_cast<void>(fail_round(keys, kStart, ring, kRefused));
            EXPECT_EQ(keys.deadline(), kStart + pause);
            keys.cancel();
        }
        keys.begin(kStart, ring);
        keys.succeed();
        EXPECT_TRUE(keys.stands());
        EXPECT_EQ(keys.deadline(), std::nullopt);
        static_cast<void>(fail_round(keys, kStart, ring, kRefused));
        EXPECT_EQ(keys.deadline(), kStart + KeyChoice::kPauseMin);
    }
}

TEST(KeyChoice, TakesABrokenHandshakeForARefusedKeyOnlyInTheSecondRound) {
    const KeyRing ring({key_a(), key_b()});
    KeyChoice keys;
    EXPECT_FALSE(fail_round(keys, kStart, ring, kNoReason));
    keys.cancel();
    EXPECT_TRUE(fail_round(keys, kStart, ring, kNoReason));
}

TEST(KeyChoice, GivesAnAttemptWithoutAReportUp) {
    const KeyRing ring({key_a()});
    KeyChoice keys;
    EXPECT_EQ(keys.deadline(), std::nullopt);
    keys.begin(kStart, ring);
    EXPECT_EQ(keys.deadline(), kStart + KeyChoice::kPatience);
    keys.succeed();
    keys.end(kStart + 1min);
    EXPECT_FALSE(keys.stands());
    EXPECT_EQ(keys.deadline(), kStart + 1min + KeyChoice::kPatience) << "libzmq dials again, and may find nobody";
}

TEST(KeyChoice, AnEndDuringAPauseLeavesThePause) {
    const KeyRing ring({key_a()});
    KeyChoice keys;
    static_cast<void>(fail_round(keys, kStart, ring, kRefused));
    keys.end(kStart);
    EXPECT_EQ(keys.deadline(), kStart + KeyChoice::kPauseMin);
}

TEST(KeyChoice, AChangedRingEndsThePauseAndBeginsWithTheFirstKey) {
    KeyChoice keys;
    const KeyRing one({key_a()});
    static_cast<void>(fail_round(keys, kStart, one, kRefused));
    keys.restart();
    EXPECT_LE(keys.deadline().value(), kStart);
    const KeyRing two({key_b(), key_a()});
    keys.begin(kStart, two);
    EXPECT_EQ(keys.server(), key_b().id());

    KeyChoice standing;
    standing.begin(kStart, one);
    standing.succeed();
    standing.restart();
    EXPECT_TRUE(standing.stands());
    EXPECT_EQ(standing.deadline(), std::nullopt);
}

TEST(KeyChoice, AShorterRingNeverNamesAKeyThatIsNotThere) {
    KeyChoice keys;
    const KeyRing two({key_a(), key_b()});
    keys.begin(kStart, two);
    static_cast<void>(keys.fail(kStart, two, kRefused));
    const KeyRing one({key_a()});
    keys.begin(kStart, one);
    EXPECT_EQ(keys.server(), key_a().id());
}

TEST(KeyChoice, KnowsTheReportsOfAFailedHandshake) {
    EXPECT_TRUE(KeyChoice::is_failure(kNoReason));
    EXPECT_TRUE(KeyChoice::is_failure(kRefused));
    EXPECT_TRUE(KeyChoice::is_failure(ZMQ_EVENT_HANDSHAKE_FAILED_AUTH));
    EXPECT_FALSE(KeyChoice::is_failure(ZMQ_EVENT_HANDSHAKE_SUCCEEDED));
    EXPECT_FALSE(KeyChoice::is_failure(ZMQ_EVENT_DISCONNECTED));
}

}  // namespace
}  // namespace tulle::mesh::key_choice_test
