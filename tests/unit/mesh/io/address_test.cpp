#include "mesh/io/address.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::address_test {
namespace {

TEST(HostPortText, TakesNamesAndBothKindsOfAddress) {
    EXPECT_EQ(parse_host_port("n1.example:7001")->host, "n1.example");
    EXPECT_EQ(parse_host_port("127.0.0.1:0")->port, 0);
    EXPECT_EQ(parse_host_port("[::1]:65535")->host, "::1");
    EXPECT_EQ(to_text(HostPort{"::1", 7}), "[::1]:7");
}

TEST(HostPortText, RefusesWhatIsNotHostAndPort) {
    for (const char* text :
         {"", "host", ":1", "host:", "host:x", "host:65536", "host:-1", "::1:7001", "host:1x", "[]:1"}) {
        EXPECT_FALSE(parse_host_port(text)) << text;
    }
}

TEST(NumericAddressText, NeedsNoNameServer) {
    EXPECT_EQ(numeric({"127.0.0.1", 7001})->zmq_endpoint(), "tcp://127.0.0.1:7001");
    EXPECT_EQ(numeric({"::1", 7001})->zmq_endpoint(), "tcp://[::1]:7001");
    EXPECT_FALSE(numeric({"localhost", 7001}));
    EXPECT_TRUE(resolve({"localhost", 7001}));
}

}  // namespace
}  // namespace tulle::mesh::address_test
