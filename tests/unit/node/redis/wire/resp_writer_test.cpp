#include "node/redis/wire/resp_writer.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace tulle::node::redis::resp_writer_test {
namespace {

using namespace std::string_literals;

template <typename Write>
std::string written(Resp version, Write write) {
    std::string out;
    RespWriter writer(out, version);
    write(writer);
    return out;
}

TEST(RespWriter, AppendsToWhatTheStringHolds) {
    std::string out = "+OK\r\n";
    RespWriter(out, Resp::k2).simple("PONG");
    EXPECT_EQ(out, "+OK\r\n+PONG\r\n");
}

TEST(RespWriter, AnErrorIsOneLineWhateverItsText) {
    const auto write = [](RespWriter& writer) { writer.error("ERR unknown command 'a\r\nb\n+OK'"); };
    EXPECT_EQ(written(Resp::k2, write), "-ERR unknown command 'a  b +OK'\r\n");
    EXPECT_EQ(written(Resp::k3, write), "-ERR unknown command 'a  b +OK'\r\n");
}

TEST(RespWriter, CountsErrorsForWhoWantsTheirNumber) {
    std::string out;
    std::uint64_t errors = 0;
    RespWriter writer(out, Resp::k2, &errors);
    writer.error("ERR a");
    writer.simple("-ERR no error");
    writer.error("ERR b");
    EXPECT_EQ(errors, 2u);
}

TEST(RespWriter, AStatusIsOneLineWhateverItsText) {
    EXPECT_EQ(written(Resp::k2, [](RespWriter& writer) { writer.simple("a\r\n:1"); }), "+a  :1\r\n");
}

TEST(RespWriter, WritesEveryInteger) {
    const auto integer = [](std::int64_t number) {
        return written(Resp::k3, [number](RespWriter& writer) { writer.integer(number); });
    };
    EXPECT_EQ(integer(0), ":0\r\n");
    EXPECT_EQ(integer(std::numeric_limits<std::int64_t>::min()), ":-9223372036854775808\r\n");
    EXPECT_EQ(integer(std::numeric_limits<std::int64_t>::max()), ":9223372036854775807\r\n");
}

TEST(RespWriter, ABulkStringHoldsAnyBytes) {
    EXPECT_EQ(written(Resp::k2, [](RespWriter& writer) { writer.bulk("a\r\n\0"s); }), "$4\r\na\r\n\0\r\n"s);
    EXPECT_EQ(written(Resp::k3, [](RespWriter& writer) { writer.bulk(""); }), "$0\r\n\r\n");
}

TEST(RespWriter, Resp2HasTwoNullsAndResp3HasOne) {
    const auto write = [](RespWriter& writer) {
        writer.null();
        writer.null_array();
    };
    EXPECT_EQ(written(Resp::k2, write), "$-1\r\n*-1\r\n");
    EXPECT_EQ(written(Resp::k3, write), "_\r\n_\r\n");
}

TEST(RespWriter, Resp2WritesArraysInPlaceOfMapsSetsAndPushes) {
    const auto write = [](RespWriter& writer) {
        writer.array(4);
        writer.map(7);
        writer.set(3);
        writer.push(2);
    };
    EXPECT_EQ(written(Resp::k2, write), "*4\r\n*14\r\n*3\r\n*2\r\n");
    EXPECT_EQ(written(Resp::k3, write), "*4\r\n%7\r\n~3\r\n>2\r\n");
}

TEST(RespWriter, TextForPeopleSaysItsFormatInResp3) {
    const auto write = [](RespWriter& writer) { writer.verbatim_text("a:1\r\n"); };
    EXPECT_EQ(written(Resp::k2, write), "$5\r\na:1\r\n\r\n");
    EXPECT_EQ(written(Resp::k3, write), "=9\r\ntxt:a:1\r\n\r\n");
}

}  // namespace
}  // namespace tulle::node::redis::resp_writer_test
