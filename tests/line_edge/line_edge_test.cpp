#include "tests/line_edge/line_edge.hpp"

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "mesh/io/mesh_runner.hpp"
#include "node/edge/clock.hpp"
#include "node/edge/edge_port.hpp"
#include "node/edge/shard.hpp"
#include "node/pusher/edge/pusher_edge.hpp"
#include "tests/unit/node/mesh_options.hpp"
#include "tests/unit/node/pusher/edge/shard_fixture.hpp"

namespace tulle::node::line::line_edge_test {
namespace {

using testing::RawClient;

constexpr std::string_view kTarget = "/app/key?protocol=7";

PusherOptions pusher_options() {
    App app;
    app.id = "app";
    app.key = "key";
    app.secret = "secret";
    app.client_events = true;
    PusherOptions options;
    options.apps = AppTable({app});
    return options;
}

/// A node of one shard, which speaks both protocols, each by a port of its own.
class Node {
public:
    explicit Node(const std::string& name, const std::vector<std::string>& peers = {})
        : mesh_(testing::mesh_options("lines", name, peers)) {
        EdgePort& pusher = shard_.add(mesh::ShardIndex(0), mesh_.mailbox(), [](const EdgeContext& context) {
            return std::make_unique<PusherEdge>(context, pusher_options());
        });
        EdgePort& line = shard_.add(mesh::ShardIndex(1), mesh_.mailbox(), [](const EdgeContext& context) {
            return std::make_unique<LineEdge>(context, "app");
        });
        pusher_port = pusher.listener().bind({"127.0.0.1", 0}, Sharing::kAlone).port;
        line_port = line.listener().bind({"127.0.0.1", 0}, Sharing::kAlone).port;
        mesh_.attach(pusher.index(), pusher.mailbox());
        mesh_.attach(line.index(), line.mailbox());
        shard_.start();
        mesh_.start();
    }

    ~Node() { shard_.stop(); }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    [[nodiscard]] std::string address() const { return mesh_.bound().mesh; }
    [[nodiscard]] const ShardCounters& counters() const { return shard_.counters(); }
    void drain(std::function<void()> done) { shard_.drain(std::move(done)); }

    std::uint16_t pusher_port = 0;
    std::uint16_t line_port = 0;

private:
    Shard shard_{ShardOptions{}};
    mesh::MeshRunner mesh_;  // before the shard in its end: the mailboxes outlive it
};

/// A Pusher client on `channel`; tries until the node takes clients, which a node that joins does late on a slow
/// machine.
std::unique_ptr<RawClient> pusher_client(const Node& node, const std::string& channel) {
    const Instant deadline = monotonic_now() + 20s;
    while (monotonic_now() < deadline) {
        auto client = std::make_unique<RawClient>(node.pusher_port);
        if (client->upgrade(kTarget) == 101) {
            const std::string auth = "key:" + hmac_sha256_hex("secret", client->socket_id() + ":" + channel);
            client->write_text(R"({"event":"pusher:subscribe","data":{"channel":")" + channel + R"(","auth":")" + auth +
                               R"("}})");
            EXPECT_NE(client->read_text().find("subscription_succeeded"), std::string::npos);
            return client;
        }
    }
    return nullptr;
}

TEST(LineEdge, AndThePusherEdgeHearEachOtherOnOneShardAndAcrossTheMesh) {
    Node first("n1");
    Node second("n2", {first.address()});
    const auto here = pusher_client(first, "private-news");
    const auto there = pusher_client(second, "private-news");
    ASSERT_TRUE(here != nullptr && there != nullptr);
    RawClient line(first.line_port);
    line.write("SUB private-news\n");
    EXPECT_EQ(line.read_line(), "SUB private-news");
    RawClient far_line(second.line_port);
    far_line.write("SUB private-news\n");
    EXPECT_EQ(far_line.read_line(), "SUB private-news");

    line.write("PUB private-news hello world\n");
    const std::string frame = R"({"channel":"private-news","event":"line","data":"hello world"})";
    EXPECT_EQ(here->read_text(), frame);
    EXPECT_EQ(there->read_text(), frame);
    EXPECT_EQ(line.read_line(), "MSG private-news line hello world");
    EXPECT_EQ(far_line.read_line(), "MSG private-news line hello world");

    there->write_text(R"({"event":"client-say","channel":"private-news","data":{"n":1}})");
    EXPECT_EQ(line.read_line(), R"(MSG private-news client-say {"n":1})");
    EXPECT_EQ(far_line.read_line(), R"(MSG private-news client-say {"n":1})");
}

TEST(LineEdge, EndsItsSubscriptionWithoutEndingThatOfTheOtherEdge) {
    Node node("n1");
    const auto pusher = pusher_client(node, "private-news");
    ASSERT_NE(pusher, nullptr);
    RawClient line(node.line_port);
    line.write("SUB private-news\nSUB other\n");
    EXPECT_EQ(line.read_line(), "SUB private-news");
    EXPECT_EQ(line.read_line(), "SUB other");
    line.write("UNSUB private-news\nPUB private-news one\nPUB other two\n");
    EXPECT_EQ(line.read_line(), "UNSUB private-news");
    EXPECT_EQ(line.read_line(), "MSG other line two") << "and nothing of the channel that it has left";
    EXPECT_NE(pusher->read_text().find("one"), std::string::npos);
}

TEST(LineEdge, AnswersWhatItDoesNotUnderstandAndEndsALineThatIsTooLong) {
    Node node("n1");
    RawClient line(node.line_port);
    line.write("SUB\nHELLO there\nPUB #online-me order\n");
    EXPECT_EQ(line.read_line(), "ERR no channel");
    EXPECT_EQ(line.read_line(), "ERR SUB, UNSUB or PUB");
    EXPECT_EQ(line.read_line(), "ERR no channel");
    line.write(std::string(LineConnection::kMaxLine, 'x'));
    EXPECT_EQ(line.read_line(), "ERR line too long");
    EXPECT_EQ(line.read_line(), "");
}

TEST(LineEdge, SaysGoodbyeWhenTheNodeDrains) {
    Node node("n1");
    RawClient line(node.line_port);
    line.write("SUB news\n");
    EXPECT_EQ(line.read_line(), "SUB news");
    std::promise<void> drained;
    node.drain([&drained] { drained.set_value(); });
    EXPECT_EQ(line.read_line(), "BYE");
    EXPECT_EQ(line.read_line(), "");
    drained.get_future().wait();
    EXPECT_EQ(node.counters().clients_cut_total.get(), 0u);
}

}  // namespace
}  // namespace tulle::node::line::line_edge_test
