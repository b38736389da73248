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

bool are_equal(StoreMesh& mesh) {
    std::set<std::uint64_t> roots;
    for (const std::size_t place : mesh.alive()) {
        roots.insert(mesh.store(place).table().root());
    }
    return roots.size() <= 1;
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
    EXPECT_TRUE(are_equal(mesh));
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
    EXPECT_TRUE(are_equal(mesh));
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
    EXPECT_TRUE(are_equal(mesh));
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

// ---- the promises, in meshes with faults

/// A mesh with random commands and faults, and what must hold of it.
class Trial {
public:
    explicit Trial(std::uint64_t seed) : mesh_(seed, seed % 2 == 0), has_cuts_(seed % 3 != 0) {
        mesh_.on_answered = [this](std::size_t place, const std::string& key, const StoreMesh::Answer& answer) {
            judge_answer(place, key, answer);
        };
    }

    void run() {
        Prng& random = mesh_.random();
        const std::size_t nodes = 2 + random.below(3);
        for (std::size_t i = 0; i < nodes; ++i) {
            mesh_.start(skew());
        }
        mesh_.run_for(200ms);
        for (int i = 0; i < 1500; ++i) {
            mesh_.run_for(std::chrono::microseconds{static_cast<int>(random.below(20'000))});
            fault();
            command();
        }
        heal();
        mesh_.run_for(kWhole);
        judge_end();
    }

    /// What has been judged, and why the rest has not.
    std::map<std::string, std::uint64_t> judged;

private:
    /// RB2's time, and the longest time from a death to its verdict with room for what follows.
    static constexpr Duration kWhole = 5s;

    Duration skew() { return std::chrono::seconds{static_cast<int>(mesh_.random().below(600)) - 300}; }
    /// All nodes have met, and have had the time to hold the same.
    [[nodiscard]] bool is_whole() const { return !is_cut_ && mesh_.now() - last_fault_ > kWhole; }

    void heal() {
        if (std::exchange(is_cut_, false)) {
            mesh_.heal();
            last_fault_ = mesh_.now();
        }
    }

    void fault() {
        Prng& random = mesh_.random();
        const std::vector<std::size_t> alive = mesh_.alive();
        switch (random.below(300)) {
            case 0:
                // The keys die with the last node that has them all.
                if (!is_cut_ && std::count_if(alive.begin(), alive.end(), [this](std::size_t place) {
                                    return mesh_.store(place).is_ready();
                                }) > 2) {
                    // What a node alone has taken in since the cut may die with the node.
                    has_lost_ = has_lost_ || (was_cut_ && !is_whole());
                    mesh_.kill(alive[random.below(alive.size())]);
                    last_fault_ = mesh_.now();
                }
                break;
            case 1:
                if (alive.size() < 5) {
                    mesh_.start(skew());
                }
                break;
            case 2:
                if (alive.size() > 1 && !is_cut_ && has_cuts_) {
                    mesh_.split({alive[random.below(alive.size())]});
                    is_cut_ = was_cut_ = true;
                }
                break;
            case 3:
            case 4:
                heal();
                break;
            default:
                break;
        }
    }

    void command() {
        Prng& random = mesh_.random();
        const std::vector<std::size_t> alive = mesh_.alive();
        const std::size_t place = alive[random.below(alive.size())];
        const std::string name = "k" + std::to_string(random.below(20));
        switch (random.below(10)) {
            case 0:
            case 1:
                mesh_.command(place, {"DEL", name});
                break;
            case 2:
                mesh_.command(place, {"EXPIRE", name, "3600"});
                break;
            case 3:
            case 4: {
                const std::string counter = "n" + std::to_string(random.below(3));
                counts_[counter].push_back(mesh_.command(place, {"INCR", counter}));
                break;
            }
            case 5:
                mesh_.command(place, {"SET", name, std::to_string(random.next()), "NX", "EX", "3600"});
                break;
            default:
                mesh_.command(place, {"SET", name, std::to_string(random.next()), "EX", "3600"});
                break;
        }
    }

    /// RB1: what has been answered is seen by every node that serves, or is counted as late.
    void judge_answer(std::size_t place, const std::string& key, const StoreMesh::Answer& answer) {
        if (answer.stamp.time_us == 0) {
            return;
        }
        if (mesh_.store(place).counts().late_records != answer.late_before) {
            ++judged["RB1: late"];
            return;
        }
        Stamp& last = answered_[key];
        last = std::max(last, answer.stamp);
        if (is_cut_) {
            ++judged["RB1: cut"];
            return;
        }
        for (const std::size_t other : mesh_.alive()) {
            // A node that was cut off and has not met the others again yet does not see their writes.
            if (mesh_.store(other).is_ready() && (!was_cut_ || is_whole())) {
                const Cell* cell = mesh_.store(other).table().held(key);
                ASSERT_TRUE(cell != nullptr && cell->written >= answer.stamp)
                    << "RB1 " << key.substr(1) << " at " << other;
                ++judged["RB1"];
            }
        }
    }

    void judge_end() {
        // RB2: all nodes hold the same.
        EXPECT_TRUE(are_equal(mesh_)) << "RB2";
        ++judged["RB2"];
        const Store& store = mesh_.store(mesh_.alive().front());
        // RB4: nothing older than an answered write stands, be the write a deletion or not.
        for (const auto& [key, stamp] : answered_) {
            if (has_lost_) {
                ++judged["RB4: a node died soon after a cut"];
                continue;
            }
            const Cell* cell = store.table().held(key);
            EXPECT_TRUE(cell != nullptr && cell->written >= stamp) << "RB4 " << key.substr(1);
            ++judged["RB4"];
        }
        for (const auto& [counter, answers] : counts_) {
            judge_counter(counter, answers);
        }
    }

    /// RB3: in a mesh that was never split no count is given twice, and each count that was answered has been done.
    void judge_counter(const std::string& counter, const std::vector<StoreMesh::AnswerPtr>& answers) {
        if (was_cut_) {
            ++judged["RB3: cut"];
            return;
        }
        std::set<std::string> replies;
        std::uint64_t unknown = 0;
        for (const StoreMesh::AnswerPtr& answer : answers) {
            if (answer->is_done && answer->reply.starts_with(':')) {
                EXPECT_TRUE(replies.insert(answer->reply).second) << "RB3 " << counter << " " << answer->reply;
                ++judged["RB3"];
            } else if (!answer->reply.starts_with("-LOADING")) {
                ++unknown;
            }
        }
        const Cell* cell = mesh_.store(mesh_.alive().front()).table().held(store_key(0, counter));
        const std::uint64_t sum = cell == nullptr ? 0 : std::stoull(cell->value);
        EXPECT_GE(sum, replies.size()) << "RB3 " << counter;
        EXPECT_LE(sum, replies.size() + unknown) << "RB3 " << counter;
        judged["RB3: no answer"] += unknown;
    }

    StoreMesh mesh_;
    const bool has_cuts_;
    bool is_cut_ = false;
    bool was_cut_ = false;
    /// A node has died that may have had writes that no other node had.
    bool has_lost_ = false;
    Instant last_fault_{};
    std::map<std::string, Stamp> answered_;
    std::map<std::string, std::vector<StoreMesh::AnswerPtr>> counts_;
};

TEST(Store, KeepsItsPromisesWhileNodesComeDieAndPart) {
    const char* first = std::getenv("TULLE_STORE_SEED");
    const char* given = std::getenv("TULLE_STORE_SEEDS");
    const std::uint64_t seeds = given == nullptr ? 60 : std::stoull(given);
    const std::uint64_t begin = first == nullptr ? 1 : std::stoull(first);
    std::map<std::string, std::uint64_t> judged;
    for (std::uint64_t seed = begin; seed < begin + seeds && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Trial trial(seed);
        trial.run();
        for (const auto& [what, times] : trial.judged) {
            judged[what] += times;
        }
    }
    for (const auto& [what, times] : judged) {
        std::printf("%8llu %s\n", static_cast<unsigned long long>(times), what.c_str());
    }
    if (seeds >= 60) {
        EXPECT_GT(judged["RB1"], 100 * seeds);
        EXPECT_GT(judged["RB3"], 50 * seeds);
        EXPECT_GT(judged["RB4"], 5 * seeds);
    }
}

}  // namespace
}  // namespace tulle::node::redis::store_test
