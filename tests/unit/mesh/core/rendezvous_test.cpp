#include "mesh/core/node/rendezvous.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace tulle::mesh::rendezvous_test {
namespace {

constexpr std::size_t kKeys = 3000;

std::string key(std::size_t i) {
    return "app/channel-" + std::to_string(i);
}

std::vector<OriginId> members(std::size_t count) {
    std::vector<OriginId> made;
    for (std::uint64_t i = 1; i <= count; ++i) {
        made.push_back(OriginId{i});  // small numbers, unlike real ids: the weight must not need random ones
    }
    return made;
}

TEST(Rendezvous, NobodyIsResponsibleWhereNobodyIs) {
    EXPECT_EQ(duty_node(members(0), "app/a"), OriginId{});
    EXPECT_TRUE(keepers(members(0), "app/a", 2).empty());
}

TEST(Rendezvous, SharesKeysEvenly) {
    std::map<OriginId, std::size_t> shares;
    for (std::size_t i = 0; i < kKeys; ++i) {
        ++shares[duty_node(members(5), key(i))];
    }
    ASSERT_EQ(shares.size(), 5u);
    for (const auto& [oid, share] : shares) {
        EXPECT_NEAR(static_cast<double>(share), kKeys / 5.0, kKeys / 25.0) << oid.value;
    }
}

TEST(Rendezvous, DoesNotDependOnTheOrderOfMembers) {
    const std::vector<OriginId> one{OriginId{3}, OriginId{1}, OriginId{2}};
    for (std::size_t i = 0; i < 100; ++i) {
        EXPECT_EQ(duty_node(one, key(i)), duty_node(members(3), key(i)));
        EXPECT_EQ(keepers(one, key(i), 2), keepers(members(3), key(i), 2));
    }
}

TEST(Rendezvous, ANewcomerTakesKeysForItselfAlone) {
    std::size_t moved = 0;
    for (std::size_t i = 0; i < kKeys; ++i) {
        const OriginId before = duty_node(members(4), key(i));
        const OriginId after = duty_node(members(5), key(i));
        moved += before == after ? 0u : 1u;
        EXPECT_TRUE(before == after || after == OriginId{5});
    }
    EXPECT_NEAR(static_cast<double>(moved), kKeys / 5.0, kKeys / 25.0);
}

TEST(Rendezvous, TheNextKeeperFollowsWhenTheFirstIsGone) {
    for (std::size_t i = 0; i < 200; ++i) {
        std::vector<OriginId> there = members(6);
        const std::vector<OriginId> ranked = keepers(there, key(i), 3);
        ASSERT_EQ(ranked.size(), 3u);
        for (const OriginId oid : ranked) {
            EXPECT_EQ(duty_node(there, key(i)), oid);
            std::erase(there, oid);
        }
    }
    EXPECT_EQ(keepers(members(2), "app/a", 5).size(), 2u);
}

}  // namespace
}  // namespace tulle::mesh::rendezvous_test
