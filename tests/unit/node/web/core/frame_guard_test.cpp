#include "node/web/core/frame_guard.hpp"

#include <string>

#include <gtest/gtest.h>

#include "node/web/core/limits.hpp"

namespace tulle::node::frame_guard_test {
namespace {

using Verdict = FrameGuard::Verdict;

constexpr Instant kStart{1000s};

/// A masked frame of a client, in the shortest form.
std::string frame(unsigned first, std::size_t payload) {
    std::string bytes(1, static_cast<char>(first));
    if (payload < 126) {
        bytes.push_back(static_cast<char>(0x80 | payload));
    } else {
        bytes.push_back(static_cast<char>(0x80 | 126));
        bytes.push_back(static_cast<char>(payload >> 8));
        bytes.push_back(static_cast<char>(payload & 0xff));
    }
    return bytes + "mask" + std::string(payload, '\x09');
}

TEST(FrameGuard, LetsWholeMessagesPassForEver) {
    FrameGuard guard;
    for (std::size_t i = 0; i < 10'000; ++i) {
        ASSERT_EQ(guard.on_bytes(kStart, frame(0x81, i % 300)), Verdict::kFine) << i;
    }
}

TEST(FrameGuard, BoundsTheFragmentsOfAMessage) {
    FrameGuard guard;
    for (int message = 0; message < 3; ++message) {
        EXPECT_EQ(guard.on_bytes(kStart, frame(0x01, 1)), Verdict::kFine);
        for (std::size_t i = 1; i < kMaxFragments; ++i) {
            ASSERT_EQ(guard.on_bytes(kStart, frame(0x00, i % 2)), Verdict::kFine) << i;
        }
        EXPECT_EQ(guard.on_bytes(kStart, frame(0x80, 1)), Verdict::kFine);
    }
    std::string fragments;
    for (std::size_t i = 0; i <= kMaxFragments; ++i) {
        fragments += frame(0x00, 0);
    }
    EXPECT_EQ(guard.on_bytes(kStart, fragments), Verdict::kTooManyFragments);
}

TEST(FrameGuard, BoundsControlFramesInASecond) {
    FrameGuard guard;
    for (int second = 0; second < 3; ++second) {
        for (std::size_t i = 0; i < kMaxControlFrames; ++i) {
            ASSERT_EQ(guard.on_bytes(kStart + second * 1s, frame(0x89, 5)), Verdict::kFine);
        }
    }
    EXPECT_EQ(guard.on_bytes(kStart + 2s, frame(0x8a, 0)), Verdict::kTooManyControlFrames);
}

TEST(FrameGuard, ReadsFramesInAnyPieces) {
    FrameGuard guard;
    const std::string bytes = frame(0x01, 200) + frame(0x00, 3) + frame(0x80, 0);
    for (const char byte : bytes) {
        ASSERT_EQ(guard.on_bytes(kStart, {&byte, 1}), Verdict::kFine);
    }
    std::string flood;
    for (std::size_t i = 0; i <= kMaxControlFrames; ++i) {
        flood += frame(0x89, 125);
    }
    Verdict verdict = Verdict::kFine;
    for (std::size_t at = 0; at < flood.size() && verdict == Verdict::kFine; at += 7) {
        verdict = guard.on_bytes(kStart, std::string_view(flood).substr(at, 7));
    }
    EXPECT_EQ(verdict, Verdict::kTooManyControlFrames);
}

/// A header alone, which announces `payload` bytes in eight.
std::string announcement(unsigned first, std::uint64_t payload) {
    std::string bytes(1, static_cast<char>(first));
    bytes.push_back(static_cast<char>(0xff));
    for (int shift = 56; shift >= 0; shift -= 8) {
        bytes.push_back(static_cast<char>((payload >> shift) & 0xff));
    }
    return bytes.append("mask");
}

TEST(FrameGuard, BoundsWhatTheFramesOfACompressedMessageAnnounce) {
    for (const std::uint64_t size : {1001ull, 1ull << 40, 1ull << 63, ~0ull}) {
        FrameGuard guard;
        guard.limit_deflated(1000);
        EXPECT_EQ(guard.on_bytes(kStart, announcement(0xc1, size)), Verdict::kTooLarge) << size;
    }
    FrameGuard guard;
    guard.limit_deflated(1000);
    EXPECT_EQ(guard.on_bytes(kStart, frame(0xc1, 1000)), Verdict::kFine);
    EXPECT_EQ(guard.on_bytes(kStart, frame(0x41, 900)), Verdict::kFine);
    // a ping between fragments is no part of the message
    EXPECT_EQ(guard.on_bytes(kStart, frame(0x89, 100)), Verdict::kFine);
    EXPECT_EQ(guard.on_bytes(kStart, frame(0x80, 100)), Verdict::kFine);
    EXPECT_EQ(guard.on_bytes(kStart, frame(0x41, 900)), Verdict::kFine);
    EXPECT_EQ(guard.on_bytes(kStart, frame(0x00, 0)), Verdict::kFine);
    EXPECT_EQ(guard.on_bytes(kStart, announcement(0x80, ~0ull - 900)), Verdict::kTooLarge);
}

TEST(FrameGuard, HoldsALimitThatWasLoweredWithinAMessage) {
    FrameGuard guard;
    guard.limit_deflated(1000);
    EXPECT_EQ(guard.on_bytes(kStart, frame(0x41, 900)), Verdict::kFine);
    guard.limit_deflated(500);
    EXPECT_EQ(guard.on_bytes(kStart, frame(0x80, 1)), Verdict::kTooLarge);
}

TEST(FrameGuard, LeavesTheBytesOfAPlainMessageToTheStream) {
    FrameGuard guard;
    guard.limit_deflated(10);
    EXPECT_EQ(guard.on_bytes(kStart, frame(0x81, 1000)), Verdict::kFine);
    EXPECT_EQ(guard.on_bytes(kStart, frame(0x01, 1000) + frame(0x80, 1000)), Verdict::kFine);
}

/// A masked Close frame with this code, and two bytes more.
std::string close_frame(unsigned code) {
    const std::string mask = "\x5a\xc3\x99\x01";
    std::string bytes = "\x88\x84" + mask;
    bytes.push_back(static_cast<char>((code >> 8) ^ static_cast<unsigned char>(mask[0])));
    bytes.push_back(static_cast<char>((code & 0xff) ^ static_cast<unsigned char>(mask[1])));
    return bytes + "ok";
}

TEST(FrameGuard, KnowsTheCodeThatTheStreamDoesNotKnow) {
    for (const std::size_t piece : {1u, 3u, 100u}) {
        FrameGuard guard;
        ASSERT_EQ(guard.on_bytes(kStart, frame(0x81, 7) + frame(0x89, 2)), Verdict::kFine);
        EXPECT_FALSE(guard.closed_by_gateway());
        const std::string bytes = close_frame(1014);
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            ASSERT_EQ(guard.on_bytes(kStart, std::string_view(bytes).substr(at, piece)), Verdict::kFine);
        }
        EXPECT_TRUE(guard.closed_by_gateway());
    }
    for (const unsigned code : {1000u, 1013u, 1015u, 4000u}) {
        FrameGuard guard;
        ASSERT_EQ(guard.on_bytes(kStart, close_frame(code) + close_frame(1014)), Verdict::kFine);
        EXPECT_FALSE(guard.closed_by_gateway()) << code;
        EXPECT_EQ(guard.close_code(), code);
    }
    FrameGuard guard;
    EXPECT_EQ(guard.close_code(), 0u);
    ASSERT_EQ(guard.on_bytes(kStart, frame(0x88, 0) + frame(0x89, 2)), Verdict::kFine);
    EXPECT_FALSE(guard.closed_by_gateway());
    EXPECT_EQ(guard.close_code(), kNoCloseCode);
}

}  // namespace
}  // namespace tulle::node::frame_guard_test
