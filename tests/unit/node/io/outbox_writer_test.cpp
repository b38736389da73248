#include "node/io/outbox_writer.hpp"

#include <array>
#include <string>

#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "node/core/limits.hpp"
#include "node/io/linger.hpp"

namespace tulle::node {
namespace {

/// Two connected non-blocking sockets.
class SocketsTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::array<int, 2> pair{};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
        ours = pair[0];
        peer = pair[1];
    }

    void TearDown() override {
        ::close(ours);
        close_peer();
    }

    void close_peer() {
        if (peer >= 0) {
            ::close(peer);
            peer = -1;
        }
    }

    std::string read_peer() {
        std::string all;
        std::array<char, 4096> bytes{};
        for (ssize_t got = ::read(peer, bytes.data(), bytes.size()); got > 0;
             got = ::read(peer, bytes.data(), bytes.size())) {
            all.append(bytes.data(), static_cast<std::size_t>(got));
        }
        return all;
    }

    int ours = -1;
    int peer = -1;
};

TEST_F(SocketsTest, AnOutboxIsWrittenInOrderOverManyRanges) {
    SlabArena arena;
    const OutboxLimits limits{kMaxOutboxBytes, 10s};
    Outbox outbox(limits);
    std::string expected;
    for (int i = 0; i < 200; ++i) {
        const std::string text = std::to_string(i) + ";";
        ASSERT_EQ(outbox.push(arena.append({text})), Room::kQueued);
        const SlabRange between = arena.append({"another client's"});
        expected += text;
    }
    EXPECT_EQ(write_outbox(ours, outbox), Written::kAll);
    EXPECT_EQ(read_peer(), expected);
}

TEST_F(SocketsTest, AWriteStopsWhereThePeerTakesNoMoreAndGoesOnLater) {
    SlabArena arena;
    const OutboxLimits limits{16u << 20, 10s};
    Outbox outbox(limits);
    const std::string large(8u << 20, 'x');
    ASSERT_EQ(outbox.push(arena.append({large})), Room::kQueued);
    EXPECT_EQ(write_outbox(ours, outbox), Written::kBlocked);
    EXPECT_LT(outbox.bytes(), large.size());
    std::size_t got = 0;
    while (!outbox.empty()) {
        got += read_peer().size();
        ASSERT_NE(write_outbox(ours, outbox), Written::kBroken);
    }
    got += read_peer().size();
    EXPECT_EQ(got, large.size());
}

TEST_F(SocketsTest, AWriteToAPeerThatHasGoneIsBroken) {
    SlabArena arena;
    const OutboxLimits limits{kMaxOutboxBytes, 10s};
    Outbox outbox(limits);
    close_peer();
    ASSERT_EQ(outbox.push(arena.append({"text"})), Room::kQueued);
    EXPECT_EQ(write_outbox(ours, outbox), Written::kBroken);
}

TEST_F(SocketsTest, LingeringEndsWhenThePeerEnds) {
    Linger linger;
    EXPECT_FALSE(linger.begin(ours));
    ASSERT_EQ(::write(peer, "more", 4), 4);
    EXPECT_FALSE(linger.on_readable(ours));
    close_peer();
    EXPECT_TRUE(linger.on_readable(ours));
}

TEST_F(SocketsTest, LingeringEndsWhenThePeerSendsTooMuch) {
    Linger linger;
    EXPECT_FALSE(linger.begin(ours));
    const std::string chunk(32u << 10, 'x');
    std::size_t sent = 0;
    bool is_over = false;
    while (!is_over) {
        const ssize_t wrote = ::write(peer, chunk.data(), chunk.size());
        sent += wrote > 0 ? static_cast<std::size_t>(wrote) : 0;
        ASSERT_LT(sent, 2 * kLingerBytes);
        is_over = linger.on_readable(ours);
    }
    EXPECT_GE(sent, kLingerBytes);
}

}  // namespace
}  // namespace tulle::node
