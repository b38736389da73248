#include "node/core/apps.hpp"

#include <gtest/gtest.h>

namespace tulle::node {
namespace {

App app_for(std::vector<std::string> origins) {
    App app;
    app.allowed_origins = std::move(origins);
    return app;
}

TEST(AllowedOrigins, AreAllWhenNoneIsNamed) {
    EXPECT_TRUE(allows_origin(app_for({}), "https://anywhere.example"));
    EXPECT_TRUE(allows_origin(app_for({"*"}), "null"));
}

TEST(AllowedOrigins, AreComparedWithSchemeHostAndPort) {
    const App app = app_for({"https://Example.com", "http://localhost:3000"});
    EXPECT_TRUE(allows_origin(app, "https://example.COM"));
    EXPECT_TRUE(allows_origin(app, "http://localhost:3000"));
    for (const char* origin : {"http://example.com", "https://example.com:8443", "https://evil-example.com",
                               "https://example.com.evil.net", "https://www.example.com", "null", "", "http://localhost"}) {
        EXPECT_FALSE(allows_origin(app, origin)) << origin;
    }
}

TEST(AllowedOrigins, MayNameAllSubdomains) {
    const App app = app_for({"https://*.example.com"});
    EXPECT_TRUE(allows_origin(app, "https://www.example.com"));
    EXPECT_TRUE(allows_origin(app, "https://a.b.example.com"));
    for (const char* origin : {"https://example.com", "https://.example.com", "https://evilexample.com",
                               "http://www.example.com", "https://evil.net/.example.com", "https://evil.net:1.example.com"}) {
        EXPECT_FALSE(allows_origin(app, origin)) << origin;
    }
}

App served(std::string id, std::string key) {
    App app;
    app.id = std::move(id);
    app.key = std::move(key);
    return app;
}

TEST(AppTable, SharesItsAppsWithItsCopies) {
    AppTable table({served("a", "ka"), served("b", "kb")});
    const AppTable before = table;
    const App* a = table.find_by_id("a");
    ASSERT_NE(a, nullptr);
    EXPECT_EQ(before.find_by_key("ka"), a);
    table = AppTable({served("b", "kb")});
    EXPECT_EQ(table.find_by_id("a"), nullptr);
    EXPECT_EQ(before.find_by_id("a"), a);
    EXPECT_EQ(AppTable().find_by_key("ka"), nullptr);
}

TEST(AppTable, TellsWhatHasBecomeOfAnApp) {
    const App before = served("a", "ka");
    const AppTable same({served("a", "ka")});
    EXPECT_EQ(fate_of(before, same), (std::pair{AppFate::kServed, same.find_by_id("a")}));
    EXPECT_EQ(fate_of(before, AppTable()).first, AppFate::kGone);
    EXPECT_EQ(fate_of(before, AppTable({served("a", "other")})).first, AppFate::kGone) << "its clients know another key";
    EXPECT_EQ(fate_of(before, AppTable({served("other", "ka")})).first, AppFate::kGone) << "its channels are another app's";
    App off = before;
    off.enabled = false;
    EXPECT_EQ(fate_of(before, AppTable({off})).first, AppFate::kDisabled);
}

}  // namespace
}  // namespace tulle::node
