#include "node/web/core/ws_frame.hpp"

#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace tulle::node::ws_frame_test {
namespace {

using std::string_view_literals::operator""sv;

TEST(CloseCodeTest, IsReadFromACloseFrameOfTheServerAlone) {
    EXPECT_EQ(close_code("\x88\x02\x03\xe8"sv), 1000);
    EXPECT_EQ(close_code("\x88\x07\x10\x68later"sv), 4200);
    EXPECT_EQ(close_code("\x88\x00"sv), 1005) << "a frame without a code";
    for (const std::string_view other : {""sv, "\x88"sv, "\x88\x02"sv, "\x88\x02\x03"sv, "\x89\x02\x03\xe8"sv,
                                         "\x81\x02\x03\xe8"sv, "HTTP/1.1 101 Switching Protocols\r\n"sv}) {
        EXPECT_EQ(close_code(other), std::nullopt) << other;
    }
}

}  // namespace
}  // namespace tulle::node::ws_frame_test
