#include "node/pusher/core/app_digests.hpp"

#include <gtest/gtest.h>

namespace tulle::node::app_digests_test {
namespace {

constexpr std::string_view kKey = "a key of the mesh";

App shop() {
    App app;
    app.id = "shop";
    app.key = "shop-key";
    app.secret = "a secret of the shop";
    return app;
}

TEST(AppDigests, AreEqualForEqualAppsWhereverTheyAreWritten) {
    App other = shop();
    other.origin = "another file:7";
    EXPECT_EQ(digests_of(shop(), kKey), digests_of(other, kKey));
    EXPECT_EQ(digests_of(shop(), kKey).settings.size(), 16u);
    EXPECT_NE(digests_of(shop(), kKey), digests_of(shop(), "another key")) << "nobody can guess without the key";
}

TEST(AppDigests, TellSettingsFromCredentials) {
    App secret = shop();
    secret.secret += "!";
    EXPECT_EQ(digests_of(shop(), kKey).settings, digests_of(secret, kKey).settings);
    EXPECT_NE(digests_of(shop(), kKey).credentials, digests_of(secret, kKey).credentials);
    App setting = shop();
    setting.max_connections = 5;
    EXPECT_NE(digests_of(shop(), kKey).settings, digests_of(setting, kKey).settings);
    EXPECT_EQ(digests_of(shop(), kKey).credentials, digests_of(setting, kKey).credentials);
    App hook = shop();
    hook.webhooks.push_back({.url = "http://a", .headers = {}});
    EXPECT_NE(digests_of(shop(), kKey).settings, digests_of(hook, kKey).settings);
    App rules = shop();
    rules.history.push_back({"pay-", "", 2});
    EXPECT_NE(digests_of(shop(), kKey).settings, digests_of(rules, kKey).settings);
    App other_rules = shop();
    other_rules.history.push_back({"pay-", "", 3});
    EXPECT_NE(digests_of(rules, kKey).settings, digests_of(other_rules, kKey).settings);
}

TEST(AppDigests, ListsOfTextsAreNotRunTogether) {
    App one = shop();
    one.allowed_origins = {"ab", "c"};
    App other = shop();
    other.allowed_origins = {"a", "bc"};
    EXPECT_NE(digests_of(one, kKey).settings, digests_of(other, kKey).settings);
}

}  // namespace
}  // namespace tulle::node::app_digests_test
