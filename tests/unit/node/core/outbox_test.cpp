#include "node/core/outbox.hpp"

#include <string>

#include <gtest/gtest.h>

#include "node/core/limits.hpp"
#include "node/web/core/ws_frame.hpp"

namespace tulle::node::outbox_test {
namespace {

constexpr Instant kStart{100s};

class OutboxTest : public ::testing::Test {
protected:
    std::vector<std::string> gather() {
        std::vector<std::string_view> parts;
        outbox.gather(16, parts);
        return {parts.begin(), parts.end()};
    }

    static std::vector<Outbox> outboxes(std::size_t count, const OutboxLimits& all) {
        std::vector<Outbox> made;
        for (std::size_t i = 0; i < count; ++i) {
            made.emplace_back(all);
        }
        return made;
    }

    SlabRange frame(std::string_view text) { return arena.append({TextFrameHeader(text.size()).view(), text}); }

    SlabArena arena;
    OutboxLimits limits{1000, 10s};
    Outbox outbox{limits};
};

TEST_F(OutboxTest, MergesAdjacentRangesIntoOnePart) {
    EXPECT_EQ(outbox.push(arena.append({"one", "two"})), Room::kQueued);
    EXPECT_EQ(outbox.push(arena.append({"three"})), Room::kQueued);
    EXPECT_EQ(gather(), std::vector<std::string>{"onetwothree"});
}

TEST_F(OutboxTest, KeepsRangesApartThatHaveAnothersBetweenThem) {
    (void)outbox.push(arena.append({"one"}));
    const SlabRange others = arena.append({"for another client"});
    (void)outbox.push(arena.append({"two"}));
    EXPECT_EQ(gather(), (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(others.size, 18u);
}

TEST_F(OutboxTest, GoesOnWhereThePeerStoppedTaking) {
    (void)outbox.push(arena.append({"one"}));
    (void)arena.append({"-"});
    (void)outbox.push(arena.append({"two"}));
    outbox.on_sent(2);
    EXPECT_EQ(gather(), (std::vector<std::string>{"e", "two"}));
    outbox.on_sent(2);
    EXPECT_EQ(gather(), (std::vector<std::string>{"wo"}));
    EXPECT_EQ(outbox.bytes(), 2u);
    outbox.on_sent(2);
    EXPECT_TRUE(outbox.empty());
    EXPECT_EQ(gather(), std::vector<std::string>{});
}

TEST_F(OutboxTest, RefusesWhatPassesItsBoundAndStaysAsItWas) {
    (void)outbox.push(arena.append({std::string(990, 'a')}));
    EXPECT_EQ(outbox.push(arena.append({std::string(11, 'b')})), Room::kFull);
    EXPECT_EQ(outbox.bytes(), 990u);
    outbox.push_last(arena.append({std::string(11, 'c')}));
    EXPECT_EQ(outbox.bytes(), 1001u);
}

TEST_F(OutboxTest, HasADeadlineWhileThePeerTakesNothing) {
    EXPECT_EQ(outbox.deadline(), std::nullopt);
    (void)outbox.push(arena.append({"one"}));
    EXPECT_EQ(outbox.deadline(), std::nullopt);
    outbox.on_blocked(kStart);
    EXPECT_EQ(outbox.deadline(), kStart + 10s);
    outbox.on_sent(1);
    outbox.on_blocked(kStart + 5s);
    EXPECT_EQ(outbox.deadline(), kStart + 10s) << "a trickle does not extend it";
    outbox.on_sent(2);
    EXPECT_EQ(outbox.deadline(), std::nullopt);
}

TEST_F(OutboxTest, ExtendsTheDeadlineOnceAllThatWaitedHasBeenTaken) {
    (void)outbox.push(arena.append({"one"}));
    outbox.on_blocked(kStart);
    (void)outbox.push(arena.append({"two"}));
    outbox.on_sent(3);
    outbox.on_blocked(kStart + 8s);
    EXPECT_EQ(outbox.deadline(), kStart + 18s);
}

TEST_F(OutboxTest, KeepsOnlyTheFrameThatThePeerHasGotAPartOf) {
    (void)outbox.push(frame("first"));
    (void)outbox.push(frame("second"));
    (void)outbox.push(frame("third"));
    outbox.on_sent(7 + 3);
    outbox.keep_started_frame_only(frame_size);
    EXPECT_EQ(gather(), std::vector<std::string>{"econd"});
    outbox.push_last(frame("last"));
    EXPECT_EQ(outbox.bytes(), 5u + 6u);
}

TEST_F(OutboxTest, KeepsNothingBetweenTwoFrames) {
    (void)outbox.push(frame("first"));
    (void)outbox.push(frame("second"));
    outbox.on_sent(7);
    outbox.keep_started_frame_only(frame_size);
    EXPECT_TRUE(outbox.empty());
}

TEST(SlabArena, GivesALargeFrameASlabOfItsOwnAndGoesOnInTheOld) {
    SlabArena arena;
    const SlabRange small = arena.append({"a"});
    const std::string large(kSlabBytes + 1, 'x');
    const SlabRange range = arena.append({large});
    EXPECT_EQ(range.view(), large);
    const SlabRange next = arena.append({"b"});
    EXPECT_EQ(next.slab, small.slab);
    EXPECT_EQ(next.offset, 1u);
}

TEST(SlabArena, UsesASlabAgainThatNobodyRefersTo) {
    SlabArena arena;
    const char* first = nullptr;
    {
        const SlabRange range = arena.append({std::string(kSlabBytes, 'a')});
        first = range.view().data();
    }
    const SlabRange second = arena.append({std::string(kSlabBytes, 'b')});
    const SlabRange third = arena.append({std::string(kSlabBytes, 'c')});
    EXPECT_NE(second.view().data(), first);
    EXPECT_EQ(third.view().data(), first);
    EXPECT_EQ(second.view(), std::string(kSlabBytes, 'b'));
}

TEST(TextFrameHeader, UsesTheShortestLength) {
    EXPECT_EQ(TextFrameHeader(0).view(), std::string_view("\x81\x00", 2));
    EXPECT_EQ(TextFrameHeader(125).view(), "\x81\x7d");
    EXPECT_EQ(TextFrameHeader(126).view(), std::string_view("\x81\x7e\x00\x7e", 4));
    EXPECT_EQ(TextFrameHeader(65535).view(), "\x81\x7e\xff\xff");
    EXPECT_EQ(TextFrameHeader(65536).view(), std::string_view("\x81\x7f\0\0\0\0\0\x01\0\0", 10));
}

TEST(FrameSize, ReadsWhatTheHeaderSays) {
    for (const std::size_t size : {0u, 125u, 126u, 65535u, 65536u, 1u << 20}) {
        const TextFrameHeader header(size);
        EXPECT_EQ(frame_size(header.view()), header.view().size() + size);
    }
    EXPECT_EQ(frame_size("\x81"), 0u);
    EXPECT_EQ(frame_size("\x81\x7e\x01"), 0u);
}

/// A client that does not read, and gets one small piece of each slab. The slabs are others' otherwise.
TEST_F(OutboxTest, SmallPiecesDoNotKeepLargeSlabsInPlace) {
    OutboxLimits wide{1u << 20, 10s};
    Outbox slow(wide);
    const std::string others(kSlabBytes - 200, 'o');
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        const std::string mine = "frame " + std::to_string(i) + ";";
        ASSERT_EQ(slow.push(arena.append({mine})), Room::kQueued);
        expected += mine;
        (void)arena.append({others});
    }
    EXPECT_LE(slow.pinned(), kMaxPinFactor * slow.bytes() + (kRecentPieces + 3) * kSlabBytes);
    std::vector<std::string_view> parts;
    slow.gather(2000, parts);
    std::string all;
    for (const std::string_view part : parts) {
        all += part;
    }
    EXPECT_EQ(all, expected);
}

TEST_F(OutboxTest, WhatManyWaitForIsNotCopied) {
    OutboxLimits wide{1u << 20, 10s};
    std::vector<Outbox> crowd = outboxes(1000, wide);
    const std::string others(kSlabBytes - 200, 'o');
    for (int i = 0; i < 40; ++i) {
        const SlabRange frame = arena.append({std::string(100, 'x')});
        for (Outbox& one : crowd) {
            ASSERT_EQ(one.push(frame), Room::kQueued);
        }
        (void)arena.append({others});
    }
    std::size_t pinned = 0;
    for (const Outbox& one : crowd) {
        pinned += one.pinned();
    }
    EXPECT_LE(pinned, 41 * kSlabBytes);
}

TEST_F(OutboxTest, ASlabThatOthersHaveLeftIsLetGoOfLater) {
    OutboxLimits wide{1u << 20, 10s};
    Outbox slow(wide);
    std::vector<Outbox> crowd = outboxes(1000, wide);
    const std::string others(kSlabBytes - 200, 'o');
    const auto turn = [&](bool with_crowd) {
        const SlabRange frame = arena.append({std::string(100, 'x')});
        (void)slow.push(frame);
        for (std::size_t i = 0; with_crowd && i < crowd.size(); ++i) {
            (void)crowd[i].push(frame);
        }
        (void)arena.append({others});
    };
    for (int i = 0; i < 100; ++i) {
        turn(true);
    }
    for (Outbox& one : crowd) {
        one.clear();
    }
    EXPECT_GE(slow.pinned(), 90 * kSlabBytes);
    for (int i = 0; i < 300; ++i) {
        turn(false);
    }
    EXPECT_LE(slow.pinned(), kMaxPinFactor * slow.bytes() + (kRecentPieces + 3) * kSlabBytes);
}

TEST_F(OutboxTest, TheRestOfAStartedFrameKeepsNoSlab) {
    (void)outbox.push(frame("started"));
    (void)arena.append({std::string(kSlabBytes - 100, 'o')});
    (void)outbox.push(frame("dropped"));
    outbox.on_sent(3);
    outbox.keep_started_frame_only(frame_size);
    EXPECT_EQ(gather(), std::vector<std::string>{"tarted"});
    EXPECT_LE(outbox.pinned(), kCopySlabBytes);
}

}  // namespace
}  // namespace tulle::node::outbox_test
