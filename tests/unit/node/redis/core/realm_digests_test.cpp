#include "node/redis/core/realm_digests.hpp"

#include <gtest/gtest.h>

namespace tulle::node::redis::realm_digests_test {
namespace {

const Realm kShop{"shop", "a-secret-of-the-shop", {"shop", "default"}};
constexpr std::string_view kKey = "a key of the mesh";

TEST(RealmDigests, AreEqualForEqualRealmsWhateverTheOrderOfTheUsers) {
    Realm other = kShop;
    other.users = {"default", "shop"};
    EXPECT_EQ(digests_of(kShop, kKey), digests_of(other, kKey));
    EXPECT_EQ(digests_of(kShop, kKey).secret.size(), 16u);
}

TEST(RealmDigests, TellWhatDiffers) {
    Realm users = kShop;
    users.users = {"shop"};
    EXPECT_NE(digests_of(kShop, kKey).users, digests_of(users, kKey).users);
    EXPECT_EQ(digests_of(kShop, kKey).secret, digests_of(users, kKey).secret);
    Realm secret = kShop;
    secret.secret += "!";
    EXPECT_EQ(digests_of(kShop, kKey).users, digests_of(secret, kKey).users);
    EXPECT_NE(digests_of(kShop, kKey).secret, digests_of(secret, kKey).secret);
    // Names of users that only together are equal.
    Realm split = kShop;
    split.users = {"shopdefault"};
    EXPECT_NE(digests_of(kShop, kKey).users, digests_of(split, kKey).users);
}

TEST(RealmDigests, OfOneSecretDifferFromRealmToRealmAndFromMeshToMesh) {
    Realm other = kShop;
    other.name = "stock";
    EXPECT_NE(digests_of(kShop, kKey).secret, digests_of(other, kKey).secret);
    EXPECT_NE(digests_of(kShop, kKey).secret, digests_of(kShop, "another key").secret);
}

}  // namespace
}  // namespace tulle::node::redis::realm_digests_test
