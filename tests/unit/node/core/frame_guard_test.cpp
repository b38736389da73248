#include "node/core/frame_guard.hpp"

#include <string>

#include <gtest/gtest.h>

#include "node/core/limits.hpp"

namespace tulle::node {
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

}  // namespace
}  // namespace tulle::node
