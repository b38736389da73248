#include <string>

#include <gtest/gtest.h>

#include "tools/load/stamp.hpp"
#include "tools/load/text.hpp"

namespace tulle::load::stamp_test {
namespace {

TEST(LoadStamp, IsReadAsItWasWritten) {
    for (const std::uint32_t number : {0U, 9U, 10U, 0x1234abcdU, 0xffffffffU}) {
        for (const std::uint32_t stream : {0U, 1U, 0xabcdeU, kMaxStreams - 1}) {
            std::string text = blank_text(64);
            const Instant intended(Duration(0x0123456789abcdef));
            write_stamp(text.data(), text.size(), {.run_and_stream = run_and_stream(255, stream), .number = number},
                        intended);
            const Stamp stamp = read_stamp(text.data());
            EXPECT_EQ(stamp.run_and_stream >> kStreamBits, 255U);
            EXPECT_EQ(stamp.run_and_stream & (kMaxStreams - 1), stream);
            EXPECT_EQ(stamp.number, number);
            EXPECT_EQ(read_intended_time(text.data()), intended);
            EXPECT_EQ(text.size(), 64U);
            EXPECT_EQ(text_length(text + "\"}"), 64U);
        }
    }
}

TEST(LoadStamp, LeavesTheTimeOutWhereThereIsNoRoom) {
    std::string text = blank_text(31);
    write_stamp(text.data(), text.size(), {.run_and_stream = run_and_stream(1, 2), .number = 3}, Instant(Duration(4)));
    EXPECT_EQ(text, "~010000200000003" + std::string(15, kFiller));
}

}  // namespace
}  // namespace tulle::load::stamp_test
