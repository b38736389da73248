#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "node/redis/store/store.hpp"
#include "tests/unit/node/redis/store/store_mesh.hpp"

/// The promises RB1 to RB4 of node/doc/redis.md, judged in random meshes with faults.
namespace tulle::node::redis::store_promises_test {
namespace {

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
        EXPECT_TRUE(mesh_.is_equal()) << "RB2";
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

/// Seeds that showed a fault once.
/// 384: a node's word from before the node was ready came behind its word that it was ready; two nodes owned the same
/// keys, and gave a count twice.
constexpr std::uint64_t kShowedFaults[] = {384};

TEST(StorePromises, HoldInMeshesThatShowedFaults) {
    for (const std::uint64_t seed : kShowedFaults) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Trial trial(seed);
        trial.run();
        EXPECT_GT(trial.judged["RB3"], 100u);
    }
}

TEST(StorePromises, HoldWhileNodesComeDieAndPart) {
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
}  // namespace tulle::node::redis::store_promises_test
