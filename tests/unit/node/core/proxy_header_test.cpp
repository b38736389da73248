#include "node/core/proxy_header.hpp"

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "node/core/limits.hpp"

namespace tulle::node::proxy_header_test {
namespace {

using State = ProxyHeaderReader::State;

constexpr std::string_view kBehind = "GET / HTTP/1.1\r\nHost: PROXY\r\n\r\n";

/// A block of version 2.
std::string block(int command, int family, const std::string& rest) {
    std::string bytes("\r\n\r\n\0\r\nQUIT\n", 12);
    bytes.push_back(static_cast<char>(command));
    bytes.push_back(static_cast<char>(family));
    bytes.push_back(static_cast<char>(rest.size() >> 8));
    bytes.push_back(static_cast<char>(rest.size() & 0xff));
    return bytes + rest;
}

std::string field(int type, const std::string& value) {
    std::string bytes(1, static_cast<char>(type));
    bytes.push_back(static_cast<char>(value.size() >> 8));
    bytes.push_back(static_cast<char>(value.size() & 0xff));
    return bytes + value;
}

// 203.0.113.7:51234 to 10.0.0.1:6001, and 2001:db8::7 to 2001:db8::1.
const std::string kV4("\xcb\x00\x71\x07\x0a\x00\x00\x01\xc8\x22\x17\x71", 12);
const std::string kV6 = std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7", 16) +
                        std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16) +
                        std::string("\xc8\x22\x17\x71", 4);

struct Outcome {
    State state;
    std::size_t taken;
    std::optional<IpAddress> client;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Feeds the header and the bytes behind in pieces of `size`; whatever a piece leaves over comes again with the next.
Outcome feed(const std::string& header, std::size_t size) {
    const std::string all = header + std::string(kBehind);
    ProxyHeaderReader reader;
    std::size_t taken = 0;
    for (std::size_t come = size; reader.state() == State::kMore && taken < all.size(); come += size) {
        taken += reader.take(std::string_view(all).substr(taken, std::max(come, taken + 1) - taken));
    }
    return {reader.state(), taken, reader.state() == State::kDone ? reader.client() : std::nullopt};
}

void expect_done(const std::string& header, const std::string& client) {
    const Outcome expected{State::kDone, header.size(), client.empty() ? std::nullopt : parse_ip(client)};
    for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{16}, std::size_t{100'000}}) {
        EXPECT_EQ(feed(header, size), expected) << ::testing::PrintToString(header) << " in pieces of " << size;
    }
}

void expect_bad(const std::string& header) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
        EXPECT_EQ(feed(header, size).state, State::kBad)
            << ::testing::PrintToString(header.substr(0, 200)) << " in pieces of " << size;
    }
}

