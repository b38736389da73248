#include <string>
#include <vector>

#include "mesh/keys/mesh_key.hpp"
#include "mesh/wire/codec.hpp"
#include "tests/unit/mesh/io/transport_fixture.hpp"
#include "tests/unit/mesh/io/two_keys.hpp"

/// Transports with mesh keys against each other, and against strangers, over real sockets.
namespace tulle::mesh::keys_test {
namespace {

constexpr ConnectionId kOut{1};

/// Messages from the node `from` that have come to `to`.
std::size_t words(const LoneTransport& to) {
    return to.count<Control>();
}

/// The number of standing connections of a node by the two keys.
std::uint64_t uses(const LoneTransport& node, const MeshKey& server, const MeshKey& client, bool inbound) {
    for (const KeyUse& use : node.transport.key_status().uses) {
        if (use.server == server.id() && use.client == client.id()) {
            return inbound ? use.inbound : use.outbound;
        }
    }
    return 0;
}

/// Opens control and data from one node to the other, and waits until a message has gone by each.
void connect(LoneTransport& from, LoneTransport& to) {
    const std::size_t before = words(to);
    const std::size_t seen = to.count<SubscriberSeen>();
    from.transport.listen_for(OriginId{7});
    from.transport.open_connection(kOut, to.transport.bound_control());
    from.transport.connect_data(to.transport.bound_data());
    ASSERT_TRUE(eventually({&from, &to}, [&] { return from.count<ConnectionUp>() >= 1; })) << "control does not stand";
    // A message sent just after ConnectionUp may be lost, as the core knows: it repeats what matters.
    ASSERT_TRUE(eventually({&from, &to}, [&] {
        from.transport.send(kOut, some_knock());
        return words(to) > before;
    })) << "control carries nothing";
    ASSERT_TRUE(eventually({&from, &to}, [&] { return to.count<SubscriberSeen>() > seen; })) << "no subscription comes";
    to.transport.send(Data{.src = OriginId{9}, .dst = OriginId{7}, .tag = {}, .body = Tail{}});
    ASSERT_TRUE(eventually({&from, &to}, [&] { return from.count<Data>() >= 1; })) << "data do not come";
}

TEST(TransportsWithKeys, SpeakToEachOtherOnControlAndData) {
    LoneTransport one(KeyRing({key_a()}));
    LoneTransport other(KeyRing({key_a()}));
    connect(one, other);
    EXPECT_EQ(uses(one, key_a(), key_a(), false), 2U);
    EXPECT_EQ(uses(other, key_a(), key_a(), true), 2U);
    EXPECT_EQ(other.transport.counters().keys_unknown, 0U) << "the proof at the start counts";
    EXPECT_EQ(other.transport.counters().inbound_refused, 0U);
}

TEST(TransportsWithKeys, MeetByAnyKeyOfBothRings) {
    LoneTransport early(KeyRing({key_a(), key_b()}));
    LoneTransport late(KeyRing({key_b(), key_a()}));
    connect(early, late);
    EXPECT_EQ(uses(early, key_b(), key_a(), false), 2U);
    LoneTransport new_one(KeyRing({key_b()}));
    connect(new_one, late);
    EXPECT_EQ(uses(late, key_b(), key_b(), true), 2U);
}

struct Mismatch {
    const char* what;
    KeyRing dials;
    KeyRing binds;
};

TEST(TransportsWithKeys, RefuseEachOtherWithoutACommonKeyAndSaySo) {
    const Mismatch cases[] = {{"another key", KeyRing({key_b()}), KeyRing({key_a()})},
                              {"no key", KeyRing(), KeyRing({key_a()})},
                              {"a key where there is none", KeyRing({key_a()}), KeyRing()}};
    for (const Mismatch& one : cases) {
        LoneTransport node(one.binds);
        LoneTransport stranger(one.dials);
        stranger.transport.listen_for(OriginId{7});
        stranger.transport.open_connection(kOut, node.transport.bound_control());
        stranger.transport.connect_data(node.transport.bound_data());
        // Twice: libzmq itself would not dial again.
        EXPECT_TRUE(eventually({&node, &stranger}, [&] { return stranger.count<ConnectionRefused>() >= 2; }))
            << one.what;
        EXPECT_EQ(stranger.count<ConnectionUp>(), 0U) << one.what;
        EXPECT_EQ(words(node), 0U) << one.what;
        EXPECT_EQ(node.count<SubscriberSeen>(), 0U) << one.what;
        EXPECT_GT(stranger.transport.counters().keys_refused, 0U) << one.what;
        EXPECT_TRUE(eventually({&node, &stranger}, [&] { return node.transport.counters().inbound_refused > 0; }))
            << one.what;
    }
}

/// Knows the node's public key, and not the cluster's secret.
TEST(TransportsWithKeys, RefuseWhoKnowsTheServersKeyAlone) {
    LoneTransport node(KeyRing({key_a()}));
    zmq::context_t context;
    for (const bool is_control : {true, false}) {
        zmq::socket_t stranger(context, is_control ? zmq::socket_type::dealer : zmq::socket_type::sub);
        const CurvePair own = MeshKey::make().client();
        stranger.set(zmq::sockopt::linger, 0);
        stranger.set(zmq::sockopt::curve_serverkey, zmq::buffer(key_a().server().public_key));
        stranger.set(zmq::sockopt::curve_publickey, zmq::buffer(own.public_key));
        stranger.set(zmq::sockopt::curve_secretkey, zmq::buffer(own.secret_key));
        if (is_control) {
            stranger.connect("tcp://" + node.transport.bound_control());
            stranger.send(zmq::buffer(encode(some_knock())), zmq::send_flags::dontwait);
        } else {
            stranger.set(zmq::sockopt::subscribe, topic_of(OriginId{7}));
            stranger.connect("tcp://" + node.transport.bound_data());
        }
        EXPECT_TRUE(
            eventually({&node}, [&] { return node.transport.counters().keys_unknown == (is_control ? 1U : 2U); }));
    }
    EXPECT_EQ(words(node), 0U);
    EXPECT_EQ(node.count<SubscriberSeen>(), 0U);
}

TEST(TransportsWithKeys, LearnANewKeyWhileTheyAreRefused) {
    LoneTransport node(KeyRing({key_b()}));
    LoneTransport late(KeyRing({key_a()}));
    late.transport.open_connection(kOut, node.transport.bound_control());
    ASSERT_TRUE(eventually({&node, &late}, [&] { return late.count<ConnectionRefused>() >= 1; }));
    late.transport.accept_keys(KeyRing({key_b()}));
    EXPECT_TRUE(eventually({&node, &late}, [&] { return late.count<ConnectionUp>() == 1; }));
}

/// add, use, drop: the order of an operator.
TEST(TransportsWithKeys, ChangeTheKeyWithoutLosingEachOther) {
    LoneTransport one(KeyRing({key_a()}));
    LoneTransport other(KeyRing({key_a()}));
    connect(one, other);
    const std::string control = other.transport.bound_control();
    for (LoneTransport* node : {&one, &other}) {
        node->transport.accept_keys(KeyRing({key_a(), key_b()}));
    }
    for (LoneTransport* node : {&one, &other}) {
        node->transport.accept_keys(KeyRing({key_b(), key_a()}));
        node->transport.rebind();
        EXPECT_TRUE(eventually({&one, &other},
                               [&] { return uses(one, node == &one ? key_a() : key_b(), key_b(), false) == 2; }));
    }
    EXPECT_EQ(other.transport.bound_control(), control);
    for (LoneTransport* node : {&one, &other}) {
        node->transport.accept_keys(KeyRing({key_b()}));
    }
    EXPECT_EQ(uses(one, key_b(), key_b(), false), 2U);
    // Both ways still carry messages.
    const std::size_t heard = words(other);
    const std::size_t got = one.count<Data>();
    EXPECT_TRUE(eventually({&one, &other}, [&] {
        one.transport.send(kOut, some_knock());
        other.transport.send(Data{.src = OriginId{9}, .dst = OriginId{7}, .tag = {}, .body = Tail{}});
        return words(other) > heard && one.count<Data>() > got;
    }));
    EXPECT_EQ(uses(other, key_b(), key_b(), true), 2U);
    EXPECT_EQ(other.transport.key_status().uses.size(), 1U) << "the former connections still count";
    LoneTransport old(KeyRing({key_a()}));
    old.transport.open_connection(kOut, control);
    EXPECT_TRUE(eventually({&one, &other, &old}, [&] { return old.count<ConnectionRefused>() >= 1; }));
}

TEST(TransportsWithKeys, BindTheirPortsAgainManyTimesWithoutLosingThem) {
    LoneTransport node(KeyRing({key_a(), key_b()}));
    LoneTransport peer(KeyRing({key_a(), key_b()}));
    connect(peer, node);
    for (int i = 0; i < 50; ++i) {
        const std::size_t ups = peer.count<ConnectionUp>();
        node.transport.accept_keys(i % 2 == 0 ? KeyRing({key_b(), key_a()}) : KeyRing({key_a(), key_b()}));
        node.transport.rebind();
        ASSERT_TRUE(eventually({&node, &peer}, [&] { return peer.count<ConnectionUp>() > ups; })) << i;
    }
}

/// The ring has changed, and the connections are still those of before: libzmq dials them again by the former keys.
TEST(TransportsWithKeys, CountAConnectionByTheKeysOfItsAttempt) {
    LoneTransport one(KeyRing({key_a(), key_b()}));
    LoneTransport other(KeyRing({key_a()}));
    connect(one, other);
    one.transport.accept_keys(KeyRing({key_b(), key_a()}));
    const std::size_t ups = one.count<ConnectionUp>();
    other.transport.rebind();
    ASSERT_TRUE(eventually({&one, &other}, [&] { return one.count<ConnectionUp>() > ups; }));
    EXPECT_TRUE(eventually({&one, &other}, [&] { return uses(one, key_a(), key_a(), false) == 2; }));
    EXPECT_EQ(uses(one, key_b(), key_b(), false), 0U);
}

/// A listener of another process that has taken the port between the two binds.
TEST(TransportsWithKeys, GoOnToBindAPortThatAnotherProcessHasTaken) {
    LoneTransport node(KeyRing({key_a(), key_b()}));
    LoneTransport peer(KeyRing({key_a(), key_b()}));
    const NumericAddress port = numeric(parse_host_port(node.transport.bound_control()).value()).value();
    const int taker = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    node.transport.accept_keys(KeyRing({key_b(), key_a()}));
    node.transport.rebind();
    // Without a step of the node: the port stays free until libzmq has closed it and the taker has it.
    ASSERT_TRUE(eventually({&peer}, [&] {
        return ::bind(taker, reinterpret_cast<const sockaddr*>(&port.storage), port.size) == 0 &&
               ::listen(taker, 1) == 0;
    }));
    connect(node, peer);
    EXPECT_EQ(node.transport.key_status().bound, key_a().id());
    // Keys that change again meanwhile, as by a second SIGHUP.
    node.transport.accept_keys(KeyRing({key_a(), key_b()}));
    node.transport.rebind();
    node.transport.accept_keys(KeyRing({key_b(), key_a()}));
    node.transport.rebind();
    ASSERT_TRUE(eventually({&node, &peer}, [&] { return uses(node, key_a(), key_b(), false) == 2; }));
    ::close(taker);
    EXPECT_TRUE(eventually({&node, &peer}, [&] { return node.transport.key_status().bound == key_b().id(); }));
    peer.transport.open_connection(kOut, node.transport.bound_control());
    EXPECT_TRUE(eventually({&node, &peer}, [&] { return peer.count<ConnectionUp>() >= 1; }));
}

/// The planted defect: sockets whose context has no handler let in every key.
TEST(CurveWithoutAHandler, LetsInAnybodyWhichIsWhyTheProofExists) {
    zmq::context_t context;
    zmq::socket_t server(context, zmq::socket_type::router);
    server.set(zmq::sockopt::linger, 0);
    server.set(zmq::sockopt::curve_server, true);
    server.set(zmq::sockopt::curve_secretkey, zmq::buffer(key_a().server().secret_key));
    server.bind("tcp://127.0.0.1:*");
    zmq::socket_t stranger(context, zmq::socket_type::dealer);
    const CurvePair own = MeshKey::make().client();
    stranger.set(zmq::sockopt::linger, 0);
    stranger.set(zmq::sockopt::curve_serverkey, zmq::buffer(key_a().server().public_key));
    stranger.set(zmq::sockopt::curve_publickey, zmq::buffer(own.public_key));
    stranger.set(zmq::sockopt::curve_secretkey, zmq::buffer(own.secret_key));
    stranger.connect(server.get(zmq::sockopt::last_endpoint));
    stranger.send(zmq::str_buffer("in"), zmq::send_flags::none);
    server.set(zmq::sockopt::rcvtimeo, 5000);
    zmq::message_t identity;
    EXPECT_TRUE(server.recv(identity).has_value());
}

}  // namespace
}  // namespace tulle::mesh::keys_test
