#include "node/redis/core/realm.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tulle::node::redis::realm_test {
namespace {

const std::string kSecretOfShop = "0123456789abcdef";
const std::string kSecretOfLog = "fedcba9876543210 and more";

Realms three() {
    return Realms(
        {{"shop", kSecretOfShop, {"shop", "cart"}}, {"open", "", {"default"}}, {"log", kSecretOfLog, {"log"}}});
}

std::string name_of(const Realm* realm) {
    return realm == nullptr ? "none" : realm->name;
}

TEST(Realms, LetAUserInWithTheSecretOfItsRealmAlone) {
    const Realms realms = three();
    EXPECT_EQ(name_of(realms.authenticate("shop", kSecretOfShop)), "shop");
    EXPECT_EQ(name_of(realms.authenticate("cart", kSecretOfShop)), "shop");
    EXPECT_EQ(name_of(realms.authenticate("log", kSecretOfLog)), "log");
    EXPECT_EQ(name_of(realms.authenticate("log", kSecretOfShop)), "none");
    EXPECT_EQ(name_of(realms.authenticate("shop", kSecretOfLog)), "none");
    const std::string longer = kSecretOfShop + "0";
    for (const std::string& wrong :
         {std::string(), std::string("0"), longer, kSecretOfShop.substr(1), std::string("0123456789abcdeF"),
          kSecretOfShop + std::string(1, '\0'), std::string(100'000, 'x')}) {
        EXPECT_EQ(name_of(realms.authenticate("shop", wrong)), "none") << wrong.size();
    }
}

TEST(Realms, LetNobodyInWhoIsNotNamed) {
    const Realms realms = three();
    for (const char* user : {"", "open", "Shop", "shop ", "sho", "nobody"}) {
        EXPECT_EQ(name_of(realms.authenticate(user, kSecretOfShop)), "none") << user;
        EXPECT_EQ(name_of(realms.authenticate(user, "")), "none") << user;
    }
    EXPECT_EQ(name_of(Realms().authenticate("default", "")), "none");
}

TEST(Realms, HaveOneThatAsksForNoSecretAndTakesEachPassword) {
    const Realms realms = three();
    EXPECT_EQ(name_of(realms.open_realm()), "open");
    EXPECT_EQ(name_of(realms.authenticate("default", "")), "open");
    EXPECT_EQ(name_of(realms.authenticate("default", kSecretOfShop)), "open");
    EXPECT_EQ(Realms({{"shop", kSecretOfShop, {"default"}}}).open_realm(), nullptr);
    EXPECT_EQ(Realms().open_realm(), nullptr);
}

TEST(Realms, AreFoundByName) {
    const Realms realms = three();
    EXPECT_EQ(name_of(realms.find("log")), "log");
    EXPECT_EQ(name_of(realms.find("cart")), "none") << "a user is no realm";
    EXPECT_EQ(name_of(realms.find("")), "none");
    EXPECT_EQ(name_of(realms.of_user("cart")), "shop");
    EXPECT_EQ(name_of(realms.of_user("nobody")), "none");
    ASSERT_EQ(realms.all().size(), 3u);
    EXPECT_EQ(realms.all()[1].name, "open");
}

TEST(Realms, StayWhereTheyAreAsLongAsACopyLives) {
    Realms realms = three();
    const Realm* shop = realms.find("shop");
    const Realms copy = realms;
    realms = Realms();
    EXPECT_EQ(realms.find("shop"), nullptr);
    EXPECT_EQ(copy.find("shop"), shop);
    EXPECT_EQ(copy.authenticate("cart", kSecretOfShop), shop);
}

}  // namespace
}  // namespace tulle::node::redis::realm_test
