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

}  // namespace
}  // namespace tulle::node
