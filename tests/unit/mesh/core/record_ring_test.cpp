#include "mesh/core/records/record_ring.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::record_ring_test {
namespace {

constexpr Instant kStart{10s};

Record record(const std::string& channel, std::size_t bytes) {
    return {
        .n = {}, .channels = {channel}, .body = share(EventBody({}, std::string(bytes, 'x'))), .exclude_socket = {}};
}

TEST(RecordRing, NumbersFromOneWithoutHoles) {
    RecordRing ring{Limits{}};
    EXPECT_EQ(ring.last(), RecordNo{0});
    EXPECT_EQ(ring.append(kStart, record("a", 1))->n, RecordNo{1});
    EXPECT_EQ(ring.append(kStart, record("b", 1))->n, RecordNo{2});
    EXPECT_EQ(ring.first(), RecordNo{1});
    EXPECT_EQ(ring.at(RecordNo{2})->channels.front(), "b");
}

TEST(RecordRing, DropsTheOldestBodiesOverItsBytesButKnowsTheirChannels) {
    Limits limits;
    limits.ring_bytes = 1000;
    RecordRing ring{limits};
    for (int i = 0; i < 4; ++i) {
        ring.append(kStart, record("c" + std::to_string(i), 300));
    }
    EXPECT_EQ(ring.first(), RecordNo{1});
    EXPECT_EQ(ring.first_whole(), RecordNo{3});
    EXPECT_EQ(ring.at(RecordNo{1})->body, nullptr);
    EXPECT_EQ(ring.at(RecordNo{1})->channels.front(), "c0");
    EXPECT_LE(ring.bytes(), 1000u);
}

TEST(RecordRing, LeavesWhatOthersHoldAsItIs) {
    Limits limits;
    limits.ring_bytes = 1;
    RecordRing ring{limits};
    const RecordPtr held = ring.append(kStart, record("a", 10));
    ring.append(kStart, record("b", 10));
    EXPECT_EQ(ring.at(RecordNo{1})->body, nullptr);
    EXPECT_EQ(ring.at(RecordNo{1})->channels.front(), "a");
    ASSERT_NE(held->body, nullptr);
    EXPECT_EQ(held->body->size(), 10u);
}

TEST(RecordRing, ForgetsStubsBeyondTheirLimit) {
    Limits limits;
    limits.ring_bytes = 1;
    limits.ring_stubs = 2;
    RecordRing ring{limits};
    for (int i = 0; i < 6; ++i) {
        ring.append(kStart, record("c", 10));
    }
    EXPECT_EQ(ring.first(), RecordNo{4});
    EXPECT_EQ(ring.first_whole(), RecordNo{6});
}

TEST(RecordRing, ExpiresByAge) {
    RecordRing ring{Limits{}};
    ring.append(kStart, record("a", 1));
    ring.append(kStart + 10s, record("b", 1));
    EXPECT_EQ(ring.next_deadline(), kStart + 60s);
    ring.expire(kStart + 60s);
    EXPECT_EQ(ring.first_whole(), RecordNo{2});
    EXPECT_EQ(ring.next_deadline(), kStart + 70s);
}

}  // namespace
}  // namespace tulle::mesh::record_ring_test
