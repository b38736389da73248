#include "tools/cli/clients_table.hpp"

#include <gtest/gtest.h>

namespace tulle::cli::clients_test {
namespace {

constexpr std::string_view kConnections =
    R"({"connections":[{"node":"n1","id":"1.2","kind":"pusher","app":"app","address":"10.0.0.1","age_ms":61000,)"
    R"("subscriptions":3,"outbox":2048,"user":"ann","received":7},)"
    R"({"node":"n2","id":"7@n2","kind":"redis","app":"","address":"10.0.0.2","age_ms":1000,"subscriptions":0,"outbox":0}],)"
    R"("total":12,"more":true,"nodes":[],"missing":["n3"]})";

TEST(CliClients, ShowsConnections) {
    const auto text = connections_text(kConnections, 5);
    ASSERT_TRUE(text.has_value());
    EXPECT_EQ(text->text,
              "ID    NODE  KIND    APP  ADDRESS   AGE   SUBS  OUTBOX  IN  USER\n"
              "1.2   n1    pusher  app  10.0.0.1  1m1s  3     2.0K    7   ann\n"
              "7@n2  n2    redis   -    10.0.0.2  1s    0     0       -   -\n"
              "6 to 7 of 12 connections\n");
    EXPECT_EQ(text->missing, std::vector<std::string>{"n3"});
    EXPECT_EQ(text->rows, 2u);
    EXPECT_EQ(connections_text(R"({"connections":[],"total":0})", 0)->text, "no connections\n");
    EXPECT_EQ(connections_text(R"({"connections":[],"total":4})", 10)->text,
              "no connection is left after the first 10 of 4\n");
}

TEST(CliClients, ShowsOneConnectionWithItsChannels) {
    const auto text = connection_text(
        R"({"node":"n1","id":"1.2","kind":"pusher","app":"app","address":"10.0.0.1","age_ms":1000,"subscriptions":3,)"
        R"("outbox":0,"received":2,"channels":["news","a\u001bb"]})");
    ASSERT_TRUE(text.has_value());
    EXPECT_NE(text->text.find("messages in    2\n"), std::string::npos);
    EXPECT_NE(text->text.find("user           -\n"), std::string::npos);
    // Names of clients do not steer the terminal.
    EXPECT_NE(text->text.find("  news\n  a\\x1bb\n  and 1 more\n"), std::string::npos);
}

TEST(CliClients, ShowsChannels) {
    const auto text = channels_text(
        R"({"channels":[{"app":"app","name":"news","subscribers":3},{"app":"app","name":"presence-x","subscribers":5,)"
        R"("users":2}],"more":true,"exact":false,"missing":[]})");
    ASSERT_TRUE(text.has_value());
    EXPECT_EQ(text->text,
              "CHANNEL     APP  SUBSCRIBERS  USERS\n"
              "news        app  3            -\n"
              "presence-x  app  5            2\n"
              "there are more channels: see --limit and --prefix\n"
              "the numbers are lower bounds, as a node has more channels than it may name\n");
    EXPECT_EQ(channels_text(R"({"channels":[],"more":false,"exact":true})")->text, "no channels\n");
}

TEST(CliClients, ShowsTheUsersOfAChannel) {
    const auto text = presence_text(
        R"({"users":[{"id":"ann","nodes":["n1","n2"]}],"total":2,"subscribers":1,"more":true,"missing":[]})");
    ASSERT_TRUE(text.has_value());
    EXPECT_EQ(text->text,
              "USER  NODES\n"
              "ann   n1 n2\n"
              "2 users, 1 connection; not all users are shown: see --limit\n");
    EXPECT_EQ(presence_text(R"({"users":[],"total":0,"subscribers":0})")->text, "0 users, 0 connections\n");
}

TEST(CliClients, SaysWhoWasClosed) {
    const auto text = kick_text(
        R"({"closed":3,"ids":["1.2"],"more":true,"nodes":[{"name":"n1","closed":1},{"name":"n2","closed":2},{"name":"n3","closed":0}],"missing":[]})");
    ASSERT_TRUE(text.has_value());
    EXPECT_EQ(text->text,
              "closed 3 connections: 1 at n1, 2 at n2\n"
              "more connections are like that: say it again\n");
    EXPECT_EQ(kick_text(R"({"closed":0,"nodes":[],"missing":["n2"]})")->text, "nobody is connected like that\n");
}

TEST(CliClients, TakesNothingElseForAnAnswer) {
    for (const char* other : {"", "[]", "{}", "<html>", R"({"connections":3,"channels":3,"users":3,"closed":1})"}) {
        EXPECT_FALSE(connections_text(other, 0).has_value());
        EXPECT_FALSE(connection_text(other).has_value());
        EXPECT_FALSE(channels_text(other).has_value());
        EXPECT_FALSE(presence_text(other).has_value());
        EXPECT_FALSE(kick_text(other).has_value());
    }
}

TEST(CliClients, ShortensBytes) {
    EXPECT_EQ(bytes_text(-1), "-");
    EXPECT_EQ(bytes_text(1'023), "1023");
    EXPECT_EQ(bytes_text(1'024), "1.0K");
    EXPECT_EQ(bytes_text(1'048'576 * 1.5), "1.5M");
    EXPECT_EQ(bytes_text(1e18), "909494.7T");
}

}  // namespace
}  // namespace tulle::cli::clients_test
