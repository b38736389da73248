#include "node/core/ip_address.hpp"

#include <cstdint>
#include <random>
#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "node/core/peer_address.hpp"
#include "node/core/trusted_proxies.hpp"

namespace tulle::node::ip_address_test {
namespace {

/// The address as the C library reads it; nothing when the library refuses the text.
std::optional<IpAddress> by_library(const std::string& text) {
    IpAddress address;
    address.is_v6 = text.find(':') != std::string::npos;
    const int family = address.is_v6 ? AF_INET6 : AF_INET;
    return inet_pton(family, text.c_str(), address.bytes.data()) == 1 ? std::optional(address) : std::nullopt;
}

std::string by_library(const IpAddress& address) {
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(address.is_v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);
    return text;
}

IpAddress ip(const std::string& text) {
    const std::optional<IpAddress> address = parse_ip(text);
    EXPECT_TRUE(address.has_value()) << text;
    return address.value_or(IpAddress{});
}

AddressRange range(const std::string& text) {
    const std::optional<AddressRange> parsed = parse_range(text);
    EXPECT_TRUE(parsed.has_value()) << text;
    return parsed.value_or(AddressRange{});
}

TEST(IpAddress, IsReadAsTheCLibraryReadsIt) {
    for (const char* text : {"0.0.0.0", "255.255.255.255", "203.0.113.7", "::", "::1", "1::", "2001:db8::1",
                             "1:2:3:4:5:6:7:8", "1::8", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "ABCD:ef01::",
                             "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "::1.2.3.4", "1::5:1.2.3.4"}) {
        EXPECT_EQ(parse_ip(text), by_library(std::string(text))) << text;
        EXPECT_TRUE(parse_ip(text).has_value()) << text;
    }
}

TEST(IpAddress, IsNothingForAnyOtherText) {
    for (const char* text : {"",
                             " ",
                             "1",
                             "1.2.3",
                             "1.2.3.4.5",
                             "1.2.3.",
                             ".1.2.3",
                             "1..2.3",
                             "01.2.3.4",
                             "1.2.3.04",
                             "256.1.1.1",
                             "1.2.3.-4",
                             "1.2.3.+4",
                             "1.2.3.4 ",
                             " 1.2.3.4",
                             "0x1.2.3.4",
                             "1.2.3.4/8",
                             "localhost",
                             ":",
                             ":::",
                             "1:",
                             ":1",
                             "1:2:3:4:5:6:7",
                             "1:2:3:4:5:6:7:8:9",
                             "1::2::3",
                             "1:::2",
                             "12345::",
                             "g::",
                             "fe80::1%eth0",
                             "[::1]",
                             "::1.2.3",
                             "::1.2.3.4.5",
                             "1.2.3.4::",
                             "1:2:3:4:5:6:7:1.2.3.4",
                             "::1.2.3.4:5",
                             "1:2:3:4:5:6:7:8::",
                             "::1:2:3:4:5:6:7:8",
                             "-1::",
                             "+1::",
                             "::ffff:1.2.3.4.",
                             "1:2:3:4:5:6:7:8 "}) {
        EXPECT_FALSE(parse_ip(text).has_value()) << text;
        EXPECT_FALSE(by_library(std::string(text)).has_value()) << text << ": the C library disagrees";
    }
    EXPECT_FALSE(parse_ip(std::string(100'000, ':')).has_value());
    EXPECT_FALSE(parse_ip(std::string_view("1.2.3.4\0", 8)).has_value());
}

TEST(IpAddress, IsWrittenInTheFormThatItIsReadFrom) {
    std::mt19937 random(1);
    for (int i = 0; i < 2'000; ++i) {
        IpAddress address;
        address.is_v6 = i % 4 != 0;
        for (std::size_t byte = 0; byte < (address.is_v6 ? 16U : 4U); ++byte) {
            // Many zeros, so that there are runs of them.
            address.bytes[byte] = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : 0);
        }
        EXPECT_EQ(parse_ip(to_string(address)), address) << to_string(address);
        EXPECT_EQ(by_library(to_string(address)), address) << to_string(address);
    }
    for (const char* text : {"::", "::1", "1::", "2001:db8::1", "1:0:0:2::3", "1::2:0:0:3:4", "1:0:2:3:4:5:6:7",
                             "203.0.113.7", "::ffff:102:304"}) {
        EXPECT_EQ(to_string(ip(text)), text);
    }
    EXPECT_EQ(to_string(ip("1:0:0:2:0:0:0:3")), by_library(ip("1:0:0:2:0:0:0:3")));
}

TEST(AddressRange, IsAnAddressWithTheNumberOfItsLeadingBits) {
    EXPECT_TRUE(contains(range("10.0.0.0/8"), ip("10.255.0.1")));
    EXPECT_FALSE(contains(range("10.0.0.0/8"), ip("11.0.0.0")));
    EXPECT_TRUE(contains(range("10.1.2.3/8"), ip("10.9.9.9"))) << "bits behind the length mean nothing";
    EXPECT_TRUE(contains(range("192.0.2.128/25"), ip("192.0.2.129")));
    EXPECT_FALSE(contains(range("192.0.2.128/25"), ip("192.0.2.127")));
    EXPECT_TRUE(contains(range("192.0.2.1"), ip("192.0.2.1")));
    EXPECT_FALSE(contains(range("192.0.2.1"), ip("192.0.2.2")));
    EXPECT_TRUE(contains(range("fd00::/8"), ip("fdff::1")));
    EXPECT_FALSE(contains(range("fd00::/8"), ip("fe00::1")));
    EXPECT_FALSE(contains(range("::/0"), ip("1.2.3.4")));
    EXPECT_EQ(range("::1").bits, 128U);
    for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/08x",
                             "10.0.0.0 /8", "10.0.0.0/ 8", "10.0.0.0/255.0.0.0", "::/129", "::/0128", "10/8", "all"}) {
        EXPECT_FALSE(parse_range(text).has_value()) << text;
    }
}

TEST(TrustedProxies, TakeIpv4InEitherForm) {
    const TrustedProxies proxies({range("10.0.0.0/8"), range("::ffff:192.168.0.0/112"), range("fd00::/8")});
    for (const char* text : {"10.1.2.3", "::ffff:10.1.2.3", "192.168.9.9", "::ffff:192.168.9.9", "fd12::1"}) {
        EXPECT_TRUE(proxies.holds(ip(text))) << text;
    }
    for (const char* text : {"11.0.0.1", "::ffff:11.0.0.1", "192.169.0.1", "fe80::1", "::10.1.2.3", "::1"}) {
        EXPECT_FALSE(proxies.holds(ip(text))) << text;
    }
    EXPECT_FALSE(TrustedProxies().holds(ip("127.0.0.1")));
    EXPECT_TRUE(TrustedProxies().empty());
}

TEST(PeerAddress, IsMadeOfEitherFamilyAndShown) {
    EXPECT_EQ(peer_of(ip("203.0.113.7")), peer_of_v4(0xcb007107));
    EXPECT_EQ(peer_of(ip("::ffff:203.0.113.7")), peer_of_v4(0xcb007107));
    EXPECT_EQ(peer_of(ip("2001:db8:0:1::1")), peer_of(ip("2001:db8:0:1:ffff::2")));
    EXPECT_EQ(to_string(peer_of(ip("203.0.113.7"))), "203.0.113.7");
    EXPECT_EQ(to_string(peer_of(ip("2001:db8:0:1:2:3:4:5"))), "2001:db8:0:1::/64");
}

}  // namespace
}  // namespace tulle::node::ip_address_test
