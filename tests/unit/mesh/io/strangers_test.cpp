#include <string>
#include <vector>

#include "mesh/wire/codec.hpp"
#include "tests/unit/mesh/io/transport_fixture.hpp"

/// Who connects to the mesh ports and is no node.
namespace tulle::mesh::strangers_test {
namespace {

/// A frame of ZMTP 1.0: a length that counts the flags, the flags, the body.
std::string old_frame(std::string_view body) {
    std::string frame;
    if (body.size() < 254) {
        frame.push_back(static_cast<char>(body.size() + 1));
    } else {
        frame = "\xff";
        for (int shift = 56; shift >= 0; shift -= 8) {
            frame.push_back(static_cast<char>(((body.size() + 1) >> shift) & 0xff));
        }
    }
    frame.push_back('\0');
    return frame.append(body);
}

std::string knock_bytes() {
    return encode(some_knock());
}

/// As libzmq 2 spoke: an identity, then messages.
std::string zmtp_1(const std::string& message) {
    return old_frame("") + old_frame(message);
}

/// As libzmq 3.0 to 3.2 spoke: signature, revision 1, socket type, then as ZMTP 2.0 frames.
std::string zmtp_2(const std::string& message, char socket_type) {
    std::string bytes("\xff\0\0\0\0\0\0\0\x01\x7f", 10);
    bytes += '\x01';
    bytes += socket_type;
    bytes += std::string("\0\0", 2);  // an empty identity
    bytes += '\0';
    bytes += static_cast<char>(message.size());
    return bytes + message;
}

/// A POST whose first byte 'P' is a length to ZMTP 1.0: an identity of 79 bytes, then a frame whose first byte is 'z',
/// which ends with the head. The body is a frame of its own.
std::string post_of_a_page(const std::string& message) {
    const std::string end = " HTTP/1.1\r\nHost: x:1\r\n\r\n";
    const std::string head = "POST /" + std::string(81 - 6, 'i') + "zb";
    return head + std::string(121 - end.size(), 'j') + end + old_frame(message);
}

struct Stranger {
    const char* what;
    std::string bytes;
};

std::vector<Stranger> strangers() {
    const std::string topic = "\x01" + topic_of(OriginId{7});
    return {{"HTTP with a Knock", post_of_a_page(knock_bytes())},
            {"HTTP with a topic", post_of_a_page(topic)},
            {"ZMTP 1.0 with a Knock", zmtp_1(knock_bytes())},
            {"ZMTP 1.0 with a topic", zmtp_1(topic)},
            {"ZMTP 2.0 with a Knock", zmtp_2(knock_bytes(), 5)},
            {"ZMTP 2.0 with a topic", zmtp_2(topic, 2)},
            {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(500, 'x')}};
}

TEST(StrangersAtTheMeshPorts, WhoDoNotSpeakZmtp3AreRefusedAndNothingOfTheirsComesIn) {
    LoneTransport node;
    std::uint64_t refused = 0;
    for (const std::string& port : {node.transport.bound_control(), node.transport.bound_data()}) {
        for (const Stranger& stranger : strangers()) {
            const RawClient client(port);
            client.send(stranger.bytes);
            EXPECT_TRUE(eventually({&node}, [&] { return client.is_closed(); }))
                << stranger.what << " is let in at " << port;
            ++refused;
            EXPECT_TRUE(eventually({&node}, [&] { return node.transport.counters().inbound_refused == refused; }))
                << stranger.what << ": " << node.transport.counters().inbound_refused << " counted";
        }
    }
    EXPECT_TRUE(node.inputs.empty());
    EXPECT_EQ(node.transport.counters().malformed, 0U) << "nothing reached the codec";
}

TEST(StrangersAtTheMeshPorts, DoNotKeepANodeFromComingIn) {
    LoneTransport node;
    LoneTransport other;
    for (const Stranger& stranger : strangers()) {
        const RawClient client(node.transport.bound_control());
        client.send(stranger.bytes);
    }
    other.transport.open_connection(ConnectionId{1}, node.transport.bound_control());
    other.transport.listen_for(OriginId{9});
    other.transport.connect_data(node.transport.bound_data());
    ASSERT_TRUE(eventually({&node, &other}, [&] { return other.count<ConnectionUp>() == 1; }));
    other.transport.send(ConnectionId{1}, some_knock());
    EXPECT_TRUE(
        eventually({&node, &other}, [&] { return node.count<Control>() == 1 && node.count<SubscriberSeen>() == 1; }));
}

TEST(StrangersAtTheMeshPorts, WhoAreIdleMakeRoomForANode) {
    TransportLimits limits;
    limits.inbound = 64;
    limits.silent = 16;
    LoneTransport node(limits);
    LoneTransport early;
    LoneTransport late;
    early.transport.open_connection(ConnectionId{1}, node.transport.bound_control());
    ASSERT_TRUE(eventually({&node, &early}, [&] { return early.count<ConnectionUp>() == 1; }));
    early.transport.send(ConnectionId{1}, some_knock());
    ASSERT_TRUE(eventually({&node, &early}, [&] { return node.count<Control>() == 1; }));

    std::vector<RawClient> idle;
    for (int i = 0; i < 100; ++i) {
        idle.emplace_back(node.transport.bound_control());
    }
    EXPECT_TRUE(eventually({&node}, [&] {
        return std::count_if(idle.begin(), idle.end(), [](const RawClient& client) { return client.is_closed(); }) >=
               100 - 16;
    }));
    late.transport.open_connection(ConnectionId{1}, node.transport.bound_control());
    ASSERT_TRUE(eventually({&node, &late}, [&] { return late.count<ConnectionUp>() == 1; }));
    late.transport.send(ConnectionId{1}, some_knock());
    EXPECT_TRUE(eventually({&node, &late}, [&] { return node.count<Control>() == 2; }));
    EXPECT_EQ(early.count<ConnectionDown>() + late.count<ConnectionDown>(), 0U);
    EXPECT_GE(node.transport.counters().inbound_cut, 100U - 16U);
}

/// A SUB that belongs to no node; reconnects as often as it likes.
class ForeignSubscriber {
public:
    explicit ForeignSubscriber(const std::string& port) {
        socket_.set(zmq::sockopt::linger, 0);
        socket_.set(zmq::sockopt::sndhwm, 0);
        socket_.connect("tcp://" + port);
    }
    /// Lets it say all again on a new connection: a SUB does so on its own thread.
    void go_on() { static_cast<void>(socket_.get(zmq::sockopt::events)); }
    void subscribe(const std::string& topic) { socket_.set(zmq::sockopt::subscribe, topic); }

private:
    zmq::context_t context_;
    zmq::socket_t socket_{context_, zmq::socket_type::sub};
};

TEST(StrangersAtTheMeshPorts, WhoSubscribeToWhatNoNodeDoesAreCut) {
    LoneTransport node;
    ForeignSubscriber foreign(node.transport.bound_data());
    for (int i = 0; i < 100'000; ++i) {
        foreign.subscribe("topic of mine " + std::to_string(i));
    }
    EXPECT_TRUE(eventually({&node}, [&] {
        foreign.go_on();
        return node.transport.counters().inbound_cut >= 2;
    })) << "it has come again once";
    EXPECT_EQ(node.count<SubscriberSeen>(), 0U);
    EXPECT_LE(node.transport.counters().malformed, node.transport.counters().inbound_cut) << "one on each connection";
}

TEST(StrangersAtTheMeshPorts, WhoSubscribeAsManyNodesAreCut) {
    LoneTransport node;
    ForeignSubscriber foreign(node.transport.bound_data());
    for (std::uint64_t oid = 1; oid <= 10'000; ++oid) {
        foreign.subscribe(topic_of(OriginId{oid}));
    }
    EXPECT_TRUE(eventually({&node}, [&] {
        foreign.go_on();
        return node.transport.counters().inbound_cut >= 2;
    }));
    EXPECT_LE(node.count<SubscriberSeen>(), 4 * (node.transport.counters().inbound_cut + 1));
}

TEST(MonitoredSocket, HasAnIoThreadThatDoesNotWaitForWhoReadsItsEvents) {
    ZmqSockets sockets("127.0.0.1:0", "127.0.0.1:0", KeyRing());
    constexpr int kConnections = 1500;  // two events each: more than a PAIR's default of 1,000 for each of its ends
    for (int i = 0; i < kConnections; ++i) {
        const RawClient client(sockets.bound_control);
        client.send("GET / HTTP/1.1\r\n\r\n");
        const Instant until = steady_now() + 10s;
        while (!client.is_closed()) {
            ASSERT_LT(steady_now(), until) << "the I/O thread hangs after " << i << " connections";
        }
    }
    int seen = 0;
    while (sockets.router.next()) {
        ++seen;
    }
    EXPECT_GE(seen, 2 * kConnections);
}

}  // namespace
}  // namespace tulle::mesh::strangers_test
