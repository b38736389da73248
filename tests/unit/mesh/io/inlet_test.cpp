#include <gtest/gtest.h>
#include <poll.h>

#include <string_view>

#include "mesh/io/zmq_sockets.hpp"

namespace tulle::mesh::inlet_test {
namespace {

class InletTest : public testing::Test {
protected:
    InletTest() {
        here_.bind("inproc://inlet");
        there_.connect("inproc://inlet");
    }

    void say() { ASSERT_TRUE(there_.send(zmq::str_buffer("word"), zmq::send_flags::dontwait)); }

    /// Receives until there is nothing more.
    int drain(Inlet& inlet) {
        zmq::message_t part;
        int count = 0;
        while (inlet.receive(part)) {
            ++count;
        }
        return count;
    }

    static bool is_readable(const Inlet& inlet) {
        pollfd polled{inlet.descriptor(), POLLIN, 0};
        return ::poll(&polled, 1, 0) == 1;
    }

    zmq::context_t context_;
    zmq::socket_t here_{context_, zmq::socket_type::pair};
    zmq::socket_t there_{context_, zmq::socket_type::pair};
};

TEST_F(InletTest, HearsOfEachMessageByItsDescriptorOnceItHasFoundNothing) {
    Inlet inlet(here_);
    EXPECT_EQ(drain(inlet), 0);
    EXPECT_FALSE(inlet.is_due());
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(is_readable(inlet));
        say();
        EXPECT_TRUE(is_readable(inlet));
        inlet.touch();
        EXPECT_EQ(drain(inlet), 1);
    }
}

TEST_F(InletTest, FindsWhatAnotherUseOfTheSocketHasTakenNoticeOf) {
    Inlet inlet(here_);
    EXPECT_EQ(drain(inlet), 0);
    say();
    static_cast<void>(here_.get(zmq::sockopt::events));  // as a send does on its way
    EXPECT_FALSE(is_readable(inlet));
    inlet.touch();
    EXPECT_TRUE(inlet.look());
    EXPECT_EQ(drain(inlet), 1);
    EXPECT_FALSE(inlet.look());
}

TEST_F(InletTest, StaysDueWhileItIsNotDrained) {
    Inlet inlet(here_);
    say();
    say();
    zmq::message_t part;
    EXPECT_TRUE(inlet.receive(part));
    EXPECT_EQ(part.to_string_view(), "word");
    EXPECT_TRUE(inlet.look());
    EXPECT_EQ(drain(inlet), 1);
}

}  // namespace
}  // namespace tulle::mesh::inlet_test
