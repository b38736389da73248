#include "node/admin/client_asks.hpp"

#include <string>

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "node/wire/client_rows.hpp"

namespace tulle::node::client_asks_test {
namespace {

namespace json = boost::json;

/// The answer of an edge of `node` with these connections, by their bytes that wait.
std::string part_of(const std::string& node, std::uint64_t total, std::initializer_list<std::uint64_t> outboxes) {
    AnswerWriter out({.node = node, .total = total}, mesh::kMaxQueryPartBytes);
    for (const std::uint64_t outbox : outboxes) {
        out.add(ConnectionRow{.id = std::to_string(outbox) + ".1",
                              .kind = "pusher",
                              .app = "app",
                              .address = "10.0.0.1",
                              .numbers = {1, 2, outbox, 3}});
    }
    return out.finish().at(0);
}

json::value body_of(const HttpResponse& response) {
    return json::parse(response.body);
}

ClientAsk ask_of(AdminPage page, std::string_view query, std::string_view path = "/v1/conns") {
    const auto ask = read_client_ask(page, path, query);
    EXPECT_TRUE(ask.has_value()) << query << ": " << (ask.has_error() ? ask.error() : "");
    return ask.has_value() ? *ask : ClientAsk{};
}

TEST(ClientAsks, TakeWhatTheirPathKnows) {
    const ClientAsk ask =
        ask_of(AdminPage::kConnections,
               "app=app&channel=news&user=a%20b&address=10.0.0.1&sort=oldest&limit=10&offset=20&node=n1"
               "&timeout_ms=500");
    EXPECT_EQ(ask.question.app, "app");
    EXPECT_EQ(ask.question.channel, "news");
    EXPECT_EQ(ask.question.user, "a b");
    EXPECT_EQ(ask.question.address, parse_peer_address("10.0.0.1"));
    EXPECT_EQ(ask.question.order, ClientOrder::kOldest);
    EXPECT_EQ(ask.question.node, "n1");
    EXPECT_EQ(ask.limit, 10u);
    EXPECT_EQ(ask.offset, 20u);
    EXPECT_EQ(ask.question.limit, 30u);
    EXPECT_EQ(ask.timeout, Duration(500ms));

    EXPECT_EQ(ask_of(AdminPage::kChannels, "prefix=pri&sort=subscribers").question.channel_order,
              ChannelOrder::kSubscribers);
    EXPECT_EQ(ask_of(AdminPage::kChannels, "limit=5").question.limit, 5u);
    // The largest channel of the mesh may be a small one at each shard.
    EXPECT_EQ(ask_of(AdminPage::kChannels, "limit=5&sort=subscribers").question.limit, kMaxClientRows);
    EXPECT_EQ(ask_of(AdminPage::kConnection, "", "/v1/conns/7%40n1").question.socket, "7@n1");
    EXPECT_FALSE(ask_of(AdminPage::kKick, "user=ann&reconnect=no").question.reconnects);
    EXPECT_EQ(ask_of(AdminPage::kKick, "user=ann").question.limit, kMaxClientRows);
}

TEST(ClientAsks, RefuseWhatIsWrong) {
    const std::pair<AdminPage, const char*> wrong[] = {
        {AdminPage::kConnections, "limit=0"},
        {AdminPage::kConnections, "limit=1001"},
        {AdminPage::kConnections, "limit=5x"},
        {AdminPage::kConnections, "limit=900&offset=200"},
        {AdminPage::kConnections, "offset=-1"},
        {AdminPage::kConnections, "sort=name"},
        {AdminPage::kConnections, "address=10.0.0.1:80"},
        {AdminPage::kConnections, "app=a/b"},
        {AdminPage::kConnections, "channel=a%20b"},
        {AdminPage::kConnections, "user="},
        {AdminPage::kConnections, "user=%ff"},
        {AdminPage::kConnections, "user=a&user=b"},
        {AdminPage::kConnections, "prefix=a"},
        {AdminPage::kConnections, "timeout_ms=0"},
        {AdminPage::kConnections, "timeout_ms=10001"},
        {AdminPage::kConnections, "%"},
        {AdminPage::kChannels, "sort=outbox"},
        {AdminPage::kChannels, "channel=a"},
        {AdminPage::kPresence, "app=app"},
        {AdminPage::kPresence, "app=app&channel=news"},
        {AdminPage::kKick, ""},
        {AdminPage::kKick, "app=app"},
        {AdminPage::kKick, "node=n1"},
        // A misspelt condition must not leave an order without it.
        {AdminPage::kKick, "user=ann&adress=10.0.0.1"},
        {AdminPage::kKick, "user=ann&reconnect=maybe"},
    };
    for (const auto& [page, query] : wrong) {
        EXPECT_TRUE(read_client_ask(page, "/v1/conns", query).has_error()) << query;
    }
    EXPECT_TRUE(read_client_ask(AdminPage::kConnection, "/v1/conns/%zz", "").has_error());
    EXPECT_TRUE(read_client_ask(AdminPage::kConnections, "/v1/conns", "user=" + std::string(4'000, 'a')).has_error());
}

TEST(ClientAnswers, ShowTheFirstConnectionsOfAllNodes) {
    const mesh::QueryResult result{
        .id = 1, .parts = {part_of("n1", 5, {9, 3, 1}), "", "{}", part_of("n2", 3, {8, 2})}, .missing = {"n3"}};
    const HttpResponse response =
        answer_client_ask(AdminPage::kConnections, ask_of(AdminPage::kConnections, "limit=2&offset=1"), result);
    EXPECT_EQ(response.status, 200u);
    const json::value body = body_of(response);
    ASSERT_EQ(body.at("connections").as_array().size(), 2u);
    EXPECT_EQ(body.at("connections").at(0).at("id").as_string(), "8.1");
    EXPECT_EQ(body.at("connections").at(0).at("node").as_string(), "n2");
    EXPECT_EQ(body.at("connections").at(1).at("id").as_string(), "3.1");
    EXPECT_EQ(body.at("total").as_int64(), 8);
    EXPECT_TRUE(body.at("more").as_bool());
    EXPECT_EQ(json::serialize(body.at("nodes")), R"([{"name":"n1","connections":5},{"name":"n2","connections":3}])");
    EXPECT_EQ(json::serialize(body.at("missing")), R"(["n3"])");
}

TEST(ClientAnswers, AddChannelsUpAndSayWhetherTheNumbersAreWhole) {
    AnswerWriter first({.node = "n1", .total = 2}, 10'000);
    first.add(ChannelRow{"app", "presence-x", 3, 4});
    first.add(ChannelRow{"app", "news", 1, {}});
    AnswerWriter second({.node = "n2", .total = 7}, 10'000);
    second.add(ChannelRow{"app", "presence-x", 2, 5});
    const mesh::QueryResult result{.id = 1, .parts = {first.finish()[0], second.finish()[0]}, .missing = {}};
    const json::value by_name =
        body_of(answer_client_ask(AdminPage::kChannels, ask_of(AdminPage::kChannels, ""), result));
    EXPECT_EQ(json::serialize(by_name),
              R"({"channels":[{"app":"app","name":"news","subscribers":1},)"
              R"({"app":"app","name":"presence-x","subscribers":5,"users":5}],"more":true,"exact":true,"missing":[]})");
    const json::value by_subscribers = body_of(
        answer_client_ask(AdminPage::kChannels, ask_of(AdminPage::kChannels, "sort=subscribers&limit=1"), result));
    EXPECT_EQ(by_subscribers.at("channels").as_array().size(), 1u);
    EXPECT_EQ(by_subscribers.at("channels").at(0).at("name").as_string(), "presence-x");
    EXPECT_FALSE(by_subscribers.at("exact").as_bool());
    const json::value in_part =
        body_of(answer_client_ask(AdminPage::kChannels, ask_of(AdminPage::kChannels, ""),
                                  {.id = 1, .parts = {part_of("n1", 0, {})}, .missing = {"n2"}}));
    EXPECT_FALSE(in_part.at("exact").as_bool()) << "nobody knows the channels of n2";
}

TEST(ClientAnswers, NameEachUserOnceWithAllNodes) {
    AnswerWriter first({.node = "n1", .total = 2, .users = 3, .subscribers = 4}, 10'000);
    first.add("ann");
    first.add("bob");
    AnswerWriter second({.node = "n2", .total = 1, .users = 3, .subscribers = 1}, 10'000);
    second.add("ann");
    const mesh::QueryResult result{.id = 1, .parts = {first.finish()[0], second.finish()[0]}, .missing = {"n3"}};
    const json::value body = body_of(
        answer_client_ask(AdminPage::kPresence, ask_of(AdminPage::kPresence, "app=app&channel=presence-x"), result));
    EXPECT_EQ(json::serialize(body),
              R"({"app":"app","channel":"presence-x","users":[{"id":"ann","nodes":["n1","n2"]},)"
              R"({"id":"bob","nodes":["n1"]}],"total":3,"subscribers":5,"more":true,"missing":["n3"]})");
}

TEST(ClientAnswers, SayWhoWasClosed) {
    AnswerWriter first({.node = "n1", .total = 3}, 10'000);
    first.add("1.1");
    first.add("2.2");
    AnswerWriter second({.node = "n2", .total = 1}, 10'000);
    second.add("3.3");
    // The limit is for each edge, so that together they may close more; all of these are named.
    const mesh::QueryResult result{.id = 1, .parts = {first.finish()[0], second.finish()[0]}, .missing = {}};
    const json::value body =
        body_of(answer_client_ask(AdminPage::kKick, ask_of(AdminPage::kKick, "user=ann&limit=2"), result));
    EXPECT_EQ(json::serialize(body), R"({"closed":3,"ids":["1.1","2.2","3.3"],"more":true,)"
                                     R"("nodes":[{"name":"n1","closed":2},{"name":"n2","closed":1}],"missing":[]})");
}

TEST(ClientAnswers, SayThatNobodyAndNoNodeIsThere) {
    const ClientAsk one = ask_of(AdminPage::kConnection, "", "/v1/conns/9.1");
    EXPECT_EQ(answer_client_ask(AdminPage::kConnection, one, {.id = 1, .parts = {part_of("n1", 1, {9})}, .missing = {}})
                  .status,
              200u);
    const HttpResponse none =
        answer_client_ask(AdminPage::kConnection, one, {.id = 1, .parts = {part_of("n1", 0, {})}, .missing = {"n2"}});
    EXPECT_EQ(none.status, 404u);
    EXPECT_NE(none.body.find("no answer has come from n2"), std::string::npos);
    const ClientAsk elsewhere = ask_of(AdminPage::kConnections, "node=n2");
    EXPECT_EQ(answer_client_ask(AdminPage::kConnections, elsewhere, {.id = 1, .parts = {"", ""}, .missing = {}}).status,
              404u);
}

TEST(AdminRoutes, LeadToAConnectionByItsId) {
    EXPECT_EQ(find_admin_route("/v1/conns")->page, AdminPage::kConnections);
    EXPECT_EQ(find_admin_route("/v1/conns/1.2")->page, AdminPage::kConnection);
    EXPECT_EQ(find_admin_route("/v1/conns/kick")->page, AdminPage::kKick);
    EXPECT_EQ(find_admin_route("/v1/conns/"), nullptr);
    EXPECT_EQ(find_admin_route("/v1/connections"), nullptr);
    EXPECT_EQ(find_admin_route("/none"), nullptr);
}

}  // namespace
}  // namespace tulle::node::client_asks_test
