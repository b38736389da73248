#include "node/core/address_limits.hpp"

#include <gtest/gtest.h>

#include "node/core/limits.hpp"

namespace tulle::node::address_limits_test {
namespace {

constexpr Instant kStart{1000s};
const PeerAddress kPublic = peer_of_v4(0x08080808);
const PeerAddress kOther = peer_of_v4(0x08080809);
const PeerAddress kLoopback = peer_of_v4(0x7f000001);

std::array<std::uint8_t, 16> v6(std::initializer_list<std::uint8_t> head, std::uint8_t last) {
    std::array<std::uint8_t, 16> bytes{};
    std::copy(head.begin(), head.end(), bytes.begin());
    bytes.back() = last;
    return bytes;
}

TEST(PeerAddress, IsAnIpv4AddressOrAnIpv6NetworkOf64Bits) {
    EXPECT_EQ(peer_of_v6(v6({0x20, 1, 0xd, 0xb8}, 1)), peer_of_v6(v6({0x20, 1, 0xd, 0xb8}, 2)));
    EXPECT_NE(peer_of_v6(v6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 1}, 1)), peer_of_v6(v6({0x20, 1, 0xd, 0xb8}, 1)));
    EXPECT_NE(kPublic, kOther);
    std::array<std::uint8_t, 16> mapped{};
    mapped[10] = mapped[11] = 0xff;
    mapped[12] = mapped[13] = mapped[14] = mapped[15] = 8;
    EXPECT_EQ(peer_of_v6(mapped), kPublic);
}

TEST(PeerAddress, KnowsWhereProxiesSit) {
    for (const std::uint32_t address : {0x7f000001U, 0x0a010203U, 0xac1fffffU, 0xc0a80001U, 0xa9fe0001U, 0x64400001U}) {
        EXPECT_TRUE(peer_of_v4(address).is_private()) << std::hex << address;
    }
    for (const std::uint32_t address : {0x08080808U, 0x0b000000U, 0xac200000U, 0xc0a90000U, 0x64800000U, 0x80000001U}) {
        EXPECT_FALSE(peer_of_v4(address).is_private()) << std::hex << address;
    }
    EXPECT_TRUE(peer_of_v6(v6({}, 1)).is_private());
    EXPECT_TRUE(peer_of_v6(v6({0xfd, 0x12}, 1)).is_private());
    EXPECT_TRUE(peer_of_v6(v6({0xfe, 0x80}, 1)).is_private());
    EXPECT_FALSE(peer_of_v6(v6({0x20, 1}, 1)).is_private());
    EXPECT_FALSE(peer_of_v6(v6({0xfe, 0xc0}, 1)).is_private());
}

TEST(AddressCounts, LetsInSoManyOfEachAddress) {
    AddressCounts counts(2);
    EXPECT_TRUE(counts.enter(kPublic));
    EXPECT_TRUE(counts.enter(kPublic));
    EXPECT_FALSE(counts.enter(kPublic));
    EXPECT_TRUE(counts.enter(kOther));
    counts.leave(kPublic);
    EXPECT_TRUE(counts.enter(kPublic)) << "one that was refused has not been counted";
    EXPECT_FALSE(counts.enter(kPublic));
    EXPECT_TRUE(AddressCounts(0).enter(kPublic)) << "0 is no limit";
}

class AuthThrottleTest : public ::testing::Test {
protected:
    void fail(const PeerAddress& address, int times, Instant now) {
        for (int i = 0; i < times; ++i) {
            throttle.on_failure(address, now);
        }
    }

    AuthThrottle throttle{{3, false}};
};

TEST_F(AuthThrottleTest, ShutsAnAddressOutForTheRestOfItsMinute) {
    fail(kPublic, 2, kStart);
    EXPECT_EQ(throttle.shut_for(kPublic, kStart), Duration{});
    fail(kPublic, 1, kStart + 20s);
    EXPECT_EQ(throttle.shut_for(kPublic, kStart + 20s), 40s);
    EXPECT_EQ(throttle.shut_for(kOther, kStart + 20s), Duration{});
    EXPECT_EQ(throttle.shut_for(kPublic, kStart + 60s), Duration{});
    fail(kPublic, 1, kStart + 61s);
    EXPECT_EQ(throttle.shut_for(kPublic, kStart + 61s), Duration{}) << "it begins anew";
}

TEST_F(AuthThrottleTest, LetsProxiesBeUnlessToldOtherwise) {
    fail(kLoopback, 100, kStart);
    EXPECT_EQ(throttle.shut_for(kLoopback, kStart), Duration{});
    throttle = AuthThrottle({3, true});
    fail(kLoopback, 3, kStart);
    EXPECT_EQ(throttle.shut_for(kLoopback, kStart), 60s);
    throttle = AuthThrottle({0, true});
    fail(kLoopback, 100, kStart);
    EXPECT_EQ(throttle.shut_for(kLoopback, kStart), Duration{}) << "0 is no limit";
}

TEST_F(AuthThrottleTest, ForgetsTheAddressThatFailedLongestAgoWhenThereAreTooMany) {
    fail(kPublic, 3, kStart);
    fail(kOther, 3, kStart);
    for (std::uint32_t i = 0; i + 1 < kMaxFailingAddresses; ++i) {
        fail(kOther, 1, kStart);
        throttle.on_failure(peer_of_v4(0x09000000U + i), kStart);
    }
    EXPECT_EQ(throttle.shut_for(kPublic, kStart), Duration{});
    EXPECT_EQ(throttle.shut_for(kOther, kStart), 60s);
}

}  // namespace
}  // namespace tulle::node::address_limits_test
