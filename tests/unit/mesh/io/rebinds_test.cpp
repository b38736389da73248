#include <sys/resource.h>

#include <optional>
#include <string>

#include "mesh/io/inbound_watch.hpp"
#include "tests/unit/mesh/io/transport_fixture.hpp"

/// Mesh ports that are bound again while something is in the way.
namespace tulle::mesh::rebinds_test {
namespace {

const KeyRing& ring(bool is_turned) {
    static const KeyRing first({MeshKey::make(), MeshKey::make()});
    static const KeyRing turned({first.keys()[1], first.keys()[0]});
    return is_turned ? turned : first;
}

/// Another process that listens on a port of ours as soon as the port is closed.
class Thief {
public:
    explicit Thief(const std::string& address) : target_(numeric(parse_host_port(address).value()).value()) {}
    ~Thief() { let_go(); }
    Thief(const Thief&) = delete;
    Thief& operator=(const Thief&) = delete;

    [[nodiscard]] bool steal() {
        const Instant until = steady_now() + 10s;
        while (fd_ < 0 && steady_now() < until) {
            const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            const int on = 1;
            ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            if (::bind(fd, reinterpret_cast<const sockaddr*>(&target_.storage), target_.size) == 0 &&
                ::listen(fd, 1) == 0) {
                fd_ = fd;
            } else {
                ::close(fd);
            }
        }
        return fd_ >= 0;
    }
    void let_go() {
        if (fd_ >= 0) {
            ::close(std::exchange(fd_, -1));
        }
    }

private:
    NumericAddress target_;
    int fd_ = -1;
};

/// A new peer reaches the node by the key in use.
void expect_open(LoneTransport& node, const KeyRing& keys) {
    LoneTransport peer{KeyRing({keys.used()})};
    peer.transport.open_connection(ConnectionId{1}, node.transport.bound_control());
    EXPECT_TRUE(eventually({&node, &peer}, [&] { return peer.count<ConnectionUp>() > 0; }));
}

TEST(Rebinds, WaitForAPortThatAnotherProcessHasTaken) {
    LoneTransport node(ring(false));
    Thief thief(node.transport.bound_control());
    node.transport.accept_keys(ring(true));
    node.transport.rebind();
    ASSERT_TRUE(thief.steal());
    for (int i = 0; i < 5; ++i) {
        node.turn();
    }
    // A key that changes once more meanwhile.
    node.transport.accept_keys(ring(false));
    node.transport.rebind();
    for (int i = 0; i < 5; ++i) {
        node.turn();
    }
    thief.let_go();
    expect_open(node, ring(false));
}

TEST(Rebinds, MayFollowEachOtherWithoutATurnBetween) {
    LoneTransport node(ring(false));
    for (int i = 1; i <= 5; ++i) {
        node.transport.accept_keys(ring(i % 2 == 1));
        node.transport.rebind();
    }
    expect_open(node, ring(true));
}

TEST(Rebinds, WaitForDescriptors) {
    LoneTransport node(ring(false));
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    // All descriptors below are open, so nothing new can be opened.
    const rlimit none{.rlim_cur = 8, .rlim_max = before.rlim_max};
    node.transport.accept_keys(ring(true));
    node.transport.rebind();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    bool has_ended = false;
    try {
        for (int i = 0; i < 20; ++i) {
            node.turn();
        }
    } catch (const std::exception&) {
        has_ended = true;
    }
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    ASSERT_FALSE(has_ended) << "the hub would end";
    expect_open(node, ring(true));
}

/// libzmq ends the former connections without a report, and a peer may be back before the watch reads the reports.
TEST(AWatchOfABoundSocket, KnowsWhoHasComeBackAfterARebind) {
    zmq::context_t context;
    constexpr int kEvents = ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED;
    MonitoredSocket bound(context, zmq::socket_t(context, zmq::socket_type::router), kEvents);
    bound.socket().set(zmq::sockopt::linger, 0);
    bound.socket().bind("tcp://127.0.0.1:*");
    const std::string endpoint = bound.socket().get(zmq::sockopt::last_endpoint);
    const std::string address = endpoint.substr(std::string("tcp://").size());
    InboundWatch watch(bound, parse_host_port(address).value().port,
                       {.connections = 10, .silent = 10, .waiting_bytes = 1000, .unfinished_bytes = 1000});
    const auto eventually_size = [&](std::size_t size) {
        const Instant until = steady_now() + 10s;
        while (watch.size() != size && steady_now() < until) {
            watch.events().touch();
            watch.collect();
        }
        return watch.size() == size;
    };
    std::optional<RawClient> first(address);
    std::optional<RawClient> second(address);
    ASSERT_TRUE(eventually_size(2));
    bound.socket().unbind(endpoint);
    bool is_bound = false;
    for (const Instant until = steady_now() + 10s; !is_bound && steady_now() < until;) {
        try {
            bound.socket().bind(endpoint);
            is_bound = true;
        } catch (const zmq::error_t& error) {
            ASSERT_EQ(error.num(), EADDRINUSE);
        }
    }
    ASSERT_TRUE(is_bound);
    const RawClient third(address);
    EXPECT_TRUE(eventually_size(1)) << watch.size();
}

}  // namespace
}  // namespace tulle::mesh::rebinds_test
