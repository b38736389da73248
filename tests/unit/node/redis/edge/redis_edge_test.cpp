#include "node/redis/edge/redis_edge.hpp"

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "mesh/io/mesh_runner.hpp"
#include "node/edge/edge_port.hpp"
#include "node/edge/shard.hpp"
#include "tests/unit/node/mesh_options.hpp"
#include "tests/unit/node/pusher/edge/shard_fixture.hpp"

namespace tulle::node::redis::redis_edge_test {
namespace {

using testing::RawClient;

Realms open_and_shop() {
    return Realms({{"default", "", {"default"}}, {"shop", "a secret of the shop", {"shop"}}});
}

/// A node of two shards, each with a listener of its own, so that a test can choose the shard of a client.
class Node {
public:
    explicit Node(const std::string& name, const std::vector<std::string>& peers = {})
        : mesh_(testing::mesh_options("redis", name, peers)) {
        const Realms realms = open_and_shop();
        const auto shared = std::make_shared<RedisNode>(realms);
        for (std::uint16_t i = 0; i < 2; ++i) {
            shards_.push_back(std::make_unique<Shard>(ShardOptions{i, 2}));
            EdgePort& port = shards_.back()->add(mesh::ShardIndex(i), mesh_.mailbox(), [&](const EdgeContext& context) {
                return std::make_unique<RedisEdge>(context, RedisOptions{realms, shared, name, "test"});
            });
            ports.push_back(port.listener().bind({"127.0.0.1", 0}, Sharing::kAlone).port);
            mesh_.attach(port.index(), port.mailbox());
        }
        for (const auto& shard : shards_) {
            shard->start();
        }
        mesh_.start();
    }

    ~Node() {
        for (const auto& shard : shards_) {
            shard->stop();
        }
    }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    [[nodiscard]] std::string address() const { return mesh_.bound().mesh; }

