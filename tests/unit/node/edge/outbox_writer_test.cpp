#include "node/edge/outbox_writer.hpp"

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "node/core/limits.hpp"
#include "node/edge/linger.hpp"
#include "node/edge/uring_writer.hpp"

namespace tulle::node::outbox_writer_test {
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

/// The same for every way to write the outboxes of a turn. Where io_uring is forbidden its tests run with what it falls
/// back to.
struct Way {
    const char* name;
    std::unique_ptr<OutboxWriter> (*make)();
};

std::unique_ptr<OutboxWriter> with_small_ring() {
    auto writer = UringWriter::make(16);
    return writer ? std::move(writer) : make_outbox_writer(FlushMode::kUring);
}

class OutboxWriterTest : public ::testing::TestWithParam<Way> {
protected:
    struct Client {
        std::array<int, 2> sockets{};
        std::unique_ptr<Outbox> outbox;
        std::string expected;
    };

    void TearDown() override {
        for (const Client& client : clients) {
            ::close(client.sockets[0]);
            ::close(client.sockets[1]);
        }
    }

    Client& add() {
        Client& client = clients.emplace_back();
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, client.sockets.data()), 0);
        client.outbox = std::make_unique<Outbox>(limits);
        return client;
    }

    void queue(Client& client, std::string_view text) {
        ASSERT_EQ(client.outbox->push(arena.append({text})), Room::kQueued);
        client.expected += text;
    }

    std::vector<WriteJob> jobs() {
        std::vector<WriteJob> all;
        for (Client& client : clients) {
            all.emplace_back(*client.outbox, client.sockets[0], nullptr, false);
        }
        return all;
    }

    static std::string read_all(int socket) {
        std::string all;
        std::array<char, 65536> bytes{};
        for (ssize_t got = ::read(socket, bytes.data(), bytes.size()); got > 0;
             got = ::read(socket, bytes.data(), bytes.size())) {
            all.append(bytes.data(), static_cast<std::size_t>(got));
        }
        return all;
    }

    SlabArena arena;
    OutboxLimits limits{16u << 20, 10s};
    std::deque<Client> clients;
    std::unique_ptr<OutboxWriter> writer = GetParam().make();
};

TEST_P(OutboxWriterTest, WritesManyOutboxesOfOneAndOfMoreRanges) {
    constexpr std::size_t kClients = 100;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < kClients; ++i) {
        Client& client = add();
        queue(client, "client " + std::to_string(i));
        if (i % 7 == 0) {
            (void)arena.append({"-"});
            queue(client, "another range");
        }
        bytes += client.expected.size();
    }
    std::vector<WriteJob> all = jobs();
    EXPECT_EQ(writer->write(all), bytes);
    for (std::size_t i = 0; i < kClients; ++i) {
        EXPECT_EQ(all[i].written, Written::kAll);
        EXPECT_TRUE(clients[i].outbox->empty());
        ASSERT_EQ(read_all(clients[i].sockets[1]), clients[i].expected);
    }
}

TEST_P(OutboxWriterTest, TellsOfEachWhetherItIsBlockedOrBroken) {
    for (int i = 0; i < 12; ++i) {
        queue(add(), "text");
    }
    queue(clients[3], std::string(8u << 20, 'x'));
    ::shutdown(clients[5].sockets[1], SHUT_RD);
    ::shutdown(clients[5].sockets[0], SHUT_WR);
    std::vector<WriteJob> all = jobs();
    const std::uint64_t taken = writer->write(all);
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i].written, i == 3 ? Written::kBlocked : i == 5 ? Written::kBroken : Written::kAll) << i;
    }
    EXPECT_EQ(taken, 10 * 4 + clients[3].expected.size() - clients[3].outbox->bytes());
    std::string got = read_all(clients[3].sockets[1]);
    while (!clients[3].outbox->empty()) {
        WriteJob rest(*clients[3].outbox, clients[3].sockets[0], nullptr, false);
        writer->write({&rest, 1});
        got += read_all(clients[3].sockets[1]);
    }
    EXPECT_EQ(got, clients[3].expected);
}

INSTANTIATE_TEST_SUITE_P(Ways, OutboxWriterTest,
                         ::testing::Values(Way{"Send", [] { return make_outbox_writer(FlushMode::kSend); }},
                                           Way{"Uring", [] { return make_outbox_writer(FlushMode::kUring); }},
                                           Way{"ManyRingsFull", with_small_ring}),
                         [](const auto& way) { return std::string(way.param.name); });

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
}  // namespace tulle::node::outbox_writer_test
