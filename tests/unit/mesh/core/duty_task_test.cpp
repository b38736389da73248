#include "tests/unit/mesh/core/duty_mesh.hpp"

namespace tulle::mesh::duty_task_test {
namespace {

class DutyTasks : public testing::Test {
protected:
    void start(std::vector<std::uint64_t> oids) {
        for (const std::uint64_t oid : oids) {
            mesh_.add(oid);
        }
        mesh_.run();
    }
    bool order(std::uint64_t oid, const std::string& key, const std::string& body) {
        return mesh_.at(oid).duties.task({key, share(body)});
    }
    std::vector<std::string> performed(std::uint64_t oid) {
        std::vector<std::string> bodies;
        for (const DutyPerform& task : mesh_.at(oid).perform) {
            bodies.push_back(*task.body);
        }
        return bodies;
    }
    void finish(std::uint64_t oid) {
        for (const DutyPerform& task : mesh_.at(oid).perform) {
            mesh_.at(oid).duties.done(mesh_.now, {task.token, 0});
        }
        mesh_.run();
    }

    DutyMesh mesh_;
};

using Bodies = std::vector<std::string>;

TEST_F(DutyTasks, AreDoneInOrderByTheNodeOfTheKeyAndThenForgotten) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(3);
    ASSERT_TRUE(order(1, key, "a") && order(1, key, "b") && order(1, mesh_.key_of(1), "own"));
    mesh_.run();
    EXPECT_EQ(performed(3), (Bodies{"a", "b"}));
    EXPECT_EQ(performed(1), (Bodies{"own"}));
    EXPECT_EQ(mesh_.at(1).duties.tasks_waiting(), 3u);
    finish(3);
    EXPECT_EQ(mesh_.at(1).duties.tasks_waiting(), 1u);
    finish(1);
    EXPECT_EQ(mesh_.at(1).duties.tasks_waiting(), 0u);
}

TEST_F(DutyTasks, AreGivenToTheNextNodeWhenTheirsDies) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(3, 2);
    ASSERT_TRUE(order(1, key, "a") && order(1, key, "b"));
    mesh_.run();
    mesh_.at(3).duties.done(mesh_.now, {mesh_.at(3).perform[0].token, 0});
    mesh_.run();
    mesh_.kill(3);
    mesh_.run();
    EXPECT_EQ(performed(2), (Bodies{"b"})) << "what was done is not done again";
    finish(2);
    EXPECT_EQ(mesh_.at(1).duties.tasks_waiting(), 0u);
}

TEST_F(DutyTasks, StayWithTheirNodeWhenTheDutyMoves) {
    start({1, 2});
    const std::string key = [&] {
        const std::vector<OriginId> later{OriginId{1}, OriginId{2}, OriginId{3}};
        for (int i = 0;; ++i) {
            const std::string candidate = "app/k" + std::to_string(i);
            if (duty_node(later, candidate) == OriginId{3} && candidate != mesh_.key_of(1)) {
                return candidate;
            }
        }
    }();
    ASSERT_TRUE(order(1, key, "a"));
    mesh_.run();
    mesh_.add(3);
    mesh_.run_for(6s);
    EXPECT_TRUE(order(1, key, "b"));
    mesh_.run();
    EXPECT_TRUE(performed(3).empty()) << "b must not overtake a";
    finish(1);
    finish(2);
    EXPECT_TRUE(order(1, key, "c"));
    mesh_.run();
    EXPECT_EQ(performed(3), (Bodies{"c"}));
}

TEST_F(DutyTasks, AreDoneOnceAlthoughTheSessionWasMadeAnew) {
    start({1, 2});
    const std::string key = mesh_.key_of(2);
    ASSERT_TRUE(order(1, key, "under way") && order(1, key, "done"));
    mesh_.run();
    mesh_.at(2).duties.member_down(mesh_.now, OriginId{1}, DutyEnd::kAnswered);
    mesh_.at(2).duties.done(mesh_.now, {mesh_.at(2).perform[1].token, 0});  // nobody to be told just now
    mesh_.at(2).duties.member_up(mesh_.now, OriginId{1}, true);
    mesh_.at(1).duties.member_down(mesh_.now, OriginId{2}, DutyEnd::kAnswered);
    mesh_.at(1).duties.member_up(mesh_.now, OriginId{2}, true);
    mesh_.run();
    EXPECT_EQ(performed(2), (Bodies{"under way", "done"}));
    EXPECT_EQ(mesh_.at(1).duties.tasks_waiting(), 1u);
    finish(2);
    EXPECT_EQ(mesh_.at(1).duties.tasks_waiting(), 0u);
}

TEST_F(DutyTasks, AreRefusedBeyondTheLimits) {
    mesh_.limits.duty_tasks = 2;
    mesh_.limits.duty_task_bytes = 10'000;
    start({1});
    EXPECT_TRUE(order(1, "app/a", "1"));
    EXPECT_FALSE(order(1, "app/a", std::string(9'900, 'b'))) << "too many bytes";
    EXPECT_TRUE(order(1, "app/a", "2"));
    EXPECT_FALSE(order(1, "app/a", "3")) << "too many";
    EXPECT_FALSE(order(1, "", "no key"));
    EXPECT_EQ(mesh_.at(1).duties.tally().tasks_refused, 3u);
    mesh_.run();
    finish(1);
    EXPECT_TRUE(order(1, "app/a", "4"));
}

TEST_F(DutyTasks, OfALeaverGoToTheOthers) {
    start({1, 2});
    ASSERT_TRUE(order(1, mesh_.key_of(1), "a"));
    mesh_.at(1).duties.leave(mesh_.now);
    EXPECT_FALSE(mesh_.at(1).duties.delivered(OriginId{2}));
    mesh_.run();
    EXPECT_TRUE(mesh_.at(1).duties.delivered(OriginId{2}));
    EXPECT_EQ(performed(2), (Bodies{"a"}));
}

TEST_F(DutyTasks, AreDoneForGoodWhenTheShardHasSaidSo) {
    start({1, 2, 3});
    const std::string key = mesh_.key_of(3, 2);
    ASSERT_TRUE(order(1, key, "a"));
    mesh_.run();
    finish(3);
    mesh_.kill(3);
    mesh_.run_for(3s);
    EXPECT_TRUE(performed(2).empty());
}

}  // namespace
}  // namespace tulle::mesh::duty_task_test
