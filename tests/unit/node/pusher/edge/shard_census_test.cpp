// What a shard tells of its clients, and the clients that it closes by order of an operator.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "node/edge/shard.hpp"
#include "node/wire/client_question.hpp"
#include "node/wire/client_rows.hpp"
#include "tests/unit/node/pusher/edge/shard_fixture.hpp"

namespace tulle::node::shard_census_test {
namespace {

using testing::HubProbe;
using testing::PusherShard;
using testing::RawClient;
using What = ClientQuestion::What;
using Members = std::vector<mesh::PresenceMember>;

/// One shard of the node n1 on a free port, with two apps; the test is the hub.
class ShardCensusTest : public ::testing::Test {
protected:
    void SetUp() override {
        port = shard.bind({"127.0.0.1", 0}).port;
        shard.start();
        tell(mesh::Readiness{true});
        (void)ask({});
    }

    static PusherOptions options() {
        PusherOptions result;
        result.name = "n1";
        result.apps = AppTable(std::vector<App>{app("one"), app("two")});
        result.seed = 1;
        return result;
    }
    static App app(const std::string& id) {
        App app;
        app.id = id;
        app.key = "key-" + id;
        app.secret = "secret";
        return app;
    }

    void tell(mesh::ToShard message) { shard.mailbox().push_reserved(std::move(message)); }

    /// The answer of the shard, which is a single part.
    AnswerPart ask(const ClientQuestion& question) {
        tell(mesh::LocalQuery{++token, encode(question)});
        const auto answer = hub.next<mesh::LocalAnswer>();
        EXPECT_TRUE(answer && answer->last && answer->token == token);
        return answer ? read_answer_part(answer->body).value_or(AnswerPart{}) : AnswerPart{};
    }
    std::vector<std::string> ids(const ClientQuestion& question) {
        std::vector<std::string> found;
        for (const ConnectionRow& row : ask(question).connections) {
            found.push_back(row.id);
        }
        return found;
    }

    void open(RawClient& client, const std::string& app_id) {
        ASSERT_EQ(client.upgrade("/app/key-" + app_id + "?protocol=7"), 101u);
    }
    void subscribe(RawClient& client, const std::string& channel) {
        client.write_text(R"({"event":"pusher:subscribe","data":{"channel":")" + channel + R"("}})");
        const auto wanted = hub.next<mesh::Subscribe>();
        ASSERT_TRUE(wanted.has_value());
        tell(mesh::Subscribed{wanted->channel, wanted->generation});
        ASSERT_NE(client.read_text().find("subscription_succeeded"), std::string::npos);
    }
    /// Joins a presence channel of the app "one" on which the mesh has another user already.
    void join(RawClient& client, const std::string& channel, const std::string& user) {
        const std::string data = R"({"user_id":")" + user + R"("})";
        const std::string auth =
            "key-one:" + hmac_sha256_hex("secret", client.socket_id() + ":" + channel + ":" + data);
        client.write_text(R"({"event":"pusher:subscribe","data":{"channel":")" + channel + R"(","auth":")" + auth +
                          R"(","channel_data":"{\"user_id\":\")" + user + R"(\"}"}})");
        const auto wanted = hub.next<mesh::Subscribe>().value();
        const mesh::PresenceMember other{"zoe", share(std::string(R"({"user_id":"zoe"})"))};
        tell(mesh::Subscribed{wanted.channel, wanted.generation, std::make_shared<const Members>(Members{other})});
        const auto joining = hub.next<mesh::MemberJoin>().value();
        tell(mesh::MemberChanged{wanted.channel, joining.member, true});
        tell(mesh::MemberJoined{joining.id, mesh::JoinOutcome::kJoined});
        ASSERT_NE(client.read_text().find("subscription_succeeded"), std::string::npos);
    }

    static ClientQuestion about(What what) {
        ClientQuestion question;
        question.what = what;
        return question;
    }

    HubProbe hub{1'000};
    PusherShard shard{options(), hub.mailbox()};
    std::uint16_t port = 0;
    std::uint64_t token = 0;
};

