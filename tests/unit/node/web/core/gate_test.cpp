#include "node/web/core/gate.hpp"

#include <string>

#include <gtest/gtest.h>

#include "node/web/core/limits.hpp"

namespace tulle::node::http::gate_test {
namespace {

const std::string kGet = "GET /up HTTP/1.1\r\nHost: x\r\n";
const std::string kUpgrade =
    "GET /app/key?protocol=7 HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n";
const std::string kVersion = "Sec-WebSocket-Version: 13\r\n";
const std::string kKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

unsigned status_of(const std::string& head) {
    Head result;
    Refusal refusal{0, {}};
    const bool passes = check_head(head + "\r\n", result, refusal);
    EXPECT_EQ(passes, refusal.status == 0);
    return passes ? 200 : refusal.status;
}

TEST(Gate, LetsAnOrdinaryRequestPass) {
    EXPECT_EQ(status_of(kGet), 200u);
    EXPECT_EQ(status_of(kGet + "User-Agent: caf\xc3\xa9\r\nAccept: */*\r\nX:\r\n"), 200u);
    EXPECT_EQ(status_of("POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n"), 200u);
    EXPECT_EQ(status_of("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n"), 200u);
    EXPECT_EQ(status_of("GET /up HTTP/1.0\r\n"), 200u);
}

TEST(Gate, FindsTheEndOfAHead) {
    EXPECT_EQ(head_size("GET / HTTP/1.1\r\n\r\nbody"), 18u);
    EXPECT_EQ(head_size("GET / HTTP/1.1\r\n"), 0u);
}

TEST(Gate, TellsEarlyWhatCannotBecomeARequest) {
    EXPECT_TRUE(cannot_be_request(std::string_view("\x16\x03\x01\x00", 4)));
    EXPECT_TRUE(cannot_be_request("GET /\x01"));
    EXPECT_TRUE(cannot_be_request(" GET"));
    EXPECT_FALSE(cannot_be_request("GE"));
    EXPECT_FALSE(cannot_be_request("GET / HTTP/1.1\r\nX: \xff"));
}

TEST(Gate, RefusesAmbiguousFraming) {
    const std::string post = "POST /a HTTP/1.1\r\nHost: x\r\n";
    for (const char* fields :
         {"Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: chunked, identity\r\n",
          "Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: gzip\r\nContent-Length: 4\r\n",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
          "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 4\r\nContent-Length: 4\r\n",
          "Content-Length: 4, 4\r\n", "Content-Length: +4\r\n", "Content-Length: -4\r\n", "Content-Length: 0x4\r\n",
          "Content-Length:\r\n", "Content-Length: 18446744073709551616\r\n"}) {
        EXPECT_EQ(status_of(post + fields), 400u) << fields;
    }
    EXPECT_EQ(status_of("POST /a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"), 400u);
}

TEST(Gate, RefusesMalformedHeads) {
    for (const char* head :
         {"GET /up HTTP/1.1\r\n", "GET /up HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
          "GET ftp://x/up HTTP/1.1\r\nHost: x\r\n", "GET /\xff HTTP/1.1\r\nHost: x\r\n",
          "GET up HTTP/1.1\r\nHost: x\r\n", "GET /up HTTP/1.10\r\nHost: x\r\n", "GET /up\r\nHost: x\r\n",
          "GET /a b HTTP/1.1\r\nHost: x\r\n", "GET /up HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n",
          "GET /up HTTP/1.1\r\nHost: x\r\nA : b\r\n", "GET /up HTTP/1.1\r\nHost: x\r\n: b\r\n",
          "GET /up HTTP/1.1\r\nHost: x\r\nA\r\n", "GET /up HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n"}) {
        EXPECT_EQ(status_of(head), 400u) << head;
    }
    EXPECT_EQ(status_of("get /up HTTP/1.1\r\nHost: x\r\n"), 501u);
    EXPECT_EQ(status_of(kGet + "Expect: magic\r\n"), 417u);
    EXPECT_EQ(status_of(kGet + "Expect: 100-continue, magic\r\n"), 417u);
    EXPECT_EQ(status_of("GET /up HTTP/2.0\r\nHost: x\r\n"), 505u);
    EXPECT_EQ(status_of("GET /up HTTP/0.9\r\n"), 505u);
}

Head head_of(const std::string& head) {
    Head result;
    Refusal refusal;
    EXPECT_TRUE(check_head(head + "\r\n", result, refusal)) << head << refusal.reason;
    return result;
}

TEST(Gate, TakesEveryFormOfTarget) {
    const auto absolute = [](const char* line) { return head_of(std::string(line) + "\r\nHost: other\r\n"); };
    EXPECT_EQ(absolute("GET http://x:80/up?a=b HTTP/1.1"), (Head{false, false, "/up?a=b", "x:80"}));
    EXPECT_EQ(absolute("POST HTTPS://[::1]:80/a HTTP/1.1"), (Head{false, false, "/a", "[::1]:80"}));
    EXPECT_EQ(absolute("GET http://x HTTP/1.1"), (Head{false, false, "/", "x"}));
    EXPECT_EQ(absolute("GET http://x?a HTTP/1.1"), (Head{false, false, "/?a", "x"}));
    EXPECT_EQ(absolute("OPTIONS http://x HTTP/1.1"), (Head{false, false, "*", "x"}));
    EXPECT_EQ(absolute("OPTIONS * HTTP/1.1"), Head{});
    EXPECT_EQ(head_of("OPTIONS / HTTP/1.0\r\n"), Head{});
    for (const char* line :
         {"GET * HTTP/1.1", "GET http:///up HTTP/1.1", "GET http://:80/ HTTP/1.1", "GET http://a@x/ HTTP/1.1",
          "GET http:x HTTP/1.1", "GET http://a\\b/ HTTP/1.1", "GET x:80 HTTP/1.1"}) {
        EXPECT_EQ(status_of(std::string(line) + "\r\nHost: x\r\n"), 400u) << line;
    }
    EXPECT_EQ(status_of("CONNECT x:80 HTTP/1.1\r\nHost: x\r\n"), 501u);
    EXPECT_EQ(status_of("GET http://x/up HTTP/1.1\r\n"), 400u) << "Host is needed all the same";
}

TEST(Gate, TakesALaterMinorVersionForHttp11) {
    EXPECT_EQ(status_of("GET /up HTTP/1.2\r\nHost: x\r\n"), 200u);
    EXPECT_EQ(status_of("GET /up HTTP/1.9\r\n"), 400u) << "which needs Host";
    EXPECT_TRUE(
        head_of("GET /app/key HTTP/1.2\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + kVersion + kKey)
            .is_upgrade);
}

TEST(Gate, IgnoresEmptyLinesBeforeARequest) {
    EXPECT_EQ(empty_lines("\r\n\r\nGET"), 4u);
    EXPECT_EQ(empty_lines("\r\n\r"), 2u);
    EXPECT_EQ(empty_lines("\nGET"), 0u);
    EXPECT_EQ(empty_lines("\r"), 0u);
    EXPECT_EQ(empty_lines(""), 0u);
}

TEST(Gate, SaysWhoWaitsForLeaveToContinue) {
    const std::string fields = "Content-Length: 1\r\nExpect: 100-Continue\r\n";
    EXPECT_TRUE(head_of("POST / HTTP/1.1\r\nHost: x\r\n" + fields).expects_continue);
    EXPECT_TRUE(head_of("POST / HTTP/1.1\r\nHost: x\r\n" + fields + "Expect: 100-continue\r\n").expects_continue);
    EXPECT_FALSE(head_of("POST / HTTP/1.0\r\n" + fields).expects_continue);
}

TEST(Gate, BoundsTheTarget) {
    EXPECT_EQ(status_of("GET /" + std::string(8191, 'a') + " HTTP/1.1\r\nHost: x\r\n"), 200u);
    EXPECT_EQ(status_of("GET /" + std::string(8192, 'a') + " HTTP/1.1\r\nHost: x\r\n"), 414u);
    EXPECT_EQ(too_large("GET /" + std::string(9000, 'a')).status, 414u);
    EXPECT_EQ(too_large("GET / HTTP/1.1\r\nX: " + std::string(9000, 'a')).status, 431u);
}

TEST(Gate, CountsFields) {
    std::string head = kGet;
    for (std::size_t i = 1; i < kMaxHeaderFields; ++i) {
        head += "A: b\r\n";
    }
    EXPECT_EQ(status_of(head), 200u);
    EXPECT_EQ(status_of(head + "A: b\r\n"), 431u);
}

TEST(Gate, LetsACorrectUpgradePassAndSaysSo) {
    Head head;
    Refusal refusal;
    ASSERT_TRUE(check_head(kUpgrade + kVersion + kKey + "\r\n", head, refusal));
    EXPECT_EQ(head, (Head{true, false}));
}

/// RFC 9110, 7.8: what is not taken up is ignored. Lists, and fields that come twice, are one list (5.3).
TEST(Gate, IgnoresOffersThatItDoesNotTakeUp) {
    const std::string websocket = kVersion + kKey;
    for (const std::string& fields :
         {std::string(
              "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"),
          std::string("Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n"), std::string("Upgrade: h2c\r\n"),
          std::string("Connection: Upgrade\r\nUpgrade: h2c, TLS/1.2\r\nUpgrade: IRC/6.9\r\n"),
          std::string("Connection: Upgrade\r\nUpgrade:\r\n"), std::string("Connection: Upgrade\r\n"),
          "Upgrade: websocket\r\n" + websocket, "Connection: Upgrade\r\nUpgrade: websockets\r\n" + websocket}) {
        EXPECT_EQ(head_of(kGet + fields), Head{}) << fields;
        EXPECT_EQ(head_of("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n" + fields), Head{}) << fields;
    }
    const std::string offer = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    EXPECT_EQ(head_of("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n" + offer), Head{});
    EXPECT_EQ(head_of("GET /a HTTP/1.0\r\n" + offer + websocket), Head{}) << "HTTP/1.0 knows no upgrade";
}

TEST(Gate, LooksAtNoHandshakeWhereThereAreNoWebSockets) {
    for (const std::string& head :
         {kUpgrade + kVersion + kKey, kUpgrade + kKey, kUpgrade + kVersion + "Content-Length: 3\r\n"}) {
        Head result;
        Refusal refusal;
        EXPECT_TRUE(check_head(head + "\r\n", result, refusal, Upgrades::kIgnored)) << head;
        EXPECT_EQ(result, Head{});
    }
}

TEST(Gate, FindsTheWebSocketAmongOtherOffers) {
    for (const char* fields : {"Connection: Upgrade\r\nUpgrade: h2c, WebSocket\r\n",
                               "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n",
                               "Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
                               "Connection: , upgrade ,\r\nUpgrade: ,websocket\r\n"}) {
        EXPECT_TRUE(head_of(kGet + fields + kVersion + kKey).is_upgrade) << fields;
        EXPECT_EQ(status_of(kGet + fields + kVersion), 400u) << fields;
    }
}

TEST(Gate, RefusesWrongUpgrades) {
    EXPECT_EQ(status_of(kUpgrade + kKey), 426u);
    EXPECT_EQ(status_of(kUpgrade + kKey + "Sec-WebSocket-Version: 8\r\n"), 426u);
    EXPECT_EQ(status_of(kUpgrade + kVersion), 400u);
    EXPECT_EQ(status_of(kUpgrade + kVersion + kKey + kKey), 400u);
    for (const char* key :
         {"", "short", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZ!==", "dGhlIHNhbXBsZSBub25jZQQQ"}) {
        EXPECT_EQ(status_of(kUpgrade + kVersion + "Sec-WebSocket-Key: " + key + "\r\n"), 400u) << key;
    }
    EXPECT_EQ(status_of(kUpgrade + kVersion + kKey + "Content-Length: 3\r\n"), 400u);
}

TEST(Gate, LooksAtEachByteOfATarget) {
    const std::string target = "/apps/1/events?a=b&c";
    for (std::size_t at = 1; at < target.size(); ++at) {
        for (int byte = 0; byte < 256; ++byte) {
            std::string changed = target;
            changed[at] = static_cast<char>(byte);
            const bool is_visible = byte > ' ' && byte < 0x7f;
            EXPECT_EQ(status_of("GET " + changed + " HTTP/1.1\r\nHost: x\r\n"), is_visible ? 200u : 400u)
                << byte << " at " << at;
        }
    }
}

TEST(Gate, CutsTheTargetOut) {
    const std::string rest = " HTTP/1.1\r\nHost: a b\r\n\r\n";
    for (const std::string& target :
         {std::string("/"), std::string("*"), std::string("/a"), "/" + std::string(100, 'b')}) {
        std::string head = "OPTIONS " + target + rest;
        const CutTarget cut = cut_target(head);
        EXPECT_EQ(cut.target, target);
        EXPECT_EQ(cut.distance, target.size() - 1);
        EXPECT_EQ(head.substr(cut.distance), "OPTIONS /" + rest);
    }
}

TEST(Gate, SearchesOnlyWhatHasComeSince) {
    const std::string head = "GET /up HTTP/1.1\r\nHost: a\r\n\r\n";
    for (std::size_t searched = 0; searched < head.size(); ++searched) {
        EXPECT_EQ(head_size(std::string_view(head).substr(0, searched)), 0U);
        EXPECT_EQ(head_size(head, searched), head.size()) << searched;
        EXPECT_FALSE(cannot_be_request(head, searched)) << searched;
        std::string broken = head.substr(0, searched);
        broken.push_back('\x16');
        EXPECT_EQ(cannot_be_request(broken, searched), searched <= head.find('\n')) << searched;
    }
    EXPECT_FALSE(cannot_be_request("GET /up HTTP/1.1\r\n\x16", 18)) << "the gate looks at fields";
}

}  // namespace
}  // namespace tulle::node::http::gate_test
