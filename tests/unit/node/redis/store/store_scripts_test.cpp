#include "node/redis/store/store_scripts.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "node/redis/core/limits.hpp"
#include "node/redis/store/sliding_window.hpp"
#include "node/redis/store/store_values.hpp"
#include "tests/unit/node/redis/store/store_mesh.hpp"

namespace tulle::node::redis::store_scripts_test {
namespace {

const std::string kSwap = "94ecbfa5891615ed282f03a6dc3ae71e7c4a3166";
const std::string kRemove = "d02e481a9c91ceec59c5822a58a49d5d5d7ac80b";
const std::string kWindow = "aa79e12240bc209f74eb980d25f6cf01f1bd4569";
const std::string kOk = "+OK\r\n";
const std::string kNone = "$-1\r\n";
const std::string kZero = ":0\r\n";
const std::string kNoNumber = "-ERR value is not an integer or out of range\r\n";

std::string answer(std::int64_t allowed, std::int64_t left) {
    return "*2\r\n:" + std::to_string(allowed) + "\r\n:" + std::to_string(left) + "\r\n";
}

/// The scripts of Sockudo by their SHA-1, at a mesh of some nodes.
class StoreScriptsTest : public ::testing::Test {
protected:
    StoreScriptsTest() { mesh_.start(); }

    std::string ask(std::vector<std::string> arguments, std::size_t place = 0) {
        const StoreMesh::AnswerPtr answer = mesh_.command(place, std::move(arguments));
        for (int i = 0; i < 4000 && !answer->is_done; ++i) {
            mesh_.run_for(1ms);
        }
        return answer->is_done ? answer->reply : "(no answer)";
    }
    std::string swap(const std::string& expected, const std::string& value, const std::string& seconds) {
        return ask({"EVALSHA", kSwap, "1", "k", expected, value, seconds});
    }
    struct Hit {
        std::int64_t now_ms = 1'000'000;
        std::int64_t seconds = 100;
        std::int64_t limit = 2;
        bool counts = true;
        std::size_t place = 0;
    };
    std::string hit(const std::string& member, const Hit& hit) {
        return ask(
            {"EVALSHA", kWindow, "1", "k", std::to_string(hit.now_ms - hit.seconds * 1000), std::to_string(hit.now_ms),
             std::to_string(hit.seconds), std::to_string(hit.limit), hit.counts ? "1" : "0", member},
            hit.place);
    }
    /// Records that the first node has sent or would send.
    std::uint64_t writes() { return mesh_.store(0).counts().writes; }

