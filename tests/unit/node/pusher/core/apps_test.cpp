#include "node/pusher/core/apps.hpp"

#include <chrono>

#include <gtest/gtest.h>

#include "node/web/core/origin_pattern.hpp"

namespace tulle::node::apps_test {
namespace {

App app_for(const std::vector<std::string>& origins) {
    App app;
    for (const std::string& origin : origins) {
        const OriginPattern parsed = parse_origin_pattern(origin);
        EXPECT_EQ(parsed.error, "") << origin;
        app.allowed_origins.push_back(parsed.pattern);
    }
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
    for (const char* origin :
         {"http://example.com", "https://example.com:8443", "https://evil-example.com", "https://example.com.evil.net",
          "https://www.example.com", "null", "", "http://localhost"}) {
        EXPECT_FALSE(allows_origin(app, origin)) << origin;
    }
}

TEST(AllowedOrigins, MayNameAllSubdomains) {
    const App app = app_for({"https://*.example.com"});
    EXPECT_TRUE(allows_origin(app, "https://www.example.com"));
    EXPECT_TRUE(allows_origin(app, "https://a.b.example.com"));
    for (const char* origin :
         {"https://example.com", "https://.example.com", "https://evilexample.com", "http://www.example.com",
          "https://evil.net/.example.com", "https://evil.net:1.example.com"}) {
        EXPECT_FALSE(allows_origin(app, origin)) << origin;
    }
}

TEST(AllowedOrigins, MeanWhatTheyWouldSayInABrowsersForm) {
    const std::pair<const char*, const char*> pairs[] = {
        {"https://example.com:443", "https://example.com"},
        {"http://example.com:80", "http://example.com"},
        {"https://example.com/", "https://example.com"},
        {"https://example.com", "https://example.com:443"},
        {"HTTPS://Example.COM:8443/", "https://example.com:8443"},
        {"http://localhost:*", "http://localhost"},
        {"http://localhost:*", "http://localhost:3000"},
        {"http://127.0.0.1:*", "http://127.0.0.1:5173"},
        {"http://[::1]:3000", "http://[::1]:3000"},
        {"http://[::1]:*", "http://[::1]"},
        {"https://*.example.com:*", "https://a.example.com:81"},
        {"https://*", "https://anything.example"},
        {"https://app-*.example.com", "https://app-pr-7.example.com"},
        {"https://*.staging.*.example.com", "https://a.staging.eu.example.com"},
        {"capacitor://localhost", "capacitor://localhost"},
        {"chrome-extension://abcdef", "chrome-extension://abcdef"},
        {"https://xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example"},
        {"file://", "file://"},
        {"https://example.com.", "https://example.com."},
        {"http://my_app.local", "http://my_app.local"},
        {"http://*.0.0.1", "http://127.0.0.1"},
        {"http://[2001:db8::1:0:0:1]", "http://[2001:db8::1:0:0:1]"},
        {"https://1password.com", "https://1password.com"},
        {"http://a.0b", "http://a.0b"},
        {"app://.", "app://."},
        {"http://[::]:*", "http://[::]:8080"}};
    for (const auto& [pattern, origin] : pairs) {
        EXPECT_TRUE(allows_origin(app_for({pattern}), origin)) << pattern << " and " << origin;
    }
    const std::pair<const char*, const char*> strangers[] = {{"https://example.com:443", "http://example.com"},
                                                             {"https://example.com:443", "https://example.com:80"},
                                                             {"http://localhost:*", "https://localhost:3000"},
                                                             {"http://localhost:*", "http://localhost.evil.net:3000"},
                                                             {"http://localhost:*", "http://localhost:3000/x"},
                                                             {"http://localhost:*", "http://localhost:evil"},
                                                             {"http://localhost:*", "http://localhost:99999"},
                                                             {"https://*", "https://"},
                                                             {"https://*", "https://user@evil.net"},
                                                             {"https://*", "http://a.example"},
                                                             {"https://*.example.com", "https://a.example.com:8443"},
                                                             {"https://*.example.com", "https://user@a.example.com"},
                                                             {"https://app-*.example.com", "https://app-.example.com"},
                                                             {"http://[::1]:3000", "http://[::1]"}};
    for (const auto& [pattern, origin] : strangers) {
        EXPECT_FALSE(allows_origin(app_for({pattern}), origin)) << pattern << " and " << origin;
    }
}

TEST(AllowedOrigins, ThatNothingCanMatchAreRefusedWithTheFormToUse) {
    const std::pair<const char*, const char*> wrong[] = {
        {"example.com", "write https://example.com or http://example.com"},
        {"localhost:3000", "write https://localhost:3000 or http://localhost:3000"},
        {"https://example.com/app", "an origin has no path: write https://example.com"},
        {"https://Example.com:443/app/", "an origin has no path: write https://example.com:443"},
        {"https://example.com?x", "an origin has no path: write https://example.com"},
        {"wss://example.com", "the origin is that of the page: write https://example.com"},
        {"ws://localhost:3000", "the origin is that of the page: write http://localhost"},
        {"https://m\xc3\xbcnchen.example", "browsers send the ASCII form"},
        {"*://example.com", "such as https:// or http://"},
        {"https://example.*", "a * stands before a dot"},
        {"https://*example.com", "a * stands before a dot"},
        {"https://example.com:*0", "a port is a number from 1 to 65535, or *"},
        {"https://example.com:0", "a port is a number from 1 to 65535, or *"},
        {"https://example.com:443443", "a port is a number from 1 to 65535, or *"},
        {"https://user@example.com", "an origin has no user"},
        {"https://", "it has no host"},
        {"https://a b", "spaces"},
        {"https://127.1", "write https://127.0.0.1"},
        {"http://127.1:3000", "write http://127.0.0.1:3000"},
        {"http://0x7f.0.0.1", "write http://127.0.0.1"},
        {"http://2130706433", "write http://127.0.0.1"},
        {"http://010.0.0.1:*", "write http://8.0.0.1:*"},
        {"http://127.0.0.1.", "write http://127.0.0.1"},
        {"http://256.0.0.1", "this is none"},
        {"http://1.2.3.4.5", "this is none"},
        {"http://example.09", "this is none"},
        {"https://a..b", "between two dots is empty"},
        {"https://.example.com", "between two dots is empty"},
        {"https://*..example.com", "between two dots is empty"},
        {"https://.", "between two dots is empty"},
        {"https://exa$mple.com", "letters, digits, - and _ alone"},
        {"https://*.exa,mple", "each origin is a string of its own"},
        {"https://[zz]", "no IPv6 address between the brackets"},
        {"https://[]", "no IPv6 address between the brackets"},
        {"https://[:::1]", "no IPv6 address between the brackets"},
        {"https://[1:2:3]", "no IPv6 address between the brackets"},
        {"https://[1:2:3:4:5:6:7::8:9]", "no IPv6 address between the brackets"},
        {"https://[127.0.0.1]", "no IPv6 address between the brackets"},
        {"capacitor://[zz]", "no IPv6 address between the brackets"},
        {"http://[0:0:0:0:0:0:0:1]:80", "write http://[::1]"},
        {"http://[::ffff:127.0.0.1]:8080", "write http://[::ffff:7f00:1]:8080"},
        {"http://[2001:db8:0:0:1:0:0:1]", "write http://[2001:db8::1:0:0:1]"},
        {"http://[1:0:2:0:0:3:4:05]", "write http://[1:0:2::3:4:5]"},
        {"https://[*.::1]", "IPv6 address has no *"},
        {"https://a.example,https://b.example", "each origin is a string of its own"},
        {"", "it is empty"}};
    for (const auto& [pattern, why] : wrong) {
        const OriginPattern parsed = parse_origin_pattern(pattern);
        EXPECT_TRUE(parsed.pattern.empty()) << pattern;
        EXPECT_NE(parsed.error.find(why), std::string::npos) << pattern << ": " << parsed.error;
    }
}

TEST(AllowedOrigins, HaveNamesThatDnsCanHave) {
    const std::string label(63, 'a');
    EXPECT_EQ(parse_origin_pattern("https://" + label + ".example").error, "");
    EXPECT_NE(parse_origin_pattern("https://" + label + "a.example").error, "");
    const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');
    EXPECT_EQ(parse_origin_pattern("https://" + longest).error, "");
    EXPECT_NE(parse_origin_pattern("https://" + longest + "a").error, "");
}

TEST(AllowedOrigins, ALongOriginTakesNoTimeToRefuse) {
    const App app = app_for({"https://*.a.*.a.*.a.*.a.*.a.*.b"});
    std::string origin = "https://";
    for (int i = 0; i < 120; ++i) {
        origin += "a.a.";
    }
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 1000; ++i) {
        EXPECT_FALSE(allows_origin(app, origin));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5)) << "without a bound it takes hours";
    EXPECT_FALSE(allows_origin(app, "https://" + std::string(100'000, 'a') + ".b"));
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
    EXPECT_EQ(fate_of(before, AppTable({served("a", "other")})).first, AppFate::kGone)
        << "its clients know another key";
    EXPECT_EQ(fate_of(before, AppTable({served("other", "ka")})).first, AppFate::kGone)
        << "its channels are another app's";
    App off = before;
    off.enabled = false;
    EXPECT_EQ(fate_of(before, AppTable({off})).first, AppFate::kDisabled);
}

}  // namespace
}  // namespace tulle::node::apps_test
