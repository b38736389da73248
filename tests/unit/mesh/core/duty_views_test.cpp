#include "tests/unit/mesh/core/duty_mesh.hpp"

namespace tulle::mesh::duty_views_test {
namespace {

/// Duties in a mesh whose members do not all see each other.
class DutyViews : public testing::Test {
protected:
    /// A key that the first of each pair does among the members that follow.
    static std::string key_where(const std::vector<std::pair<std::uint64_t, std::vector<OriginId>>>& wanted) {
        for (int i = 0;; ++i) {
            std::string key = "app/k" + std::to_string(i);
            if (std::all_of(wanted.begin(), wanted.end(),
                            [&](const auto& one) { return duty_node(one.second, key) == OriginId{one.first}; })) {
                return key;
            }
        }
    }

    DutyMesh mesh_;
};

TEST_F(DutyViews, WhoHasSeenTheDutyMoveFirstStillCountsAtTheFormerDesk) {
    for (const std::uint64_t oid : {1u, 2u, 3u}) {
        mesh_.add(oid);
    }
    mesh_.run();
    const std::string key = mesh_.key_of(3, 2);
    mesh_.part(1, 3);
    mesh_.part(2, 3);
    mesh_.run_for(3s);
    mesh_.count(1, key, 1);
    mesh_.run();
    mesh_.deal(2);
    mesh_.join(1, 3);
    mesh_.run_for(8s);
    EXPECT_EQ(mesh_.at(2).changed.size(), 1u) << "node 1 did not say that there is none";
    mesh_.join(2, 3);
    mesh_.run_for(8s);
    EXPECT_EQ(mesh_.at(2).changed.size(), 1u);
    mesh_.count(1, key, 0);
    mesh_.run();
    EXPECT_EQ(mesh_.at(2).changed.size(), 1u) << "that is for node 3 to tell";
    ASSERT_FALSE(mesh_.at(3).changed.empty());
    EXPECT_EQ(mesh_.at(3).changed.back().count, 0u);
    mesh_.deal(3);
    mesh_.run_for(1s);
    EXPECT_EQ(mesh_.at(1).duties.items(), 0u) << "nothing is left behind";
    EXPECT_EQ(mesh_.at(2).duties.duties(), 0u);
}

}  // namespace
}  // namespace tulle::mesh::duty_views_test