    StoreMesh mesh_{1};
};

TEST_F(StoreScriptsTest, SwapsTheValueThatIsExpected) {
    EXPECT_EQ(swap("v", "w", "100"), kZero);
    EXPECT_EQ(swap("", "w", "100"), kZero);
    EXPECT_EQ(ask({"GET", "k"}), kNone);
    ask({"SET", "k", "v"});
    EXPECT_EQ(swap("other", "w", "100"), kZero);
    EXPECT_EQ(swap("v", "w", "100"), ":1\r\n");
    EXPECT_EQ(ask({"GET", "k"}), "$1\r\nw\r\n");
    EXPECT_EQ(ask({"TTL", "k"}), ":100\r\n");
    EXPECT_EQ(swap("v", "x", "100"), kZero);
}

TEST_F(StoreScriptsTest, ASwapWithAWrongExpiryIsAnErrorOnlyIfTheValueIsTheExpectedOne) {
    ask({"SET", "k", "v"});
    const std::string too_much = std::to_string(kMaxLifetimeMs / 1000 + 1);
    for (const std::string& seconds : {std::string("x"), std::string(), std::string("1.5")}) {
        EXPECT_EQ(swap("v", "w", seconds), kNoNumber);
        EXPECT_EQ(swap("other", "w", seconds), kZero);
    }
    for (const std::string& seconds : {std::string("0"), std::string("-1"), too_much}) {
        EXPECT_EQ(swap("v", "w", seconds), "-ERR invalid expire time in 'set' command\r\n");
        EXPECT_EQ(swap("other", "w", seconds), kZero);
    }
    EXPECT_EQ(ask({"GET", "k"}), "$1\r\nv\r\n");
    EXPECT_EQ(ask({"TTL", "k"}), ":-1\r\n");
    EXPECT_EQ(swap("v", "w", std::to_string(kMaxLifetimeMs / 1000)), ":1\r\n");
}

TEST_F(StoreScriptsTest, RemovesTheValueThatIsExpected) {
    EXPECT_EQ(ask({"EVALSHA", kRemove, "1", "k", "v"}), kZero);
    ask({"SET", "k", "v"});
    EXPECT_EQ(ask({"EVALSHA", kRemove, "1", "k", "other"}), kZero);
    EXPECT_EQ(ask({"EVALSHA", kRemove, "1", "k", "v"}), ":1\r\n");
    EXPECT_EQ(ask({"GET", "k"}), kNone);
}

TEST_F(StoreScriptsTest, TheSlidingWindowAnswersAsARedisDoes) {
    EXPECT_EQ(hit("", {.counts = false}), answer(1, 2));
    EXPECT_EQ(hit("m1", {}), answer(1, 1));
    EXPECT_EQ(hit("m1", {}), answer(1, 1));
    EXPECT_EQ(hit("m2", {}), answer(1, 0));
    EXPECT_EQ(hit("m3", {}), answer(0, 0));
    EXPECT_EQ(hit("m1", {}), answer(1, 0));
    EXPECT_EQ(hit("m1", {.counts = false}), answer(0, 0));
    EXPECT_EQ(hit("m4", {.limit = 5}), answer(1, 2));
    EXPECT_EQ(hit("m5", {.limit = -5}), answer(0, 0));
    // The hits are forgotten when they are as old as the window is long.
    EXPECT_EQ(hit("", {.now_ms = 1'099'999, .counts = false}), answer(0, 0));
    EXPECT_EQ(hit("", {.now_ms = 1'100'000, .counts = false}), answer(1, 2));
    EXPECT_EQ(hit("m6", {.now_ms = 1'100'000}), answer(1, 1));
    ask({"DEL", "k"});
    EXPECT_EQ(hit("m1", {.limit = 0}), answer(0, 0));
    EXPECT_EQ(ask({"EXISTS", "k"}), kZero);
}

TEST_F(StoreScriptsTest, OnlyAnAdmittedHitIsWritten) {
    hit("m1", {});
    hit("m2", {});
    const std::uint64_t before = writes();
    EXPECT_EQ(hit("m3", {}), answer(0, 0));
    EXPECT_EQ(hit("m2", {}), answer(1, 0));
    EXPECT_EQ(hit("", {.counts = false}), answer(0, 0));
    EXPECT_EQ(hit("", {.now_ms = 5'000'000, .counts = false}), answer(1, 2));
    EXPECT_EQ(writes(), before);
    hit("m4", {.limit = 3});
    EXPECT_EQ(writes(), before + 1);
}

TEST_F(StoreScriptsTest, ASlidingWindowIsOneOnAllNodes) {
    mesh_.start();
    mesh_.start();
    mesh_.run_for(200ms);
    for (std::size_t i = 0; i < 9; ++i) {
        const Hit by_turns{.limit = 6, .place = i % 3};
        EXPECT_EQ(hit(std::to_string(i), by_turns), i < 6 ? answer(1, 5 - static_cast<std::int64_t>(i)) : answer(0, 0));
    }
    EXPECT_EQ(hit("3", {.limit = 6, .place = 1}), answer(1, 0));
}

TEST_F(StoreScriptsTest, TheKeyOfAWindowLivesAsLongAsItsLatestHitCounts) {
    hit("m1", {});
    EXPECT_EQ(ask({"TTL", "k"}), ":100\r\n");
    // The clock of this caller is half a minute behind.
    hit("m2", {.now_ms = 970'000});
    EXPECT_EQ(ask({"TTL", "k"}), ":130\r\n");
    mesh_.run_for(131s);
    EXPECT_EQ(ask({"EXISTS", "k"}), kZero);
    hit("m1", {.now_ms = static_cast<std::int64_t>(SlidingWindow::kLatestMs)});
    hit("m2", {});
    EXPECT_EQ(ask({"TTL", "k"}), ":" + std::to_string(100 + kMaxWindowAhead / 1s) + "\r\n");
}

TEST_F(StoreScriptsTest, AWindowWithoutALengthCountsAndLeavesNothing) {
    EXPECT_EQ(hit("m1", {.seconds = 0}), answer(1, 1));
    EXPECT_EQ(ask({"EXISTS", "k"}), kZero);
    hit("m1", {});
    EXPECT_EQ(ask({"EVALSHA", kWindow, "1", "k", "0", "1000000", "-1", "1", "0", ""}), answer(0, 0));
    EXPECT_EQ(ask({"EXISTS", "k"}), kZero);
}

TEST_F(StoreScriptsTest, AValueOfAnotherKindIsNoWindow) {
    const std::string wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
    ask({"SET", "k", "5"});
    EXPECT_EQ(hit("m1", {}), wrong);
    EXPECT_EQ(hit("m1", {.counts = false}), wrong);
    EXPECT_EQ(ask({"GET", "k"}), "$1\r\n5\r\n");
    ask({"DEL", "k"});
    hit("m1", {});
    ask({"APPEND", "k", "more"});
    EXPECT_EQ(hit("m1", {}), wrong);
}

TEST_F(StoreScriptsTest, ALimitOfAnySizeIsNoError) {
    const std::int64_t most = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(hit("m1", {.limit = most}), answer(1, most - 1));
    EXPECT_EQ(hit("m2", {.limit = std::numeric_limits<std::int64_t>::min()}), answer(0, 0));
    for (std::int64_t i = 1; i < 3000; ++i) {
        ASSERT_EQ(hit("n" + std::to_string(i), {.now_ms = 1'000'000 + i * 20, .limit = 3'000'000'000}),
                  answer(1, 3'000'000'000 - 1 - i));
    }
    const std::string bytes = ask({"STRLEN", "k"});
    EXPECT_LE(std::stoul(bytes.substr(1)), kMaxWindowBytes);
}

TEST_F(StoreScriptsTest, NumbersOfAWindowThatAreNoneAreErrorsAndWriteNothing) {
    const std::vector<std::string> right{"900000", "1000000", "100", "2", "1", "m"};
    for (std::size_t i = 0; i < 4; ++i) {
        for (const std::string& wrong : {std::string("x"), std::string(), std::string("1.5")}) {
            std::vector<std::string> request{"EVALSHA", kWindow, "1", "k"};
            request.insert(request.end(), right.begin(), right.end());
            request[4 + i] = wrong;
            EXPECT_EQ(ask(request), kNoNumber) << i;
        }
    }
    EXPECT_EQ(hit("m", {.now_ms = -1}), kNoNumber);
    EXPECT_EQ(hit("m", {.now_ms = static_cast<std::int64_t>(SlidingWindow::kLatestMs) + 1}), kNoNumber);
    const std::string too_long = std::to_string(kMaxLifetimeMs / 1000 + 1);
    EXPECT_EQ(ask({"EVALSHA", kWindow, "1", "k", "0", "1000000", too_long, "2", "1", "m"}),
              "-ERR invalid expire time in 'expire' command\r\n");
    EXPECT_EQ(ask({"EXISTS", "k"}), kZero);
}

TEST_F(StoreScriptsTest, AScriptWithTooFewArgumentsIsNotKnown) {
    EXPECT_TRUE(ask({"EVALSHA", kSwap, "1", "k", "v", "w"}).starts_with("-NOSCRIPT"));
    EXPECT_TRUE(ask({"EVALSHA", kRemove, "1", "k"}).starts_with("-NOSCRIPT"));
    EXPECT_TRUE(ask({"EVALSHA", kWindow, "1", "k", "0", "1", "1", "1", "1"}).starts_with("-NOSCRIPT"));
}

}  // namespace
}  // namespace tulle::node::redis::store_scripts_test
