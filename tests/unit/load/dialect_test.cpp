#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tools/load/dialect.hpp"

namespace tulle::load::dialect_test {
namespace {

using Progress = Dialect::Progress;

std::string frame(std::string_view text) {
    std::string out("\x81");
    if (text.size() < 126) {
        out.push_back(static_cast<char>(text.size()));
    } else {
        out.append({'\x7e', static_cast<char>(text.size() >> 8U), static_cast<char>(text.size() & 0xffU)});
    }
    return out.append(text);
}

/// Takes the mask off the frames that a client sends, and their headers.
std::string unmasked(std::string_view frames) {
    std::string out;
    while (!frames.empty()) {
        std::size_t length = static_cast<unsigned char>(frames[1]) & 0x7fU;
        std::size_t header = 2;
        if (length == 126) {
            length = static_cast<std::size_t>(static_cast<unsigned char>(frames[2])) << 8U |
                     static_cast<unsigned char>(frames[3]);
            header = 4;
        }
        EXPECT_NE(static_cast<unsigned char>(frames[1]) & 0x80U, 0U);
        const std::string_view mask = frames.substr(header, 4);
        for (std::size_t i = 0; i < length; ++i) {
            out.push_back(static_cast<char>(frames[header + 4 + i] ^ mask[i % 4]));
        }
        out.push_back('\n');
        frames.remove_prefix(header + 4 + length);
    }
    return out;
}

/// Feeds an opening with all that the server says, until it wants no more of it.
struct Opener {
    Progress feed(const Dialect& dialect, std::string_view input) {
        Progress progress = Progress::kWaiting;
        while (!input.empty() && progress == Progress::kWaiting) {
            std::size_t consumed = 0;
            progress = dialect.on_opening(opening, input, consumed, out, refusal);
            input.remove_prefix(consumed);
            if (consumed == 0) {
                break;
            }
        }
        return progress;
    }

