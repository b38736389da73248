// The demonstration: who may read the members and give orders, and what becomes of an order.
#include "node/pusher/edge/demo_pages.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace tulle::node::demo_pages_test {
namespace {

namespace http = boost::beast::http;

using Orders = std::vector<std::pair<DemoOrder, std::string>>;

constexpr std::string_view kMembers = "/demo/nodes.json";

AppTable default_app() {
    App app;
    app.id = "app-id";
    app.key = "app-key";
    app.secret = "app-secret";
    return AppTable({app});
}

class DemoPagesTest : public ::testing::Test {
protected:
    /// A demonstration whose program takes orders as long as `takes` is true.
    DemoPagesTest() {
        content.page = "<!DOCTYPE html>";
        content.app_key = "app-key";
        content.app_secret = "app-secret";
        content.order = [this](DemoOrder order, std::string_view node) {
            orders.emplace_back(order, node);
            return takes;
        };
    }

    static UpgradeRequest head(std::string_view target, const char* host, const char* origin = nullptr) {
        UpgradeRequest request{http::verb::post, {target.data(), target.size()}, 11};
        request.set(http::field::host, host);
        if (origin != nullptr) {
            request.set(http::field::origin, origin);
        }
        return request;
    }
    bool passes(const UpgradeRequest& request) const { return !pages.refuse(request); }
    HttpResponse obey(const std::string& target) const { return pages.obey({"POST", target, ""}); }

    DemoContent content;
    AppTable apps = default_app();
    DemoPages pages{content, apps};
    Orders orders;
    bool takes = true;
};

TEST_F(DemoPagesTest, PagesOfLoopbackAndProgramsWithoutAnOriginPass) {
    EXPECT_TRUE(passes(head("/demo/kill?node=n1", "127.0.0.1:6001")));
    EXPECT_TRUE(passes(head("/demo/kill?node=n1", "127.0.0.1", "http://127.0.0.1")));
    EXPECT_TRUE(passes(head("/demo/kill?node=n1", "localhost:6001", "http://localhost:6001")));
    EXPECT_TRUE(passes(head(kMembers, "127.0.0.1:6002", "http://127.0.0.1:6001")));
    EXPECT_TRUE(passes(head("/demo/start?node=n1", "[::1]:6002", "http://[::1]:6001")));
}

TEST_F(DemoPagesTest, PagesOfOtherPlacesAreRefused) {
    for (const char* host : {"example.org:6001", "example.org", "10.0.0.1:6001", "127.0.0.1.example.org:6001", ""}) {
        const std::optional<HttpResponse> refusal = pages.refuse(head("/demo/kill?node=n1", host));
        ASSERT_TRUE(refusal) << host;
        EXPECT_EQ(refusal->status, 403U) << host;
    }
    for (const char* origin : {"http://example.org", "https://127.0.0.1:6001", "null", "", "http://10.0.0.1:6001"}) {
        EXPECT_FALSE(passes(head(kMembers, "127.0.0.1:6001", origin))) << origin;
        EXPECT_FALSE(passes(head("/demo/kill?node=n1", "127.0.0.1:6001", origin))) << origin;
    }
    UpgradeRequest twice = head(kMembers, "127.0.0.1:6001", "http://127.0.0.1:6001");
    twice.insert(http::field::origin, "http://example.org");
    EXPECT_FALSE(passes(twice));
    EXPECT_TRUE(orders.empty());
}

TEST_F(DemoPagesTest, RequestsThatAProxyPassesOnAreRefused) {
    for (const auto& [field, value] :
         std::vector<std::pair<std::string, std::string>>{{"X-Forwarded-For", "203.0.113.7"},
                                                          {"Forwarded", "for=203.0.113.7"},
                                                          {"X-Real-IP", "203.0.113.7"},
                                                          {"Via", "1.1 proxy"},
                                                          {"Sec-Fetch-Site", "cross-site"}}) {
        UpgradeRequest request = head("/demo/kill?node=n1", "127.0.0.1:6001");
        EXPECT_TRUE(passes(request));
        request.set(field, value);
        EXPECT_FALSE(passes(request)) << field;
    }
}

TEST_F(DemoPagesTest, OtherPathsAndNodesWithoutOrdersAreLeftAlone) {
    EXPECT_TRUE(passes(head("/apps/app-id/events", "example.org", "http://example.org")));
    content.order = nullptr;
    EXPECT_TRUE(passes(head(kMembers, "example.org")));
    EXPECT_FALSE(pages.is_order("/demo/kill"));
    EXPECT_TRUE(pages.asks_members(kMembers));
    content.page.clear();
    EXPECT_FALSE(pages.asks_members(kMembers));
}

TEST_F(DemoPagesTest, AnOrderIsPassedOn) {
    EXPECT_EQ(obey("/demo/kill?node=n2").status, 202U);
    EXPECT_EQ(obey("/demo/start?node=n2").status, 202U);
    EXPECT_EQ(orders, (Orders{{DemoOrder::kKill, "n2"}, {DemoOrder::kStart, "n2"}}));
    takes = false;
    EXPECT_EQ(obey("/demo/kill?node=n3").status, 503U);
}

TEST_F(DemoPagesTest, ANameIsAName) {
    for (const char* query :
         {"", "?node=", "?name=n1", "?node=n1%0Akill", "?node=N1", "?node=n1&node=n2", "?node=nnnnnnnnnnnnnnnnn"}) {
        EXPECT_EQ(obey(std::string("/demo/kill") + query).status, 400U) << query;
    }
    EXPECT_TRUE(orders.empty());
}

TEST_F(DemoPagesTest, TheMembersAreToldWithTheirStates) {
    mesh::StatusReply reply;
    reply.status.self.name = "n1";
    reply.status.self.listen = "127.0.0.1:6001";
    reply.status.self.state = "alive";
    mesh::MemberStatus other;
    other.name = "n2";
    other.state = "joining";
    reply.status.members.push_back(other);  // without an address nobody can connect to the node
    other.listen = "127.0.0.1:6002";
    other.state = "suspect";
    reply.status.members.push_back(other);
    EXPECT_EQ(pages.members(reply).body,
              "{\"nodes\":[{\"name\":\"n1\",\"listen\":\"127.0.0.1:6001\",\"state\":\"alive\"},"
              "{\"name\":\"n2\",\"listen\":\"127.0.0.1:6002\",\"state\":\"suspect\"}],"
              "\"takes_orders\":true,\"app_key\":\"app-key\",\"app_secret\":\"app-secret\"}");
    EXPECT_EQ(pages.members(reply).headers.back().first, "Access-Control-Allow-Origin");
    content.order = nullptr;
    apps = AppTable();
    const HttpResponse closed = pages.members(reply);
    EXPECT_TRUE(closed.body.ends_with("],\"takes_orders\":false}"));
    EXPECT_EQ(closed.headers.back().first, "Cache-Control");
}

}  // namespace
}  // namespace tulle::node::demo_pages_test
