#include "node/redis/store/store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/node/redis/store/store_mesh.hpp"

namespace tulle::node::redis::store_test {
namespace {

const std::string kOk = "+OK\r\n";

std::string ask(StoreMesh& mesh, std::size_t place, std::vector<std::string> arguments) {
    const StoreMesh::AnswerPtr answer = mesh.command(place, std::move(arguments));
    for (int i = 0; i < 4000 && !answer->is_done; ++i) {
        mesh.run_for(1ms);
    }
    return answer->is_done ? answer->reply : "(no answer)";
}

/// Starts so many nodes, and waits until all have met.
void start(StoreMesh& mesh, int nodes) {
    for (int i = 0; i < nodes; ++i) {
        mesh.start();
    }
    mesh.run_for(100ms);
}

std::string value_of(StoreMesh& mesh, std::size_t place, const std::string& name) {
    return ask(mesh, place, {"GET", name});
}

TEST(Store, ASingleNodeServesAtOnce) {
    StoreMesh mesh(1);
    mesh.start();
    EXPECT_TRUE(mesh.store(0).is_ready());
    EXPECT_EQ(ask(mesh, 0, {"SET", "k", "v"}), kOk);
    EXPECT_EQ(value_of(mesh, 0, "k"), "$1\r\nv\r\n");
    EXPECT_EQ(ask(mesh, 0, {"INCR", "n"}), ":1\r\n");
}

TEST(Store, AWriteThatIsAnsweredIsSeenEverywhere) {
    StoreMesh mesh(2);
    start(mesh, 3);
    for (int i = 0; i < 100; ++i) {
        const std::string value = std::to_string(i);
        const auto answer = mesh.command(static_cast<std::size_t>(i) % 3, {"SET", "k", value});
        while (!answer->is_done) {
            mesh.run_for(10us);
        }
        for (const std::size_t place : mesh.alive()) {
            const auto read = mesh.command(place, {"GET", "k"});
            EXPECT_EQ(read->reply, "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n");
        }
    }
    EXPECT_EQ(mesh.store(0).counts().late_records, 0u);
}

TEST(Store, ANodeThatJoinsTakesOverAllKeysBeforeItServes) {
    StoreMesh mesh(3);
    mesh.start();
    mesh.run_for(10ms);
    for (int i = 0; i < 3000; ++i) {
        mesh.command(0, {"SET", "k" + std::to_string(i), std::string(1000, 'x')});
    }
    mesh.run_for(10ms);
    const std::size_t joined = mesh.start();
    EXPECT_FALSE(mesh.store(joined).is_ready());
    EXPECT_TRUE(mesh.command(joined, {"GET", "k1"})->reply.starts_with("-LOADING"));
    for (int i = 0; i < 1000 && !mesh.store(joined).is_ready(); ++i) {
        mesh.run_for(1ms);
    }
    EXPECT_TRUE(mesh.store(joined).is_ready());
    EXPECT_EQ(mesh.store(joined).table().size(), 3000u);
    EXPECT_TRUE(mesh.is_equal());
}

TEST(Store, ATimeoutLeavesAWriteAnsweredAndCounted) {
    StoreMesh mesh(4);
    start(mesh, 2);
    mesh.split({1});
    const auto answer = mesh.command(0, {"SET", "k", "v"});
    mesh.run_for(19ms);
    EXPECT_FALSE(answer->is_done);
    mesh.run_for(3ms);
    EXPECT_TRUE(answer->is_done);
    EXPECT_EQ(mesh.store(0).counts().late_records, 1u);
}

TEST(Store, CountersOfAllNodesLoseNothingWhileOwnersDie) {
    StoreMesh mesh(5);
    start(mesh, 4);
    std::vector<StoreMesh::AnswerPtr> answers;
    for (int i = 0; i < 2000; ++i) {
        answers.push_back(mesh.command(static_cast<std::size_t>(i) % 2, {"INCR", "n" + std::to_string(i % 5)}));
        mesh.run_for(2ms);
        if (i == 700 || i == 1400) {
            mesh.kill(i == 700 ? 2 : 3);
        }
    }
    mesh.run_for(5s);
    std::set<std::string> replies;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        ASSERT_TRUE(answers[i]->is_done);
        EXPECT_TRUE(replies.insert(std::to_string(i % 5) + answers[i]->reply).second) << answers[i]->reply;
    }
    for (int i = 0; i < 5; ++i) {
        const std::string reply = value_of(mesh, 0, "n" + std::to_string(i));
        total += std::stoull(reply.substr(reply.find('\n') + 1));
    }
    EXPECT_EQ(total, 2000u);
}

TEST(Store, ACallIsDoneOnceWheneverItsOwnerDies) {
    for (std::uint64_t i = 0; i < 100; ++i) {
        StoreMesh mesh(100 + i);
        start(mesh, 3);
        std::vector<StoreMesh::AnswerPtr> answers;
        for (int k = 0; k < 10; ++k) {
            answers.push_back(mesh.command(0, {"INCR", "n" + std::to_string(k)}));
        }
        mesh.run_for(std::chrono::microseconds{static_cast<int>(i) * 25});
        mesh.kill(2);
        mesh.run_for(5s);
        for (int k = 0; k < 10; ++k) {
            EXPECT_EQ(answers[static_cast<std::size_t>(k)]->reply, ":1\r\n");
            EXPECT_EQ(value_of(mesh, 1, "n" + std::to_string(k)), "$1\r\n1\r\n") << i;
        }
    }
}

TEST(Store, AScriptOfALimiterCountsOnAllNodesTogether) {
    StoreMesh mesh(6);
    start(mesh, 2);
    const std::string sha = "a1de965f42e177aa339706bd580f049065eca79a";
    EXPECT_EQ(ask(mesh, 0, {"EVALSHA", sha, "1", "r", "1", "60"}), "*2\r\n:1\r\n:60000\r\n");
    EXPECT_TRUE(ask(mesh, 1, {"EVALSHA", sha, "1", "r", "2", "60"}).starts_with("*2\r\n:3\r\n"));
    mesh.run_for(61s);
    EXPECT_EQ(ask(mesh, 1, {"EVALSHA", sha, "1", "r", "1", "60"}), "*2\r\n:1\r\n:60000\r\n");
}

TEST(Store, TheOwnerDoesACallAfterTheWritesThatItsCallerMadeBefore) {
    StoreMesh mesh(7);
    start(mesh, 3);
    for (int i = 0; i < 200; ++i) {
        const std::string name = "k" + std::to_string(i);
        mesh.command(0, {"SET", name, "5"});
        const auto sum = mesh.command(0, {"INCR", name});
        const auto absent = mesh.command(0, {"SET", name, "9", "NX"});
        mesh.run_for(10ms);
        EXPECT_EQ(sum->reply, ":6\r\n");
        EXPECT_EQ(absent->reply, "$-1\r\n");
    }
}

TEST(Store, AMomentIsThatOfTheWallClockWhoeverOwnsTheKey) {
    StoreMesh mesh(8);
    mesh.start();
    mesh.start(200s);
    mesh.run_for(100ms);
    for (int i = 0; i < 20; ++i) {
        const std::string name = "k" + std::to_string(i);
        // Half an hour from the moment that the simulation begins with.
        EXPECT_EQ(ask(mesh, 0, {"SET", name, "v", "NX", "EXAT", "1770002800"}), kOk);
        const std::string reply = ask(mesh, 0, {"TTL", name});
        const int left = std::stoi(reply.substr(1));
        EXPECT_TRUE(left > 1500 && left <= 1800) << reply;
    }
}

TEST(Store, AKeyThatHasExpiredDoesNotComeBackWithAnOlderValue) {
    StoreMesh mesh(9);
    start(mesh, 3);
    for (const std::string name : {"shorter", "shortened", "for-ever"}) {
        ask(mesh, 0,
            name == "for-ever" ? std::vector<std::string>{"SET", name, "old"}
                               : std::vector<std::string>{"SET", name, "old", "EX", "3600"});
    }
    mesh.split({2});
    ask(mesh, 0, {"SET", "shorter", "new", "PX", "500"});
    ask(mesh, 0, {"PEXPIRE", "shortened", "500"});
    ask(mesh, 0, {"PEXPIRE", "for-ever", "500"});
    mesh.run_for(4s);
    EXPECT_EQ(mesh.store(0).table().size(), 0u);
    mesh.heal();
    mesh.run_for(5s);
    EXPECT_TRUE(mesh.is_equal());
    for (const std::string name : {"shorter", "shortened", "for-ever"}) {
        for (const std::size_t place : mesh.alive()) {
            EXPECT_EQ(value_of(mesh, place, name), "$-1\r\n") << name;
        }
    }
}

TEST(Store, AnExpiryThatAnotherNodeHasPutOffInTimeBringsAValueBack) {
    StoreMesh mesh(10);
    start(mesh, 2);
    ask(mesh, 0, {"SET", "k", "older", "EX", "3600"});
    ask(mesh, 0, {"SET", "k", "v", "PX", "4000"});
    mesh.split({1});
    ask(mesh, 1, {"EXPIRE", "k", "1000"});
    mesh.run_for(5s);
    EXPECT_EQ(value_of(mesh, 0, "k"), "$-1\r\n");
    mesh.heal();
    mesh.run_for(5s);
    EXPECT_EQ(value_of(mesh, 0, "k"), "$1\r\nv\r\n");
    EXPECT_TRUE(mesh.is_equal());
}

TEST(Store, ANodeWhoseClockIsFarAwayNeitherServesKeysNorTouchesThoseOfOthers) {
    StoreMesh mesh(11);
    start(mesh, 2);
    ask(mesh, 0, {"SET", "k", "v", "EX", "3600"});
    const std::size_t wrong = mesh.start(24h);
    mesh.run_for(60s);
    EXPECT_FALSE(mesh.store(wrong).is_ready());
    EXPECT_GT(mesh.store(wrong).counts().clock_refusals, 0u);
    EXPECT_EQ(value_of(mesh, 0, "k"), "$1\r\nv\r\n");
    EXPECT_EQ(ask(mesh, 1, {"TTL", "k"}), ":3540\r\n");
    EXPECT_EQ(ask(mesh, 1, {"SET", "k", "w"}), kOk);
    // The others still take over each other's keys.
    mesh.split({1});
    ask(mesh, 1, {"SET", "apart", "x"});
    mesh.run_for(4s);
    mesh.heal();
    mesh.run_for(5s);
    EXPECT_EQ(value_of(mesh, 0, "apart"), "$1\r\nx\r\n");
}

TEST(Store, AnOwnerThatDidNotRunForAWhileDoesNotCountOnFromItsOldNumbers) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        StoreMesh mesh(seed);
        start(mesh, 3);
        std::vector<StoreMesh::AnswerPtr> answers;
        for (int i = 0; i < 1000; ++i) {
            if (i == 100) {
                mesh.freeze(2, 6s);
            }
            answers.push_back(mesh.command(static_cast<std::size_t>(i) % 2, {"INCR", "n" + std::to_string(i % 5)}));
            mesh.run_for(10ms);
        }
        mesh.run_for(5s);
        std::map<std::string, std::set<int>> counts;
        int failed = 0;
        for (std::size_t i = 0; i < answers.size(); ++i) {
            ASSERT_TRUE(answers[i]->is_done);
            if (answers[i]->reply.starts_with(':')) {
                EXPECT_TRUE(counts["n" + std::to_string(i % 5)].insert(std::stoi(answers[i]->reply.substr(1))).second)
                    << "seed " << seed << " " << answers[i]->reply;
            } else {
                ++failed;
            }
        }
        for (const auto& [name, numbers] : counts) {
            for (const std::size_t place : mesh.alive()) {
                const std::string reply = value_of(mesh, place, name);
                EXPECT_GE(std::stoi(reply.substr(reply.find('\n') + 1)), *numbers.rbegin()) << "seed " << seed;
            }
        }
        EXPECT_EQ(failed, 0) << "seed " << seed;
    }
}

TEST(Store, RepliesOfAnOwnerThatAreLongTogetherComeInSeveralAnswers) {
    StoreMesh mesh(12);
    start(mesh, 2);
    std::vector<StoreMesh::AnswerPtr> answers;
    for (int i = 0; i < 40; ++i) {
        ask(mesh, 0, {"SET", "k" + std::to_string(i), std::string(900'000, 'x')});
    }
    for (int i = 0; i < 40; ++i) {
        answers.push_back(mesh.command(0, {"GETDEL", "k" + std::to_string(i)}));
    }
    mesh.run_for(2s);
    for (const StoreMesh::AnswerPtr& answer : answers) {
        EXPECT_EQ(answer->reply.size(), 900'000u + 11) << answer->reply.substr(0, 100);
    }
}

}  // namespace
}  // namespace tulle::node::redis::store_test
