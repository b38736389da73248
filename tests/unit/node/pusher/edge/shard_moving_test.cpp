// A shard whose clients are moved to other nodes: at an even rate, and with a grace for their users.
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "tests/unit/node/pusher/edge/shard_fixture.hpp"

namespace tulle::node::shard_moving_test {
namespace {

using testing::HubProbe;
using testing::PusherShard;
using testing::RawClient;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kTarget = "/app/key?protocol=7";
// Long enough for a busy machine to take a leaving back in time.
constexpr Duration kGrace = 400ms;

class ShardMovingTest : public ::testing::Test {
protected:
    void SetUp() override {
        port_ = shard_.bind({"127.0.0.1", 0}).port;
        shard_.start();
        shard_.mailbox().push_reserved(mesh::Readiness{true});
        // The shard is ready as soon as it has let a client in.
        while (connect()->upgrade(kTarget) != 101u) {
            std::this_thread::yield();
        }
    }

    static PusherOptions options() {
        App app;
        app.id = "app";
        app.key = "key";
        app.secret = "secret";
        PusherOptions result;
        result.apps = AppTable({app});
        result.presence_grace = kGrace;
        return result;
    }

    std::unique_ptr<RawClient> connect() { return std::make_unique<RawClient>(port_); }

    std::unique_ptr<RawClient> client() {
        std::unique_ptr<RawClient> made = connect();
        EXPECT_EQ(made->upgrade(kTarget), 101u);
        return made;
    }

    /// Brings a user into presence-a. `is_first`: the shard has no client there so far.
    void enter(RawClient& client, const std::string& user, bool is_first) {
        const std::string data = R"({"user_id":)" + user + "}";
        const std::string auth = "key:" + hmac_sha256_hex("secret", client.socket_id() + ":presence-a:" + data);
        client.write_text(
            R"({"event":"pusher:subscribe","data":{"channel":"presence-a","channel_data":"{\"user_id\":)" + user +
            R"(}","auth":")" + auth + R"("}})");
        if (is_first) {
            const auto asked = hub_.next<mesh::Subscribe>();
            ASSERT_TRUE(asked.has_value());
            shard_.mailbox().push_reserved(mesh::Subscribed{
                asked->channel, asked->generation, std::make_shared<const std::vector<mesh::PresenceMember>>()});
        }
        const auto joining = hub_.next<mesh::MemberJoin>();
        ASSERT_TRUE(joining.has_value());
        shard_.mailbox().push_reserved(mesh::MemberJoined{joining->id, mesh::JoinOutcome::kJoined});
        ASSERT_NE(client.read_text(), "");
    }

    HubProbe hub_{1024};
    PusherShard shard_{options(), hub_.mailbox()};
    std::uint16_t port_ = 0;
};

TEST_F(ShardMovingTest, ClosesItsClientsOneAfterTheOther) {
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 10; ++i) {
        clients.push_back(client());
    }
    const Clock::time_point start = Clock::now();
    shard_.move_clients(1s);
    // Without subscriptions the client that came last goes first.
    for (auto last = clients.rbegin(); last != clients.rend(); ++last) {
        EXPECT_EQ((*last)->read_close(), "close 4200");
        const auto passed = Clock::now() - start;
        const auto place = last - clients.rbegin() + 1;
        EXPECT_GE(passed, place * 100ms - 100ms) << "client " << place << " was closed before its time";
    }
}

TEST_F(ShardMovingTest, LetsNobodyInUntilItsClientsAreKept) {
    const std::unique_ptr<RawClient> stays = client();
    shard_.move_clients(3600s);
    // The listener is closed a moment later, on the shard's thread.
    while (connect()->upgrade(kTarget) == 101u) {
        std::this_thread::yield();
    }
    EXPECT_EQ(connect()->upgrade(kTarget), 0u) << "nobody listens";
    shard_.keep_clients();
    while (connect()->upgrade(kTarget) != 101u) {
        std::this_thread::yield();
    }
    stays->write_text(R"({"event":"pusher:ping","data":{}})");
    EXPECT_EQ(stays->read_text(), R"({"event":"pusher:pong","data":"{}"})");
}

TEST_F(ShardMovingTest, EndsConnectionsThatAreKeptForLaterRequests) {
    constexpr std::string_view kRequest = "GET /up HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::unique_ptr<RawClient> stays = client();
    const std::unique_ptr<RawClient> idle = connect();
    const std::unique_ptr<RawClient> used = connect();
    for (const RawClient* kept : {idle.get(), used.get()}) {
        kept->write(kRequest);
    }
    EXPECT_EQ(idle->read_status(), 200u);
    EXPECT_EQ(used->read_status(), 200u);
    shard_.move_clients(3600s);
    // A request may be on its way for a second: it is answered, and the answer ends the connection.
    used->write(kRequest);
    EXPECT_EQ(used->read_status(), 200u);
    EXPECT_EQ(used->read_status(), 0u);
    EXPECT_EQ(idle->read_status(), 0u);
    stays->write_text(R"({"event":"pusher:ping","data":{}})");
    EXPECT_EQ(stays->read_text(), R"({"event":"pusher:pong","data":"{}"})");
}

TEST_F(ShardMovingTest, ClosesOnlyAsManyAsItIsTold) {
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 4; ++i) {
        clients.push_back(client());
    }
    shard_.move_some(2, 0s);
    EXPECT_EQ(clients[3]->read_close(), "close 4200");
    EXPECT_EQ(clients[2]->read_close(), "close 4200");
    for (int i = 0; i < 2; ++i) {
        clients[static_cast<std::size_t>(i)]->write_text(R"({"event":"pusher:ping","data":{}})");
        EXPECT_EQ(clients[static_cast<std::size_t>(i)]->read_text(), R"({"event":"pusher:pong","data":"{}"})");
    }
    EXPECT_EQ(client()->socket_id().empty(), false) << "new clients are let in";
}

TEST_F(ShardMovingTest, TellsOfAUserOnlyAfterTheGrace) {
    const std::unique_ptr<RawClient> user = client();
    enter(*user, "10", true);
    const Clock::time_point start = Clock::now();
    shard_.move_clients(0s);
    EXPECT_EQ(user->read_close(), "close 4200");
    const auto left = hub_.next<mesh::MemberLeave>();
    ASSERT_TRUE(left.has_value());
    EXPECT_EQ(left->user, "10");
    EXPECT_GE(Clock::now() - start, kGrace);
    EXPECT_TRUE(hub_.next<mesh::Unsubscribe>().has_value()) << "the channel ends behind its users";
}

TEST_F(ShardMovingTest, TakesALeavingBackWhenTheUserIsBack) {
    const std::unique_ptr<RawClient> first = client();
    enter(*first, "11", true);
    const std::unique_ptr<RawClient> second = client();
    enter(*second, "10", false);
    // The client that came last goes first, so user 10 leaves before user 11.
    shard_.move_clients(0s);
    EXPECT_EQ(second->read_close(), "close 4200");
    EXPECT_EQ(first->read_close(), "close 4200");
    shard_.keep_clients();
    std::unique_ptr<RawClient> back = connect();
    while (back->upgrade(kTarget) != 101u) {
        back = connect();
    }
    enter(*back, "10", true);
    const auto left = hub_.next<mesh::MemberLeave>();
    ASSERT_TRUE(left.has_value());
    EXPECT_EQ(left->user, "11") << "the leaving of user 10 came first, and has been taken back";
}

}  // namespace
}  // namespace tulle::node::shard_moving_test
