// What a shard takes for the address of a client behind proxies.
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "mesh/base/digest.hpp"
#include "node/edge/clock.hpp"
#include "node/edge/shard.hpp"
#include "tests/unit/node/pusher/edge/shard_fixture.hpp"

namespace tulle::node::shard_proxies_test {
namespace {

using testing::HubProbe;
using testing::PusherShard;
using testing::RawClient;

constexpr std::size_t kHubItems = 100;
constexpr std::string_view kTarget = "/app/key?protocol=7";
const std::string kLine = "PROXY TCP4 203.0.113.7 10.0.0.1 51234 6001\r\n";

std::string from(const std::string& client) {
    return "X-Forwarded-For: " + client + "\r\n";
}

class ShardProxiesTest : public ::testing::Test {
protected:
    enum class Speaks { kHttp, kProxyProtocol };

    /// `trusted`: whose word is taken. An address may have two connections, and three wrong signatures.
    void serve(const char* trusted, Speaks speaks, ForwardedHeader header = ForwardedHeader::kXForwardedFor) {
        shard.reset();
        App app;
        app.id = "app";
        app.key = "key";
        app.secret = "secret";
        PusherOptions options;
        options.apps = AppTable({app});
        options.seed = 1;
        ShardOptions of_shard;
        of_shard.limits = std::make_shared<NodeLimits>(
            NodeLimitsOptions{.connections_per_address = 2,
                              .auth_failures = {3, true},
                              .proxies = TrustedProxies({*parse_range(trusted), *parse_range("10.0.0.0/8")}, header)});
        shard = std::make_unique<PusherShard>(std::move(options), hub.mailbox(), of_shard);
        if (speaks == Speaks::kProxyProtocol) {
            shard->expect_proxy_header();
        }
        port = shard->bind({"127.0.0.1", 0}).port;
        shard->start();
        tell(mesh::Readiness{true});
        wait_for_mail();
    }

    /// Until the shard has taken everything told so far.
    void wait_for_mail() {
        tell(mesh::LocalQuery{++token, "{}"});
        ASSERT_TRUE(hub.next<mesh::LocalAnswer>().has_value());
    }

    void tell(mesh::ToShard message) { shard->mailbox().push_reserved(std::move(message)); }

    /// A request to read that is signed with `secret`.
    static std::string request(const std::string& secret, const std::string& fields) {
        const std::string query =
            "auth_key=key&auth_timestamp=" + std::to_string(wall_now().time_since_epoch().count()) +
            "&auth_version=1.0";
        return "GET /apps/app/channels?" + query +
               "&auth_signature=" + hmac_sha256_hex(secret, "GET\n/apps/app/channels\n" + query) +
               " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
    }

    /// The status of a wrongly signed request over a connection of its own.
    [[nodiscard]] unsigned guess(const std::string& fields, const std::string& prelude = "") const {
        RawClient client(port);
        client.write(prelude + request("wrong", fields));
        return client.read_status();
    }

    [[nodiscard]] const ShardCounters& counters() const { return shard->counters(); }

    HubProbe hub{kHubItems};
    std::unique_ptr<PusherShard> shard;
    std::uint16_t port = 0;
    std::uint64_t token = 0;
};

TEST_F(ShardProxiesTest, ATrustedProxysWordShutsTheClientAndNobodyElse) {
    serve("127.0.0.1", Speaks::kHttp);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(guess(from("198.51.100.9, 203.0.113.7")), 401U);
    }
    EXPECT_EQ(guess(from("198.51.100.9, 203.0.113.7")), 429U);
    EXPECT_EQ(guess(from("203.0.113.7, 10.0.0.2")), 429U) << "through another proxy";
    EXPECT_EQ(guess(from("203.0.113.7") + from("10.0.0.2")), 429U);
    EXPECT_EQ(guess(from("198.51.100.9")), 401U) << "who stood before the client has done nothing";
    EXPECT_EQ(guess(from("203.0.113.7, 198.51.100.10")), 401U) << "the beginning of the list is the client's own word";
}

TEST_F(ShardProxiesTest, RequestsOfOneKeptConnectionHaveClientsOfTheirOwn) {
    serve("127.0.0.1", Speaks::kHttp);
    for (int i = 0; i < 4; ++i) {
        static_cast<void>(guess(from("203.0.113.7")));
    }
    RawClient kept(port);
    for (const auto& [client, status] : {std::pair("203.0.113.7", 200U), std::pair("198.51.100.9", 200U)}) {
        kept.write(request("secret", from(client)));
        // The hub answers for the node's members.
        const auto query = hub.next<mesh::Query>();
        ASSERT_TRUE(query.has_value());
        tell(mesh::QueryResult{query->id, {}, {}, {}});
        EXPECT_EQ(kept.read_status(), status) << "a right signature is accepted from anywhere";
    }
    kept.write(request("wrong", from("198.51.100.9")));
    EXPECT_EQ(kept.read_status(), 401U);
    RawClient other(port);
    other.write(request("wrong", from("203.0.113.7")));
    EXPECT_EQ(other.read_status(), 429U);
}

TEST_F(ShardProxiesTest, NobodyElsesHeadersAreLookedAt) {
    serve("192.0.2.1", Speaks::kHttp);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(guess(from("203.0.113." + std::to_string(i))), 401U);
    }
    EXPECT_EQ(guess(from("203.0.113.9")), 429U) << "the socket's address counts";
}