    Opening opening{.host = "node:6001", .channels = 1};
    std::string out;
    std::string refusal;
};

constexpr std::string_view kUpgraded = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
constexpr std::string_view kEstablished =
    R"({"event":"pusher:connection_established","data":"{\"socket_id\":\"1234.1234\",\"activity_timeout\":120}"})";

TEST(LoadDialect, PusherSubscribesToAllChannelsSigned) {
    const auto dialect = pusher_dialect({.id = "3", .key = "278d425bdf160c739803", .secret = "7ad3773142a6692b25b8"});
    Opener opener;
    opener.opening.channels = 2;
    opener.opening.all_channels = 10;
    opener.opening.first_channel = 9;
    dialect->open(opener.opening, opener.out);
    EXPECT_TRUE(opener.out.starts_with("GET /app/278d425bdf160c739803?protocol=7"));
    EXPECT_NE(opener.out.find("\r\nHost: node:6001\r\n"), std::string::npos);
    opener.out.clear();
    EXPECT_EQ(opener.feed(*dialect, std::string(kUpgraded) + frame(kEstablished)), Progress::kWaiting);
    const std::string said = unmasked(opener.out);
    EXPECT_NE(said.find(R"("channel":"private-bench-9","auth":"278d425bdf160c739803:)"), std::string::npos) << said;
    EXPECT_NE(said.find(R"("channel":"private-bench-0")"), std::string::npos) << said;
    const std::string subscribed =
        frame(R"({"event":"pusher_internal:subscription_succeeded","channel":"c","data":"{}"})");
    EXPECT_EQ(opener.feed(*dialect, subscribed), Progress::kWaiting);
    EXPECT_EQ(opener.feed(*dialect, subscribed), Progress::kReady);
}

TEST(LoadDialect, PusherSaysWhyItWasRefused) {
    const auto dialect = pusher_dialect({});
    Opener opener;
    EXPECT_EQ(opener.feed(*dialect, "HTTP/1.1 503 Service Unavailable\r\n\r\n"), Progress::kRefused);
    EXPECT_NE(opener.refusal.find("503"), std::string::npos);
    Opener unknown;
    EXPECT_EQ(
        unknown.feed(*dialect, std::string(kUpgraded) +
                                   frame(R"({"event":"pusher:error","data":{"code":4001,"message":"no such app"}})")),
        Progress::kRefused);
    EXPECT_NE(unknown.refusal.find("4001"), std::string::npos);
}

TEST(LoadDialect, PusherAnswersPingsAndReportsErrorsAndGaps) {
    const auto dialect = pusher_dialect({});
    std::string out;
    std::string complaint;
    const auto hear = [&](const std::string& bytes) {
        out.clear();
        complaint.clear();
        dialect->on_other(next_frame(bytes.data(), bytes.size()), out, complaint);
    };
    hear(frame(R"({"event":"pusher:ping","data":{}})"));
    EXPECT_EQ(unmasked(out), "{\"event\":\"pusher:pong\",\"data\":{}}\n");
    hear("\x89\x02hi");
    EXPECT_EQ(unmasked(out), "hi\n");
    EXPECT_EQ(complaint, "");
    hear(frame(R"({"event":"pusher:error","data":{"code":4301,"message":"too many"}})"));
    EXPECT_NE(complaint.find("4301"), std::string::npos);
    hear(frame(R"({"event":"tulle:gap","channel":"c","data":"{\"missing\":3}"})"));
    EXPECT_NE(complaint.find("missing"), std::string::npos);
    hear(std::string("\x88\x02\x10\x68", 4));
    EXPECT_NE(complaint.find("4200"), std::string::npos);
}

TEST(LoadDialect, MessagesAreWhatEachServerExpects) {
    std::string out;
    pusher_dialect({})->append_message(out, 12, "text");
    EXPECT_EQ(unmasked(out), "{\"event\":\"client-bench\",\"channel\":\"private-bench-12\",\"data\":\"text\"}\n");
    out.clear();
    plain_ws_dialect()->append_message(out, 0, std::string(200, 't'));
    EXPECT_EQ(unmasked(out), std::string(200, 't') + "\n");
    out.clear();
    redis_dialect()->append_message(out, 12, "text");
    EXPECT_EQ(out, "*3\r\n$7\r\nPUBLISH\r\n$8\r\nbench-12\r\n$4\r\ntext\r\n");
    out.clear();
    nats_dialect()->append_message(out, 12, "text");
    EXPECT_EQ(out, "PUB bench-12 4\r\ntext\r\n");
    out.clear();
    socketio_dialect()->append_message(out, 0, "text");
    EXPECT_EQ(unmasked(out), "42[\"pub\",\"text\"]\n");
}

TEST(LoadDialect, HttpRequestsAreSignedAndCarryTheirEvents) {
    const auto dialect = http_dialect({.id = "3", .key = "k", .secret = "s"}, 2);
    std::string messages;
    dialect->append_message(messages, 0, "a");
    dialect->append_message(messages, 1, "b");
    std::string out;
    dialect->append_request(out, messages, "node:6001");
    const std::string body = R"({"batch":[{"name":"bench","channel":"private-bench-0","data":"a"},)"
                             R"({"name":"bench","channel":"private-bench-1","data":"b"}]})";
    EXPECT_TRUE(out.starts_with("POST /apps/3/batch_events?auth_key=k&auth_timestamp=")) << out;
    EXPECT_NE(out.find("&auth_signature="), std::string::npos);
    EXPECT_TRUE(out.ends_with("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body)) << out;
    out.clear();
    http_dialect({.id = "3", .key = "k", .secret = "s"}, 1)->append_request(out, "{}", "node:6001");
    EXPECT_TRUE(out.starts_with("POST /apps/3/events?"));
    EXPECT_TRUE(out.ends_with("\r\n\r\n{}"));
}

TEST(LoadDialect, RedisIsReadyOnceAllChannelsAreSubscribed) {
    const auto dialect = redis_dialect();
    Opener opener;
    opener.opening.channels = 2;
    opener.opening.all_channels = 2;
    dialect->open(opener.opening, opener.out);
    EXPECT_EQ(opener.out, "*3\r\n$9\r\nSUBSCRIBE\r\n$7\r\nbench-0\r\n$7\r\nbench-1\r\n");
    const std::string subscribed = "*3\r\n$9\r\nsubscribe\r\n$7\r\nbench-0\r\n:1\r\n";
    EXPECT_EQ(opener.feed(*dialect, subscribed), Progress::kWaiting);
    EXPECT_EQ(opener.feed(*dialect, subscribed), Progress::kReady);
    Opener refused;
    EXPECT_EQ(refused.feed(*dialect, "-NOAUTH Authentication required.\r\n"), Progress::kRefused);
}

TEST(LoadDialect, NatsIsReadyWhenThePingAfterTheSubscriptionsIsAnswered) {
    const auto dialect = nats_dialect();
    Opener opener;
    dialect->open(opener.opening, opener.out);
    EXPECT_TRUE(opener.out.ends_with("SUB bench-0 1\r\nPING\r\n"));
    opener.out.clear();
    EXPECT_EQ(opener.feed(*dialect, "INFO {}\r\nPING\r\n"), Progress::kWaiting);
    EXPECT_EQ(opener.out, "PONG\r\n");
    EXPECT_EQ(opener.feed(*dialect, "PONG\r\n"), Progress::kReady);
    Opener refused;
    EXPECT_EQ(refused.feed(*dialect, "-ERR 'Authorization Violation'\r\n"), Progress::kRefused);
}

TEST(LoadDialect, SocketIoConnectsToTheNamespaceAndAnswersPings) {
    const auto dialect = socketio_dialect();
    Opener opener;
    dialect->open(opener.opening, opener.out);
    EXPECT_TRUE(opener.out.starts_with("GET /socket.io/?EIO=4&transport=websocket&role=sub HTTP/1.1"));
    opener.out.clear();
    EXPECT_EQ(
        opener.feed(*dialect, std::string(kUpgraded) + frame(R"(0{"sid":"a","pingInterval":25000})") + frame("2")),
        Progress::kWaiting);
    EXPECT_EQ(unmasked(opener.out), "40\n3\n");
    EXPECT_EQ(opener.feed(*dialect, frame(R"(40{"sid":"b"})")), Progress::kReady);
}

}  // namespace
}  // namespace tulle::load::dialect_test
