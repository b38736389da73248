#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include "mesh/wire/codec.hpp"
#include "tests/unit/mesh/io/transport_fixture.hpp"

/// Peers that send more than the hub takes: what waits in libzmq is bounded.
namespace tulle::mesh::floods_test {
namespace {

constexpr std::size_t kMegabyte = 1u << 20;

TransportLimits small_limits() {
    TransportLimits limits;
    limits.control_waiting_bytes = 4 * kMegabyte;
    limits.data_waiting_bytes = 256u << 10;
    return limits;
}

/// A DEALER without a node behind it.
class Flooder {
public:
    explicit Flooder(const std::string& port) {
        socket_.set(zmq::sockopt::linger, 0);
        socket_.set(zmq::sockopt::sndhwm, 0);
        socket_.connect("tcp://" + port);
    }
    void send(std::size_t bytes) { socket_.send(zmq::message_t(std::string(bytes, 'x')), zmq::send_flags::none); }
    void send_parts(std::size_t parts) {
        for (std::size_t i = 0; i < parts; ++i) {
            socket_.send(zmq::message_t(), i + 1 < parts ? zmq::send_flags::sndmore : zmq::send_flags::none);
        }
    }

private:
    zmq::context_t context_;
    zmq::socket_t socket_{context_, zmq::socket_type::dealer};
};

/// What a peer of ZMTP 3 says first.
std::string handshake(std::string_view socket_type) {
    std::string bytes("\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL", 16);
    bytes.resize(64, '\0');
    std::string ready = std::string("\x05READY\x0bSocket-Type\0\0\0", 21);
    ready += static_cast<char>(socket_type.size());
    ready += socket_type;
    return bytes + '\x04' + static_cast<char>(ready.size()) + ready;
}

/// A part after which more come.
std::string part_of_many(std::size_t bytes) {
    std::string frame("\x03");
    for (int shift = 56; shift >= 0; shift -= 8) {
        frame.push_back(static_cast<char>((bytes >> shift) & 0xff));
    }
    return frame.append(bytes, 'x');
}

TEST(Floods, EndTheConnectionThatTheyComeByAndNoOther) {
    LoneTransport node(small_limits());
    LoneTransport peer;
    peer.transport.open_connection(ConnectionId{1}, node.transport.bound_control());
    ASSERT_TRUE(eventually({&node, &peer}, [&] { return peer.count<ConnectionUp>() == 1; }));
    Flooder flooder(node.transport.bound_control());
    const Instant until = steady_now() + 10s;
    while (node.transport.counters().inbound_cut == 0 && steady_now() < until) {
        for (int i = 0; i < 16; ++i) {
            flooder.send(kMegabyte);
        }
        node.turn();
    }
    EXPECT_GE(node.transport.counters().inbound_cut, 1U);
    peer.transport.send(ConnectionId{1}, some_knock());
    EXPECT_TRUE(eventually({&node, &peer}, [&] { return node.count<Control>() == 1; }));
    EXPECT_EQ(peer.count<ConnectionDown>(), 0U);
}

TEST(Floods, AreNotWhatAPeerSendsAsItIsTaken) {
    LoneTransport node(small_limits());
    LoneTransport peer;
    peer.transport.open_connection(ConnectionId{1}, node.transport.bound_control());
    ASSERT_TRUE(eventually({&node, &peer}, [&] { return peer.count<ConnectionUp>() == 1; }));
    Control big = some_knock();
    constexpr std::size_t kMessages = 60'000;  // of 120 bytes: 7 MB, more than may wait
    for (std::size_t sent = 0; sent < kMessages;) {
        for (int i = 0; i < 500; ++i, ++sent) {
            peer.transport.send(ConnectionId{1}, big);
        }
        ASSERT_TRUE(eventually({&node, &peer}, [&] { return node.count<Control>() == sent; }));
    }
    EXPECT_EQ(node.transport.counters().inbound_cut, 0U);
}

TEST(Floods, OfPartsOfAMessageThatNeverEndsAreEnded) {
    LoneTransport node(small_limits());
    const std::string part = part_of_many(60'000);
    for (const auto& [port, type] :
         {std::pair{node.transport.bound_control(), "DEALER"}, {node.transport.bound_data(), "SUB"}}) {
        const bool is_control = port == node.transport.bound_control();
        const RawClient client(port);
        client.send(handshake(type));
        // More than its greeting: libzmq takes no message before it has sent its own READY.
        ASSERT_TRUE(eventually({&node}, [&] { return !client.is_closed() && client.received() > 64; }));
        const std::string one = is_control ? part : part_of_many(100);
        std::string_view rest;
        EXPECT_TRUE(eventually({&node}, [&] {
            for (int i = 0; i < 20; ++i) {
                rest = rest.empty() ? std::string_view(one) : rest;
                rest.remove_prefix(client.send_now(rest));
            }
            return client.is_closed();
        })) << type;
    }
    EXPECT_EQ(node.transport.counters().inbound_cut, 2U);
}

/// Of this process, now.
std::size_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::size_t pages = 0;
    std::size_t resident = 0;
    file >> pages >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// A part of nothing is 2 bytes on the wire and 64 in libzmq.
TEST(Floods, OfPartsOfNothingAreEndedLongBeforeTheirBytesWouldBeTooMany) {
    LoneTransport node;
    const RawClient client(node.transport.bound_control());
    client.send(handshake("DEALER"));
    ASSERT_TRUE(eventually({&node}, [&] { return !client.is_closed() && client.received() > 64; }));
    std::string parts;
    for (std::size_t i = 0; i < 32u << 10; ++i) {
        parts += std::string_view("\x01\0", 2);
    }
    const std::size_t before = resident_bytes();
    std::size_t most = before;
    std::size_t sent = 0;
    std::string_view rest;
    EXPECT_TRUE(eventually({&node}, [&] {
        for (int i = 0; i < 20; ++i) {
            rest = rest.empty() ? std::string_view(parts) : rest;
            const std::size_t now = client.send_now(rest);
            rest.remove_prefix(now);
            sent += now;
        }
        most = std::max(most, resident_bytes());
        return client.is_closed();
    }));
    EXPECT_EQ(node.transport.counters().inbound_cut, 1U);
    RecordProperty("sent", std::to_string(sent));
    RecordProperty("grown", std::to_string(most - before));
    EXPECT_LT(sent, TransportLimits{}.control_waiting_bytes / 2);
#ifndef __SANITIZE_THREAD__  // its shadow grows with what is allocated
    EXPECT_LT(most - before, 512 * kMegabyte) << "after " << sent << " bytes";
#endif
}

TEST(Floods, OfPartsThatEndAreSkippedInSlicesAndTheirSenderIsEnded) {
    LoneTransport node;
    LoneTransport peer;
    peer.transport.open_connection(ConnectionId{1}, node.transport.bound_control());
    ASSERT_TRUE(eventually({&node, &peer}, [&] { return peer.count<ConnectionUp>() == 1; }));
    Flooder flooder(node.transport.bound_control());
    flooder.send_parts(200'000);
    EXPECT_TRUE(eventually({&node}, [&] { return node.transport.counters().inbound_cut == 1; }));
    peer.transport.send(ConnectionId{1}, some_knock());
    EXPECT_TRUE(eventually({&node, &peer}, [&] { return node.count<Control>() == 1; }));
    EXPECT_EQ(node.transport.counters().malformed, 1U);
    EXPECT_EQ(peer.count<ConnectionDown>(), 0U);
}

/// Whoever comes late to what honest peers have sent finds more than a message that is not whole may have.
TEST(Floods, AreNotTheLongestMessagesOfPeersWhileTheHubIsSlow) {
    LoneTransport node;
    LoneTransport idle;
    std::vector<std::unique_ptr<Flooder>> peers;
    for (int i = 0; i < 4; ++i) {
        peers.push_back(std::make_unique<Flooder>(node.transport.bound_control()));
    }
    constexpr std::uint64_t kEach = 12;  // 15 MiB of each: less than may wait
    for (std::uint64_t i = 0; i < kEach; ++i) {
        for (const auto& peer : peers) {
            peer->send(kMaxMessageBytes);
        }
    }
    const auto taken = [&] { return node.transport.counters().malformed; };
    EXPECT_TRUE(eventually({&node}, [&] {
        for (int i = 0; i < 3; ++i) {
            idle.turn();  // the hub has other work for 60 ms: each turn is late, and looks
        }
        return taken() == kEach * peers.size();
    }));
    EXPECT_EQ(node.transport.counters().inbound_cut, 0U);
}

/// Behind a connection there is a ROUTER, which sends nothing. This one sends, and nobody reads that.
TEST(Floods, FromTheFarEndOfALinkEndTheLink) {
    for (const std::size_t bytes : {kMegabyte, std::size_t{100}}) {
        zmq::context_t context;
        zmq::socket_t far(context, zmq::socket_type::dealer);
        far.set(zmq::sockopt::linger, 0);
        far.set(zmq::sockopt::sndhwm, 64);
        far.bind("tcp://127.0.0.1:*");
        LoneTransport node;
        node.transport.open_connection(ConnectionId{1},
                                       far.get(zmq::sockopt::last_endpoint).substr(std::strlen("tcp://")));
        ASSERT_TRUE(eventually({&node}, [&] { return node.count<ConnectionUp>() == 1; }));
        const std::size_t before = resident_bytes();
        const std::string message(bytes, 'x');
        EXPECT_TRUE(eventually({&node}, [&] {
            for (int i = 0; i < 1'000 && far.send(zmq::buffer(message), zmq::send_flags::dontwait); ++i) {
            }
            return node.count<ConnectionDown>() >= 1;
        })) << bytes;
        EXPECT_LT(resident_bytes(), before + 256 * kMegabyte) << bytes;
    }
}

TEST(ControlTurn, TakesNoMoreThanItsBytesAndFromEachPeerInTurn) {
    LoneTransport node;
    Flooder flooder(node.transport.bound_control());
    LoneTransport peer;
    peer.transport.open_connection(ConnectionId{1}, node.transport.bound_control());
    ASSERT_TRUE(eventually({&node, &peer}, [&] { return peer.count<ConnectionUp>() == 1; }));
    constexpr std::uint64_t kFlood = 40;
    for (std::uint64_t i = 0; i < kFlood; ++i) {
        flooder.send(kMegabyte);
    }
    peer.transport.send(ConnectionId{1}, some_knock());
    // Half a MiB and what passes it: one of these a turn, and the peer's between them.
    std::uint64_t before = 0;
    EXPECT_TRUE(eventually({&node, &peer}, [&] {
        const std::uint64_t taken = node.transport.counters().malformed;
        EXPECT_LE(taken, before + 1);
        before = taken;
        return taken == kFlood && node.count<Control>() == 1;
    }));
}

}  // namespace
}  // namespace tulle::mesh::floods_test