TEST_F(ShardProxiesTest, OnlyTheConfiguredHeaderIsLookedAt) {
    serve("127.0.0.1", Speaks::kHttp, ForwardedHeader::kForwarded);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(guess("Forwarded: for=\"203.0.113.7:1\";proto=https\r\n" + from("198.51.100." + std::to_string(i))),
                  401U);
    }
    EXPECT_EQ(guess("Forwarded: for=203.0.113.7\r\n" + from("198.51.100.9")), 429U);
    EXPECT_EQ(guess("Forwarded: for=203.0.113.8\r\n" + from("203.0.113.7")), 401U);
}

TEST_F(ShardProxiesTest, ARequestWithoutAClientsAddressCountsAsTheProxys) {
    serve("127.0.0.1", Speaks::kHttp);
    for (const char* fields : {"", "X-Forwarded-For: \r\n", "X-Forwarded-For: 203.0.113.7, unknown\r\n"}) {
        EXPECT_EQ(guess(fields), 401U);
    }
    EXPECT_EQ(guess("X-Forwarded-For: fe80::1%eth0\r\n"), 429U);
}

TEST_F(ShardProxiesTest, AWebSocketCountsForItsClient) {
    serve("127.0.0.1", Speaks::kHttp);
    RawClient first(port);
    RawClient second(port);
    RawClient third(port);
    RawClient other(port);
    EXPECT_EQ(first.upgrade(kTarget, from("203.0.113.7")), 101U);
    EXPECT_EQ(second.upgrade(kTarget, from("203.0.113.7, 10.0.0.2")), 101U);
    EXPECT_EQ(third.upgrade(kTarget, from("198.51.100.9, 203.0.113.7")), 429U);
    EXPECT_EQ(counters().address_capped_total.get(), 1U);
    EXPECT_EQ(counters().handshakes_refused_total.get(), 1U);
    EXPECT_EQ(other.upgrade(kTarget, from("203.0.113.8")), 101U);
    first.write(std::string("\x88\x80\0\0\0\0", 6));
    static_cast<void>(first.read_close());
    unsigned status = 429;
    for (int i = 0; i < 1000 && status != 101; ++i) {  // the shard sees the end of the first when it reads it
        status = RawClient(port).upgrade(kTarget, from("203.0.113.7"));
    }
    EXPECT_EQ(status, 101U);
}

TEST_F(ShardProxiesTest, WebSocketsWhoseClientsAreNotNamedHaveNoLimitByAddress) {
    serve("127.0.0.1", Speaks::kHttp);
    std::vector<std::unique_ptr<RawClient>> clients;
    for (const char* fields : {"", "", "", "X-Forwarded-For: unknown\r\n", "X-Forwarded-For: 10.0.0.9\r\n",
                               "X-Forwarded-For: 10.0.0.9\r\n", "X-Forwarded-For: 10.0.0.9\r\n"}) {
        clients.push_back(std::make_unique<RawClient>(port));
        EXPECT_EQ(clients.back()->upgrade(kTarget, fields), 101U) << fields;
    }
    EXPECT_EQ(counters().address_capped_total.get(), 0U);
    EXPECT_EQ(counters().forwarded_missing_total.get(), 4U) << "three without the header, one that is no address";
}

TEST_F(ShardProxiesTest, TheProxyProtocolNamesTheClientOfAConnection) {
    serve("127.0.0.1", Speaks::kProxyProtocol);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(guess("", kLine), 401U);
    }
    EXPECT_EQ(guess("", kLine), 429U);
    EXPECT_EQ(guess(from("203.0.113.8"), kLine), 429U) << "the header of HTTP is the client's own word";
    EXPECT_EQ(guess("", "PROXY TCP4 203.0.113.8 10.0.0.1 51234 6001\r\n"), 401U);
    EXPECT_EQ(guess(from("203.0.113.7"), "PROXY TCP4 10.0.0.2 10.0.0.1 51234 6001\r\n"), 429U) << "a chain of proxies";
    EXPECT_EQ(counters().proxy_headers_refused_total.get(), 0U);
}

