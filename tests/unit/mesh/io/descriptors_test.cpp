#include <fcntl.h>
#include <sys/resource.h>

#include <filesystem>
#include <iterator>
#include <vector>

#include "tests/unit/mesh/io/transport_fixture.hpp"

/// The mesh when the process has no descriptors left.
namespace tulle::mesh::descriptors_test {
namespace {

std::ptrdiff_t open_descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator{});
}

/// Takes every descriptor that the process may have, until it goes.
class AllTaken {
public:
    AllTaken() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit low = before_;
        low.rlim_cur = 256;
        ::setrlimit(RLIMIT_NOFILE, &low);
        int fd = -1;
        while ((fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
            taken_.push_back(fd);
        }
        EXPECT_EQ(errno, EMFILE);
    }
    ~AllTaken() {
        for (const int fd : taken_) {
            ::close(fd);
        }
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }
    AllTaken(const AllTaken&) = delete;
    AllTaken& operator=(const AllTaken&) = delete;

    /// So many are free again, for whoever comes first.
    void give_back(int count) {
        for (; count > 0; --count) {
            ::close(taken_.back());
            taken_.pop_back();
        }
    }

private:
    rlimit before_{};
    std::vector<int> taken_;
};

TEST(NoDescriptorsLeft, PutsALinkOffAndMakesItWhenThereAreSomeAgain) {
    LoneTransport node;
    LoneTransport peer;
    {
        const AllTaken all;
        node.transport.open_connection(ConnectionId{1}, peer.transport.bound_control());
        node.transport.check_endpoint(steady_now(), ConnectionId{1});
        node.transport.connect_data(peer.transport.bound_data());
        node.transport.send(ConnectionId{1}, some_knock());
        EXPECT_TRUE(eventually({&node, &peer}, [&] { return node.transport.counters().connections_put_off >= 3; }))
            << "it is tried again";
        EXPECT_EQ(node.transport.counters().control_unsent, 1U);
        EXPECT_TRUE(node.inputs.empty());
    }
    EXPECT_TRUE(eventually({&node, &peer}, [&] { return node.count<ConnectionUp>() == 1; }));
    node.transport.send(ConnectionId{1}, some_knock());
    EXPECT_TRUE(eventually({&node, &peer}, [&] { return peer.count<Control>() == 1; }));
}

TEST(NoDescriptorsLeft, SurvivesWhateverPartOfALinkFindsNone) {
    LoneTransport node;
    LoneTransport peer;
    std::uint32_t connection = 0;
    // The DEALER, the PAIR, libzmq's end of it, the connection, and what the other side accepts.
    for (int free = 0; free <= MonitoredSocket::kDescriptors + 3; ++free) {
        AllTaken all;
        all.give_back(free);
        node.transport.open_connection(ConnectionId{++connection}, peer.transport.bound_control());
        for (int turns = 0; turns < 4; ++turns) {
            node.turn();
            peer.turn();
        }
        node.transport.close_connection(ConnectionId{connection});
    }
    node.transport.open_connection(ConnectionId{++connection}, peer.transport.bound_control());
    const auto is_up = [&] {
        return std::any_of(node.inputs.begin(), node.inputs.end(), [&](const Input& input) {
            const auto* up = std::get_if<ConnectionUp>(&input);
            return up != nullptr && up->connection == ConnectionId{connection};
        });
    };
    EXPECT_TRUE(eventually({&node, &peer}, is_up));
}

TEST(NoDescriptorsLeft, LosesPeersAndFindsThemAgain) {
    LoneTransport node;
    auto peer = std::make_unique<LoneTransport>();
    const std::string control = peer->transport.bound_control();
    node.transport.open_connection(ConnectionId{1}, control);
    ASSERT_TRUE(eventually({&node, peer.get()}, [&] { return node.count<ConnectionUp>() == 1; }));
    std::unique_ptr<LoneTransport> joiner;
    {
        AllTaken all;
        peer.reset();  // its descriptors are free now …
        EXPECT_TRUE(eventually({&node}, [&] { return node.count<ConnectionDown>() == 1; }));
        node.transport.close_connection(ConnectionId{1});
        const AllTaken rest;  // … and taken
        for (std::uint32_t attempt = 2; attempt < 12; ++attempt) {
            node.transport.open_connection(ConnectionId{attempt}, control);
            node.transport.check_endpoint(steady_now(), ConnectionId{attempt});
            node.turn();
            node.transport.close_connection(ConnectionId{attempt});
        }
        EXPECT_EQ(node.count<ConnectionUp>(), 1U);
    }
    joiner = std::make_unique<LoneTransport>();
    node.transport.open_connection(ConnectionId{12}, joiner->transport.bound_control());
    EXPECT_TRUE(eventually({&node, joiner.get()}, [&] { return node.count<ConnectionUp>() == 2; }));
}

TEST(ManyConnections, AreGivenBackWhole) {
    LoneTransport node;
    LoneTransport peer;
    const std::ptrdiff_t before = open_descriptors();
    for (std::uint32_t round = 0; round < 3; ++round) {
        for (std::uint32_t i = 0; i < 50; ++i) {
            node.transport.open_connection(ConnectionId{100 * round + i}, peer.transport.bound_control());
        }
        node.turn();
        for (std::uint32_t i = 0; i < 50; ++i) {
            node.transport.close_connection(ConnectionId{100 * round + i});
        }
    }
    EXPECT_TRUE(eventually({&node, &peer}, [&] { return open_descriptors() == before; }))
        << open_descriptors() << " of " << before;
}

TEST(ManyConnections, AreBoundedAndMadeAsOthersAreClosed) {
    TransportLimits limits;
    limits.connections = 4;
    LoneTransport node(limits);
    LoneTransport peer;
    for (std::uint32_t i = 1; i <= 10; ++i) {
        node.transport.open_connection(ConnectionId{i}, peer.transport.bound_control());
        node.transport.connect_data("127.0.0.1:" + std::to_string(i));
    }
    ASSERT_TRUE(eventually({&node, &peer}, [&] { return node.count<ConnectionUp>() == 4; }));
    EXPECT_GE(node.transport.counters().connections_put_off, 12U);
    for (std::uint32_t i = 1; i <= 4; ++i) {
        node.transport.close_connection(ConnectionId{i});
    }
    EXPECT_TRUE(eventually({&node, &peer}, [&] { return node.count<ConnectionUp>() == 8; }));
}

TEST(LinksOfTheProcess, AreNoMoreThanHalfOfItsDescriptorsAllow) {
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit low = before;
    low.rlim_cur = 1024;
    ::setrlimit(RLIMIT_NOFILE, &low);
    EXPECT_EQ(TransportLimits::of_this_process().connections, 64U);
    EXPECT_EQ(TransportLimits::of_this_process().silent, 32U);
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_LE(TransportLimits::of_this_process().connections, kMaxMembers + 64);
}

}  // namespace
}  // namespace tulle::mesh::descriptors_test
