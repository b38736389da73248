#include "node/core/address_policy.hpp"

#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace tulle::node::address_policy_test {
namespace {

IpAddress ip(const std::string& text) {
    IpAddress address;
    address.is_v6 = text.find(':') != std::string::npos;
    EXPECT_EQ(inet_pton(address.is_v6 ? AF_INET6 : AF_INET, text.c_str(), address.bytes.data()), 1) << text;
    return address;
}

TEST(AddressPolicy, RefusesWhateverIsNotPublic) {
    const AddressPolicy policy;
    for (const char* text : {"0.0.0.0",
                             "0.1.2.3",
                             "10.0.0.1",
                             "10.255.255.255",
                             "100.64.0.1",
                             "100.127.255.255",
                             "127.0.0.1",
                             "127.1.2.3",
                             "169.254.169.254",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.0.0.8",
                             "192.0.2.1",
                             "192.88.99.1",
                             "192.168.1.1",
                             "198.18.0.1",
                             "198.19.255.255",
                             "198.51.100.7",
                             "203.0.113.9",
                             "224.0.0.1",
                             "239.255.255.250",
                             "240.0.0.1",
                             "255.255.255.255",
                             "::",
                             "::1",
                             "::7f00:1",
                             "::ffff:127.0.0.1",
                             "::ffff:7f00:1",
                             "::ffff:8.8.8.8",
                             "::ffff:0:127.0.0.1",
                             "64:ff9b::7f00:1",
                             "64:ff9b::808:808",
                             "64:ff9b:1::1",
                             "100::1",
                             "2001::1",
                             "2001:0:4136:e378::1",
                             "2001:db8::1",
                             "2002:7f00:1::",
                             "3fff::1",
                             "4000::1",
                             "fc00::1",
                             "fd12::1",
                             "fe80::1",
                             "fec0::1",
                             "ff02::1"}) {
        EXPECT_FALSE(policy.allows(ip(text))) << text;
    }
}

TEST(AddressPolicy, AllowsWhatIsPublic) {
    const AddressPolicy policy;
    for (const char* text :
         {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
          "128.0.0.1", "169.253.0.1", "172.15.255.255", "172.32.0.0", "192.0.1.1", "198.17.255.255", "198.20.0.0",
          "223.255.255.255", "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450:4001::1", "3ffe::1"}) {
        EXPECT_TRUE(policy.allows(ip(text))) << text;
    }
}

TEST(AddressPolicy, AllowsBesidesWhatTheConfigurationNames) {
    AddressPolicy policy;
    policy.allowed = {{ip("10.1.128.0"), 17}, {ip("192.168.7.9"), 32}, {ip("fd00::"), 8}};
    EXPECT_TRUE(policy.allows(ip("10.1.128.1")));
    EXPECT_TRUE(policy.allows(ip("10.1.255.255")));
    EXPECT_FALSE(policy.allows(ip("10.1.127.255")));
    EXPECT_TRUE(policy.allows(ip("192.168.7.9")));
    EXPECT_FALSE(policy.allows(ip("192.168.7.8")));
    EXPECT_TRUE(policy.allows(ip("fd12::1")));
    EXPECT_FALSE(policy.allows(ip("fe80::1")));
    EXPECT_FALSE(policy.allows(ip("::ffff:10.1.128.1"))) << "a mapped address is no way round, nor in";
    policy.allow_all = true;
    EXPECT_TRUE(policy.allows(ip("127.0.0.1")));
    EXPECT_TRUE(policy.allows(ip("::1")));
}

TEST(AddressPolicy, AnEmptyPrefixIsAllOfTheFamily) {
    const AddressRange everything{ip("0.0.0.0"), 0};
    EXPECT_TRUE(contains(everything, ip("127.0.0.1")));
    EXPECT_FALSE(contains(everything, ip("::1")));
}

}  // namespace
}  // namespace tulle::node::address_policy_test