TEST(ProxyHeader, OfVersion1NamesTheClientInALine) {
    expect_done("PROXY TCP4 203.0.113.7 10.0.0.1 51234 6001\r\n", "203.0.113.7");
    expect_done("PROXY TCP4 203.0.113.7 10.0.0.1 0 65535\r\n", "203.0.113.7");
    expect_done("PROXY TCP6 2001:db8::7 ::1 51234 6001\r\n", "2001:db8::7");
    expect_done("PROXY TCP6 ::ffff:203.0.113.7 ::ffff:10.0.0.1 51234 6001\r\n", "::ffff:203.0.113.7");
    expect_done("PROXY UNKNOWN\r\n", "");
    expect_done("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "");
    expect_done("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n", "");
}

TEST(ProxyHeader, OfVersion1IsNoLongerThanTheProtocolAllows) {
    expect_bad("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n");
    expect_bad("PROXY UNKNOWN " + std::string(1'000'000, 'x') + "\r\n");
    ProxyHeaderReader reader;
    const std::string endless = "PROXY TCP4 " + std::string(1'000'000, '1');
    EXPECT_EQ(reader.take(endless), kMaxProxyLineBytes);
    EXPECT_EQ(reader.state(), State::kBad);
}

TEST(ProxyHeader, OfVersion1IsRefusedForAnyOtherText) {
    for (const char* line : {"GET / HTTP/1.1\r\n",
                             "PROXY\r\n",
                             "PROXY \r\n",
                             "PROXY\n",
                             "PROXY TCP4\r\n",
                             "proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
                             "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
                             "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
                             "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
                             "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n",
                             "PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n",
                             "PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
                             "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
                             "PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n",
                             "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
                             "PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n",
                             "PROXY TCP4 ::1 ::1 1 2\r\n",
                             "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n",
                             "PROXY TCP6 ::1 5.6.7.8 1 2\r\n",
                             "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
                             "PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n",
                             "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r\n",
                             "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
                             "PROXY UNKNOWNx\r\n"}) {
        expect_bad(line);
    }
    ProxyHeaderReader reader;
    EXPECT_TRUE(reader.is_untouched());
    static_cast<void>(reader.take("G"));
    EXPECT_EQ(reader.state(), State::kBad) << "no byte more is waited for";
}

TEST(ProxyHeader, OfVersion2NamesTheClientInABlock) {
    expect_done(block(0x21, 0x11, kV4), "203.0.113.7");
    expect_done(block(0x21, 0x21, kV6), "2001:db8::7");
    expect_done(block(0x21, 0x11, kV4 + field(0x02, "ws.example.org") + field(0x04, "") + field(0x20, "xyz")),
                "203.0.113.7");
    expect_done(block(0x21, 0x21, kV6 + field(0xff, std::string(3'000, 'x'))), "2001:db8::7");
}

TEST(ProxyHeader, OfVersion2NamesNobodyForChecksAndOtherProtocols) {
    expect_done(block(0x20, 0x00, ""), "");  // HAProxy's check-send-proxy
    expect_done(block(0x20, 0x11, kV4), "");
    expect_done(block(0x20, 0x99, "whatever"), "");
    expect_done(block(0x21, 0x00, ""), "");
    expect_done(block(0x21, 0x00, "whatever this is"), "");
    expect_done(block(0x21, 0x12, kV4), "");
    expect_done(block(0x21, 0x22, kV6), "");
    expect_done(block(0x21, 0x31, std::string(216, 'p')), "");
    expect_done(block(0x21, 0x32, std::string(216, 'p') + field(0x02, "a")), "");
}

TEST(ProxyHeader, OfVersion2IsRefusedForWrongLengthsAndValues) {
    expect_bad(block(0x11, 0x11, kV4));  // version 1
    expect_bad(block(0x31, 0x11, kV4));
    expect_bad(block(0x22, 0x11, kV4));  // no command
    expect_bad(block(0x21, 0x41, kV4));  // no family
    expect_bad(block(0x21, 0x13, kV4));
    expect_bad(block(0x21, 0x10, kV4));
    expect_bad(block(0x21, 0x11, ""));
    expect_bad(block(0x21, 0x11, kV4.substr(1)));
    expect_bad(block(0x21, 0x21, kV6.substr(1)));
    expect_bad(block(0x21, 0x31, std::string(215, 'p')));
    expect_bad(block(0x21, 0x11, kV4 + "x"));  // fields cut short
    expect_bad(block(0x21, 0x11, kV4 + field(0x02, "name").substr(0, 6)));
    expect_bad(block(0x21, 0x11, kV4 + std::string("\x02\xff\xff", 3)));
    expect_bad(std::string("\r\n\r\n\0\r\nQUIX\n\x21\x11\0\x0c", 16) + kV4);
    expect_bad(std::string("\r\n\r\n\r\n"));
}

TEST(ProxyHeader, OfVersion2IsNoLongerThanItsLimit) {
    const std::size_t most = kMaxProxyHeaderBytes - 16 - kV4.size() - 3;
    expect_done(block(0x21, 0x11, kV4 + field(0x02, std::string(most, 'x'))), "203.0.113.7");
    expect_bad(block(0x21, 0x11, kV4 + field(0x02, std::string(most + 1, 'x'))));
    ProxyHeaderReader reader;
    EXPECT_EQ(reader.take(block(0x20, 0x00, std::string(65'535, 'x'))), 16U)
        << "the length alone says that it is too long";
    EXPECT_EQ(reader.state(), State::kBad);
}

}  // namespace
}  // namespace tulle::node::proxy_header_test