    std::vector<std::uint16_t> ports;

private:
    std::vector<std::unique_ptr<Shard>> shards_;
    mesh::MeshRunner mesh_;  // before the shards in its end: the mailboxes outlive it
};

std::string line(RawClient& client) {
    std::string text = client.read_line();
    if (!text.empty() && text.back() == '\r') {
        text.pop_back();
    }
    return text;
}

/// The next reply or push as readable text: "+OK", ":1", "$bytes", "(null)", "[$message $news $hi]". Empty at the end.
std::string reply(RawClient& client) {
    const std::string head = line(client);
    if (head.empty()) {
        return {};
    }
    const std::string rest = head.substr(1);
    switch (head.front()) {
        case '$':
            return rest == "-1" ? "(null)" : "$" + line(client);
        case '_':
            return "(null)";
        case '*':
        case '>': {
            std::string text = head.front() == '*' ? "[" : ">[";
            for (int i = 0; i < std::stoi(rest); ++i) {
                text += (i > 0 ? " " : "") + reply(client);
            }
            return text + "]";
        }
        default:
            return head;
    }
}

/// A client that the node serves: tries until the node takes clients.
std::unique_ptr<RawClient> connect(std::uint16_t port) {
    for (int i = 0; i < 100'000; ++i) {
        auto client = std::make_unique<RawClient>(port);
        client->write("PING\r\n");
        if (reply(*client) == "+PONG") {
            return client;
        }
    }
    ADD_FAILURE() << "the node takes no clients";
    return nullptr;
}

std::string ask(RawClient& client, std::string_view command) {
    client.write(std::string(command) + "\r\n");
    return reply(client);
}

/// Repeats the command until the reply is `wanted`, as numbers of other nodes come by the mesh.
std::string ask_until(RawClient& client, std::string_view command, std::string_view wanted) {
    std::string last;
    for (int i = 0; i < 10'000 && last != wanted; ++i) {
        last = ask(client, command);
    }
    return last;
}

TEST(RedisEdge, DeliversToSubscribersOfBothShardsAndCountsThem) {
    Node node("n1");
    const auto here = connect(node.ports[0]);
    const auto there = connect(node.ports[1]);
    const auto publisher = connect(node.ports[1]);
    EXPECT_EQ(ask(*here, "SUBSCRIBE news"), "[$subscribe $news :1]");
    EXPECT_EQ(ask(*there, "PSUBSCRIBE n*s"), "[$psubscribe $n*s :1]");
    EXPECT_EQ(ask(*publisher, "PUBLISH news hello"), ":2");
    EXPECT_EQ(reply(*here), "[$message $news $hello]");
    EXPECT_EQ(reply(*there), "[$pmessage $n*s $news $hello]");
    EXPECT_EQ(ask(*publisher, "PUBSUB NUMSUB news other"), "[$news :1 $other :0]");
    EXPECT_EQ(ask(*publisher, "PUBSUB NUMPAT"), ":1");
    EXPECT_EQ(ask(*publisher, "PUBSUB CHANNELS"), "[$news]");
}

TEST(RedisEdge, DeliversAcrossTheMeshAndKnowsTheReceiversThere) {
    Node first("n1");
    const auto early = connect(first.ports[1]);
    EXPECT_EQ(ask(*early, "SUBSCRIBE early"), "[$subscribe $early :1]");
    Node second("n2", {first.address()});
    const auto subscriber = connect(first.ports[0]);
    const auto publisher = connect(second.ports[0]);
    EXPECT_EQ(ask(*subscriber, "SUBSCRIBE news"), "[$subscribe $news :1]");
    EXPECT_EQ(ask(*publisher, "PUBSUB NUMSUB news early"), "[$news :1 $early :1]");
    EXPECT_EQ(ask_until(*publisher, "PUBLISH early x", ":1"), ":1") << "told before the node had joined";
    EXPECT_EQ(ask_until(*publisher, "PUBLISH news hello", ":1"), ":1");
    std::string last;
    do {
        last = reply(*subscriber);
        EXPECT_EQ(last, "[$message $news $hello]");
    } while (last.empty());
}

TEST(RedisEdge, KeepsTheOrderOfAConnectionAcrossChannels) {
    Node first("n1");
    Node second("n2", {first.address()});
    const auto subscriber = connect(first.ports[1]);
    const auto publisher = connect(second.ports[1]);
    EXPECT_EQ(ask(*subscriber, "SUBSCRIBE a b"), "[$subscribe $a :1]");
    EXPECT_EQ(reply(*subscriber), "[$subscribe $b :2]");
    std::string pipeline;
    for (int i = 0; i < 1000; ++i) {
        pipeline += std::string("PUBLISH ") + (i % 2 == 0 ? "a " : "b ") + std::to_string(i) + "\r\n";
    }
    publisher->write(pipeline);
    for (int i = 0; i < 1000; ++i) {
        ASSERT_EQ(reply(*subscriber),
                  std::string("[$message $") + (i % 2 == 0 ? "a" : "b") + " $" + std::to_string(i) + "]");
    }
}

TEST(RedisEdge, AnswersAPublishToItselfBeforeTheMessageInResp3) {
    Node node("n1");
    const auto client = connect(node.ports[0]);
    client->write("HELLO 3\r\nSUBSCRIBE a\r\nPUBLISH a x\r\nMULTI\r\nPUBLISH a y\r\nPING z\r\nEXEC\r\n");
    EXPECT_EQ(line(*client), "%7");
    for (int i = 0; i < 6; ++i) {
        (void)reply(*client);
        (void)reply(*client);
    }
    EXPECT_EQ(reply(*client), "$modules");
    EXPECT_EQ(reply(*client), "[]");
    EXPECT_EQ(reply(*client), ">[$subscribe $a :1]");
    EXPECT_EQ(reply(*client), ":1");
    EXPECT_EQ(reply(*client), ">[$message $a $x]") << "before the reply to the next command";
    EXPECT_EQ(reply(*client), "+OK");
    EXPECT_EQ(reply(*client), "+QUEUED");
    EXPECT_EQ(reply(*client), "+QUEUED");
    EXPECT_EQ(reply(*client), "[:1 $z]");
    EXPECT_EQ(reply(*client), ">[$message $a $y]");
}

TEST(RedisEdge, DeliversNothingThatAnotherShardPublishedBeforeTheSubscription) {
    Node node("n1");
    const auto publisher = connect(node.ports[1]);
    const auto subscriber = connect(node.ports[0]);
    for (int i = 0; i < 300; ++i) {
        const std::string name = "c" + std::to_string(i);
        ASSERT_EQ(ask(*publisher, "PUBLISH " + name + " before"), ":0");
        ASSERT_EQ(ask(*subscriber, "SUBSCRIBE " + name), "[$subscribe $" + name + " :1]");
        ASSERT_EQ(ask(*publisher, "PUBLISH " + name + " after"), ":1");
        ASSERT_EQ(reply(*subscriber), "[$message $" + name + " $after]");
        ASSERT_EQ(ask(*subscriber, "UNSUBSCRIBE"), "[$unsubscribe $" + name + " :0]");
    }
}

TEST(RedisEdge, EndsAConnectionWhosePatternsTakeTooMuchTime) {
    Node node("n1");
    const auto attacker = connect(node.ports[0]);
    const auto publisher = connect(node.ports[0]);
    const auto other = connect(node.ports[0]);
    EXPECT_EQ(ask(*other, "PSUBSCRIBE aaa*"), "[$psubscribe $aaa* :1]");
    for (int i = 0; i < 50; ++i) {
        attacker->write("PSUBSCRIBE *" + std::string(900, 'a') + "b" + std::to_string(i) + "\r\n");
        ASSERT_FALSE(reply(*attacker).empty());
    }
    const std::string name(4000, 'a');
    EXPECT_EQ(ask(*publisher, "PUBLISH " + name + " x").front(), ':') << "the number may be too low";
    EXPECT_EQ(reply(*other), "[$pmessage $aaa* $" + name + " $x]");
    EXPECT_EQ(reply(*attacker), "") << "closed";
    EXPECT_EQ(ask(*publisher, "PUBSUB NUMPAT"), ":1");
}

TEST(RedisEdge, KeepsRealmsApart) {
    Node node("n1");
    const auto stranger = connect(node.ports[0]);
    const auto member = connect(node.ports[1]);
    EXPECT_EQ(ask(*member, "AUTH shop wrong"), "-WRONGPASS invalid username-password pair or user is disabled.");
    member->write("*3\r\n$4\r\nAUTH\r\n$4\r\nshop\r\n$20\r\na secret of the shop\r\n");
    EXPECT_EQ(reply(*member), "+OK");
    EXPECT_EQ(ask(*stranger, "SUBSCRIBE news"), "[$subscribe $news :1]");
    EXPECT_EQ(ask(*member, "PUBLISH news x"), ":0");
    EXPECT_EQ(ask(*member, "PUBSUB NUMSUB news"), "[$news :0]");
    EXPECT_EQ(ask(*member, "CLIENT KILL TYPE pubsub"), ":0");
}

TEST(RedisEdge, EndsAConnectionThatAnotherShardKills) {
    Node node("n1");
    const auto victim = connect(node.ports[0]);
    const auto killer = connect(node.ports[1]);
    const std::string id = ask(*victim, "CLIENT ID").substr(1);
    EXPECT_EQ(ask(*killer, "CLIENT KILL ID " + id), ":1");
    EXPECT_EQ(reply(*victim), "");
    EXPECT_EQ(ask(*killer, "CLIENT KILL ID " + id), ":0");
}

TEST(RedisEdge, ForgetsTheReceiversOfANodeThatHasGone) {
    Node first("n1");
    const auto publisher = connect(first.ports[0]);
    {
        Node second("n2", {first.address()});
        const auto subscriber = connect(second.ports[0]);
        EXPECT_EQ(ask(*subscriber, "SUBSCRIBE news"), "[$subscribe $news :1]");
        EXPECT_EQ(ask_until(*publisher, "PUBLISH news x", ":1"), ":1");
        EXPECT_EQ(ask(*publisher, "PUBSUB NUMSUB news"), "[$news :1]");
    }
    EXPECT_EQ(ask_until(*publisher, "PUBLISH news x", ":0"), ":0");
    EXPECT_EQ(ask(*publisher, "PUBSUB NUMSUB news"), "[$news :0]");
}

}  // namespace
}  // namespace tulle::node::redis::redis_edge_test
