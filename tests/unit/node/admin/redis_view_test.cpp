#include "node/admin/redis_view.hpp"

#include <string>

#include <gtest/gtest.h>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "node/admin/metrics.hpp"
#include "node/admin/status_json.hpp"

/// What an operator sees of the clients of Redis.
namespace tulle::node::redis_view_test {
namespace {

namespace json = boost::json;

/// Two shards that count two realms.
class RedisViewTest : public ::testing::Test {
protected:
    RedisViewTest() {
        open_[0].clients.add(2);
        open_[1].clients.add(3);
        open_[0].channels.add(4);
        open_[1].patterns.add();
        shop_[1].publishes_total.add(7);
        shop_[0].gap_closes_total.add();
        shop_[1].questions_incomplete_total.add(9);
    }

    [[nodiscard]] RedisView view() const {
        return {.listen = "127.0.0.1:6379",
                .realms = {{.name = "default", .shards = {&open_[0], &open_[1]}},
                           {.name = "shop", .has_secret = true, .shards = {&shop_[0], &shop_[1]}}}};
    }
    [[nodiscard]] static std::string metrics(const std::optional<RedisView>& redis) {
        return render_metrics({{}, ReloadCounters{}, AdminCounters{}, redis}, {}, nullptr);
    }

    redis::RealmCounters open_[2];
    redis::RealmCounters shop_[2];
};

TEST_F(RedisViewTest, MetricsAreSumsOverTheShardsByRealm) {
    const std::string text = metrics(view());
    for (const char* line :
         {"\n# TYPE tulle_redis_clients gauge\ntulle_redis_clients{realm=\"default\"} "
          "5\ntulle_redis_clients{realm=\"shop\"} 0\n",
          "\n# TYPE tulle_redis_publishes_total counter\ntulle_redis_publishes_total{realm=\"default\"} 0\n",
          "\ntulle_redis_publishes_total{realm=\"shop\"} 7\n", "\ntulle_redis_gap_closes_total{realm=\"shop\"} 1\n",
          "\ntulle_redis_questions_incomplete_total{realm=\"shop\"} 9\n",
          "\ntulle_redis_subscriptions{realm=\"default\",kind=\"channel\"} 4\n",
          "\ntulle_redis_subscriptions{realm=\"default\",kind=\"pattern\"} 1\n",
          "\ntulle_redis_subscriptions{realm=\"shop\",kind=\"shard_channel\"} 0\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line;
    }
}

TEST_F(RedisViewTest, WithoutAListenerThereIsNothingOfIt) {
    EXPECT_EQ(metrics(std::nullopt).find("redis"), std::string::npos);
    EXPECT_EQ(render_status({}, {}, std::nullopt).find("redis"), std::string::npos);
    EXPECT_EQ(render_report({}, std::nullopt, 1'000)[0].find("redis"), std::string::npos);
}

TEST_F(RedisViewTest, TheStatusHasTheAddressAndTheNumbersOfEachRealm) {
    const json::value redis = json::parse(render_status({}, {}, view())).at("redis");
    EXPECT_EQ(redis.at("listen").as_string(), "127.0.0.1:6379");
    const json::value& open = redis.at("realms").at(0);
    EXPECT_EQ(open.at("name").as_string(), "default");
    EXPECT_EQ(open.at("clients").to_number<int>(), 5);
    EXPECT_EQ(json::serialize(open.at("subscriptions")), R"({"channels":4,"patterns":1,"shard_channels":0})");
    const json::value& shop = redis.at("realms").at(1);
    EXPECT_TRUE(shop.at("has_secret").as_bool());
    EXPECT_EQ(shop.at("publishes_total").to_number<int>(), 7);
    EXPECT_EQ(shop.at("gap_closes_total").to_number<int>(), 1);
}

TEST_F(RedisViewTest, DigestsAreThereWithAKeyAlone) {
    RedisView redis = view();
    EXPECT_EQ(json::serialize(to_json(redis)).find("digests"), std::string::npos);
    EXPECT_FALSE(to_json(redis).contains("key"));
    redis.key = "829002f2";
    redis.realms[1].users_digest = "0123";
    redis.realms[1].secret_digest = "4567";
    const json::value value = to_json(redis);
    EXPECT_EQ(value.at("key").as_string(), "829002f2");
    EXPECT_EQ(json::serialize(value.at("realms").at(1).at("digests")), R"({"users":"0123","secret":"4567"})");
}

TEST_F(RedisViewTest, OnlyTheFirstPartOfAReportHasTheRealms) {
    mesh::NodeStatus status;
    status.members.resize(20);
    const auto parts = render_report(status, view(), 1'500);
    ASSERT_GT(parts.size(), 1u);
    for (const std::string& part : parts) {
        EXPECT_EQ(json::parse(part).as_object().contains("redis"), &part == &parts.front());
    }
}

TEST_F(RedisViewTest, TheMostRealmsFitIntoAPartOfAReport) {
    RedisView redis{.listen = "[::ffff:255.255.255.255]:65535", .key = "829002f2"};
    for (std::size_t i = 0; i < 64; ++i) {
        redis.realms.push_back({.name = std::string(64, 'x'),
                                .users_digest = std::string(16, 'f'),
                                .secret_digest = std::string(16, 'f'),
                                .shards = {&open_[0]}});
    }
    open_[0].commands_total.set(~std::uint64_t{0});
    EXPECT_LT(render_report({}, redis, mesh::kMaxQueryPartBytes)[0].size(), mesh::kMaxQueryPartBytes / 2);
}

}  // namespace
}  // namespace tulle::node::redis_view_test