TEST_F(ShardProxiesTest, TheBytesBehindTheProxyHeaderAreNotLostHoweverTheyCome) {
    serve("127.0.0.1", Speaks::kProxyProtocol);
    const std::string block = std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f", 16) +
                              std::string("\xcb\x00\x71\x09\x0a\x00\x00\x01\xc8\x22\x17\x71\x04\0\0", 15);
    const std::string request = "GET /up HTTP/1.1\r\nHost: x\r\n\r\n";
    for (const std::string& header :
         {kLine, block, std::string("PROXY UNKNOWN\r\n"), std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16)}) {
        RawClient at_once(port);
        at_once.write(header + request + request);
        EXPECT_EQ(at_once.read_status(), 200U);
        EXPECT_EQ(at_once.read_status(), 200U);
        RawClient in_bytes(port);
        for (const char byte : header + request) {
            in_bytes.write({&byte, 1});
        }
        EXPECT_EQ(in_bytes.read_status(), 200U);
    }
    RawClient socket(port);
    socket.write(block);
    EXPECT_EQ(socket.upgrade(kTarget), 101U);
}

TEST_F(ShardProxiesTest, AConnectionWithoutAProxyHeaderIsClosedAndCounted) {
    serve("127.0.0.1", Speaks::kProxyProtocol);
    for (const char* bytes : {"GET /up HTTP/1.1\r\nHost: x\r\n\r\n", "PROXY TCP4 203.0.113.7\r\n", "\x16\x03\x01"}) {
        RawClient client(port);
        client.write(bytes);
        EXPECT_EQ(client.read_status(), 0U);
    }
    EXPECT_EQ(counters().proxy_headers_refused_total.get(), 3U);
    EXPECT_EQ(counters().http_requests_total.get(), 0U);
    EXPECT_EQ(counters().proxy_senders_refused_total.get(), 0U);
}

TEST_F(ShardProxiesTest, NobodyButATrustedProxyMaySendAProxyHeader) {
    serve("192.0.2.1", Speaks::kProxyProtocol);
    RawClient client(port);
    client.write(kLine + "GET /up HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read_status(), 0U);
    EXPECT_EQ(counters().proxy_senders_refused_total.get(), 1U);
}

TEST_F(ShardProxiesTest, AnAddressThatIsFullIsClosedAfterItsProxyHeader) {
    serve("127.0.0.1", Speaks::kProxyProtocol);
    RawClient first(port);
    RawClient second(port);
    RawClient third(port);
    RawClient check(port);
    for (RawClient* client : {&first, &second}) {
        client->write(kLine);
        EXPECT_EQ(client->upgrade(kTarget), 101U);
    }
    third.write(kLine);
    EXPECT_EQ(third.upgrade(kTarget), 0U);
    EXPECT_EQ(counters().address_capped_total.get(), 1U);
    check.write("PROXY UNKNOWN\r\n");
    EXPECT_EQ(check.upgrade(kTarget), 101U) << "the proxy itself has no limit";
}

TEST_F(ShardProxiesTest, AStoppingShardServesARequestBehindAProxyHeaderThatWasOnItsWay) {
    serve("127.0.0.1", Speaks::kProxyProtocol);
    auto before = std::make_unique<RawClient>(port);
    RawClient half(port);
    half.write(kLine.substr(0, 10));
    RawClient silent(port);
    // The shard has accepted both when it has answered a third connection.
    RawClient third(port);
    third.write(kLine + "GET /up HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(third.read_status(), 200U);
    // The request gets the place of a connection that has gone, which the drain has passed by then.
    before.reset();
    for (int i = 0; i < 1000 && counters().sockets.get() != 3; ++i) {
        wait_for_mail();
    }
    ASSERT_EQ(counters().sockets.get(), 3U);
    std::mutex mutex;
    std::condition_variable woken;
    bool is_drained = false;
    shard->stop_accepting();
    shard->drain([&] {
        const std::lock_guard lock(mutex);
        is_drained = true;
        woken.notify_one();
    });
    wait_for_mail();  // the turn that answers begins the drain before anything more is read
    half.write(kLine.substr(10) + "GET /up HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(half.read_status(), 200U);
    EXPECT_EQ(half.read_status(), 0U);
    std::unique_lock lock(mutex);
    EXPECT_TRUE(woken.wait_for(lock, std::chrono::seconds(5), [&] { return is_drained; }));
}

}  // namespace
}  // namespace tulle::node::shard_proxies_test