TEST_F(ShardCensusTest, TellsOfEachConnectionAndFindsItByEachCondition) {
    RawClient first(port);
    RawClient second(port);
    RawClient third(port);
    open(first, "one");
    open(second, "one");
    open(third, "two");
    subscribe(first, "news");
    subscribe(first, "sport");
    join(second, "presence-room", "ann");

    const AnswerPart all = ask({});
    EXPECT_EQ(all.head.node, "n1");
    EXPECT_EQ(all.head.total, 3u);
    ASSERT_EQ(all.connections.size(), 3u);
    for (const ConnectionRow& row : all.connections) {
        EXPECT_EQ(row.kind, "pusher");
        EXPECT_EQ(row.address, "127.0.0.1");
        EXPECT_EQ(row.numbers.outbox, 0u);
        EXPECT_TRUE(row.channels.empty());
    }

    ClientQuestion question;
    question.order = ClientOrder::kSubscriptions;
    question.limit = 2;
    EXPECT_EQ(ids(question), (std::vector<std::string>{first.socket_id(), second.socket_id()}));
    EXPECT_EQ(ask(question).head.total, 3u);

    question = {};
    question.socket = first.socket_id();
    question.names_channels = true;
    const AnswerPart one = ask(question);
    ASSERT_EQ(one.connections.size(), 1u);
    EXPECT_EQ(one.connections[0].app, "one");
    EXPECT_EQ(one.connections[0].user, "");
    EXPECT_EQ(one.connections[0].numbers.subscriptions, 2u);
    EXPECT_EQ(one.connections[0].numbers.received, 2u);
    EXPECT_EQ(one.connections[0].channels, (std::vector<std::string>{"news", "sport"}));

    question = {};
    question.app = "two";
    EXPECT_EQ(ids(question), std::vector<std::string>{third.socket_id()});
    question = {};
    question.channel = "news";
    EXPECT_EQ(ids(question), std::vector<std::string>{first.socket_id()});
    question = {};
    question.user = "ann";
    const AnswerPart of_user = ask(question);
    ASSERT_EQ(of_user.connections.size(), 1u);
    EXPECT_EQ(of_user.connections[0].id, second.socket_id());
    EXPECT_EQ(of_user.connections[0].user, "ann");
    question.app = "two";
    EXPECT_TRUE(ids(question).empty());
    question = {};
    question.address = parse_peer_address("127.0.0.1");
    EXPECT_EQ(ids(question).size(), 3u);
    question.address = parse_peer_address("127.0.0.2");
    EXPECT_TRUE(ids(question).empty());

    // A question for another node gets no answer that could be taken for one.
    question = {};
    question.node = "n2";
    EXPECT_EQ(ask(question).head.node, "");
}

TEST_F(ShardCensusTest, TellsOfChannelsAndUsers) {
    RawClient first(port);
    RawClient second(port);
    open(first, "one");
    open(second, "two");
    subscribe(first, "news");
    subscribe(second, "news-of-two");
    join(first, "presence-room", "ann");

    const AnswerPart all = ask(about(What::kChannels));
    EXPECT_EQ(all.channels,
              (std::vector<ChannelRow>{
                  {"one", "news", 1, {}}, {"one", "presence-room", 1, 2}, {"two", "news-of-two", 1, {}}}));
    ClientQuestion question = about(What::kChannels);
    question.app = "two";
    question.channel = "news";
    EXPECT_EQ(ask(question).channels, (std::vector<ChannelRow>{{"two", "news-of-two", 1, {}}}));
    question = about(What::kChannels);
    question.limit = 1;
    EXPECT_EQ(ask(question).channels, (std::vector<ChannelRow>{{"one", "news", 1, {}}}));
    EXPECT_EQ(ask(question).head.total, 3u);

    question = about(What::kPresence);
    question.app = "one";
    question.channel = "presence-room";
    const AnswerPart room = ask(question);
    // Ann is here, and zoe at another node.
    EXPECT_EQ(room.texts, std::vector<std::string>{"ann"});
    EXPECT_EQ(room.head.total, 1u);
    EXPECT_EQ(room.head.users, 2u);
    EXPECT_EQ(room.head.subscribers, 1u);
    question.channel = "presence-none";
    EXPECT_EQ(ask(question).head.subscribers, 0u);
}

TEST_F(ShardCensusTest, ClosesByEachConditionAndWithEachCode) {
    RawClient first(port);
    RawClient second(port);
    RawClient third(port);
    open(first, "one");
    open(second, "one");
    open(third, "two");
    join(second, "presence-room", "ann");

    ClientQuestion order = about(What::kKick);
    order.user = "bob";
    EXPECT_TRUE(ask(order).texts.empty());
    order.user = "ann";
    order.node = "n2";
    EXPECT_TRUE(ask(order).texts.empty());
    order.node = "n1";
    EXPECT_EQ(ask(order).texts, std::vector<std::string>{second.socket_id()});
    EXPECT_EQ(second.read_close(), "close 4200");

    order = about(What::kKick);
    order.socket = first.socket_id();
    order.reconnects = false;
    EXPECT_EQ(ask(order).texts, std::vector<std::string>{first.socket_id()});
    EXPECT_EQ(first.read_close(), "close 4009");

    order = about(What::kKick);
    order.address = parse_peer_address("127.0.0.1");
    const AnswerPart rest = ask(order);
    EXPECT_EQ(rest.texts, std::vector<std::string>{third.socket_id()});
    EXPECT_EQ(rest.head.total, 1u);
    EXPECT_EQ(third.read_close(), "close 4200");
    EXPECT_EQ(shard.counters().clients_kicked_total.get(), 3u);
    EXPECT_TRUE(ids({}).empty());
}

TEST_F(ShardCensusTest, ClosesAsManyAsAnOrderSays) {
    RawClient first(port);
    RawClient second(port);
    open(first, "one");
    open(second, "one");
    ClientQuestion order = about(What::kKick);
    order.address = parse_peer_address("127.0.0.1");
    order.limit = 1;
    const AnswerPart part = ask(order);
    EXPECT_EQ(part.texts.size(), 1u);
    EXPECT_EQ(part.head.total, 2u);
    EXPECT_EQ(ids({}).size(), 1u);
}

}  // namespace
}  // namespace tulle::node::shard_census_test
