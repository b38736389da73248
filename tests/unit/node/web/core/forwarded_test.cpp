#include "node/web/core/forwarded.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "node/web/core/limits.hpp"

namespace tulle::node::http::forwarded_test {
namespace {

TrustedProxies trusted(ForwardedHeader header) {
    std::vector<AddressRange> ranges;
    for (const char* text : {"10.0.0.0/8", "127.0.0.1", "fd00::/8"}) {
        ranges.push_back(parse_range(text).value_or(AddressRange{}));
    }
    return TrustedProxies(ranges, header);
}

/// The client as a text; "-" for none.
std::string client(ForwardedHeader header, const std::vector<std::string_view>& lines) {
    const auto found = forwarded_client(lines, trusted(header));
    return found ? to_string(*found) : "-";
}

std::string plain(const std::vector<std::string_view>& lines) {
    return client(ForwardedHeader::kXForwardedFor, lines);
}

std::string rfc(const std::vector<std::string_view>& lines) {
    return client(ForwardedHeader::kForwarded, lines);
}

std::string repeated(const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) {
        all += text;
    }
    return all;
}

TEST(XForwardedFor, NamesTheClientInTheLastEntryThatIsNoTrustedProxy) {
    EXPECT_EQ(plain({"203.0.113.7"}), "203.0.113.7");
    EXPECT_EQ(plain({"203.0.113.7, 10.0.0.2"}), "203.0.113.7");
    EXPECT_EQ(plain({"203.0.113.7,10.0.0.2 ,\t127.0.0.1"}), "203.0.113.7");
    EXPECT_EQ(plain({"198.51.100.9, 203.0.113.7"}), "203.0.113.7") << "whatever stands before comes from the client";
    EXPECT_EQ(plain({"198.51.100.9, 203.0.113.7, 10.0.0.2"}), "203.0.113.7");
    EXPECT_EQ(plain({"10.0.0.3, 203.0.113.7, 10.0.0.2"}), "203.0.113.7");
}

TEST(XForwardedFor, MayStandInSeveralLines) {
    EXPECT_EQ(plain({"198.51.100.9", "203.0.113.7"}), "203.0.113.7");
    EXPECT_EQ(plain({"198.51.100.9, 203.0.113.7", "10.0.0.2", "127.0.0.1"}), "203.0.113.7");
    EXPECT_EQ(plain({"203.0.113.7", "", " , ,"}), "203.0.113.7") << "empty entries are none";
}

TEST(XForwardedFor, TakesTheFormsThatProxiesWrite) {
    EXPECT_EQ(plain({"203.0.113.7:51234"}), "203.0.113.7");
    EXPECT_EQ(plain({"2001:db8::7"}), "2001:db8::7");
    EXPECT_EQ(plain({"[2001:db8::7]"}), "2001:db8::7");
    EXPECT_EQ(plain({"[2001:db8::7]:51234"}), "2001:db8::7");
    EXPECT_EQ(plain({"::ffff:203.0.113.7"}), "203.0.113.7");
    EXPECT_EQ(plain({"203.0.113.7, ::ffff:10.0.0.2"}), "203.0.113.7");
}

TEST(XForwardedFor, OfGarbageAtItsEndNamesNobody) {
    for (const char* text : {"",
                             " ",
                             ",",
                             ", ,,",
                             "unknown",
                             "_hidden",
                             "-",
                             "client",
                             "203.0.113.7, unknown",
                             "203.0.113.7 10.0.0.1",
                             "203.0.113.7;10.0.0.1",
                             "203.0.113.256",
                             "203.0.113.7:",
                             "203.0.113.7:x",
                             "203.0.113.7:1:",
                             "[2001:db8::7",
                             "2001:db8::7]",
                             "[203.0.113.7]",
                             "[]",
                             "[",
                             "]",
                             "[2001:db8::7]x",
                             "fe80::1%eth0",
                             "[fe80::1%25eth0]:1",
                             "\"203.0.113.7\"x",
                             "203.0.113.7,\"",
                             "for=203.0.113.7",
                             "203.0.113.7\x80"}) {
        EXPECT_EQ(plain({text}), "-") << text;
    }
    EXPECT_EQ(plain({}), "-");
}

TEST(XForwardedFor, OfAProxyThatHidesItsClientNamesTheProxy) {
    EXPECT_EQ(plain({"198.51.100.9, unknown, 10.0.0.2"}), "10.0.0.2");
    EXPECT_EQ(plain({"unknown", "10.0.0.3, 10.0.0.2"}), "10.0.0.3");
    EXPECT_EQ(plain({"10.0.0.9, 10.0.0.2"}), "10.0.0.9") << "a client in the proxies' network";
}

TEST(XForwardedFor, IsReadNoFurtherThanItsLimit) {
    const std::string thousand = repeated("198.51.100.9, ", 1'000);
    EXPECT_EQ(plain({thousand + "203.0.113.7"}), "203.0.113.7");
    EXPECT_EQ(plain({"203.0.113.7, " + repeated("10.0.0.2, ", 1'000) + "10.0.0.3"}), "10.0.0.2")
        << "a chain of proxies without end";
    const int most = static_cast<int>(kMaxForwardedHops);
    EXPECT_EQ(plain({"203.0.113.7" + repeated(", 10.0.0.2", most - 1)}), "203.0.113.7");
    EXPECT_EQ(plain({"203.0.113.7" + repeated(", 10.0.0.2", most)}), "10.0.0.2");
    EXPECT_EQ(plain({std::string(36'000, ',') + "203.0.113.7" + std::string(36'000, ',')}), "203.0.113.7");
    EXPECT_EQ(plain({std::string(36'000, '"')}), "-");
    EXPECT_EQ(plain({std::string(36'000, '1')}), "-");
}

TEST(Forwarded, NamesTheClientInTheLastForThatIsNoTrustedProxy) {
    EXPECT_EQ(rfc({"for=203.0.113.7"}), "203.0.113.7");
    EXPECT_EQ(rfc({"For=203.0.113.7;proto=https;by=10.0.0.1"}), "203.0.113.7");
    EXPECT_EQ(rfc({"by=10.0.0.1;FOR=203.0.113.7;host=a"}), "203.0.113.7");
    EXPECT_EQ(rfc({"for=198.51.100.9, for=203.0.113.7;proto=https, for=10.0.0.2"}), "203.0.113.7");
    EXPECT_EQ(rfc({"for=198.51.100.9", "for=203.0.113.7", "for=10.0.0.2"}), "203.0.113.7");
    EXPECT_EQ(rfc({"for=\"[2001:db8::7]\""}), "2001:db8::7");
    EXPECT_EQ(rfc({"for=\"[2001:db8::7]:51234\";proto=https"}), "2001:db8::7");
    EXPECT_EQ(rfc({"for=\"[2001:db8::7]:_port\""}), "2001:db8::7");
    EXPECT_EQ(rfc({"for=\"203.0.113.7:51234\""}), "203.0.113.7");
    EXPECT_EQ(rfc({"for=\"203.0.113.7\", for=\"10.0.0.2:1\""}), "203.0.113.7");
    EXPECT_EQ(rfc({"for=203.0.113.7;host=\"a,b;for=198.51.100.9\""}), "203.0.113.7") << "quotes hide commas";
}

TEST(Forwarded, OfAnythingElseAtItsEndNamesNobody) {
    for (const char* text : {"",
                             "for",
                             "for=",
                             "for=\"\"",
                             "for=unknown",
                             "for=_hidden",
                             "for=\"_hidden\"",
                             "203.0.113.7",
                             "proto=https",
                             "for=203.0.113.7;for=198.51.100.9",
                             "for=203.0.113.7, proto=https",
                             "for=\"203.0.113.7",
                             "for=203.0.113.7\"",
                             "for=\"203.0.\\113.7\"",
                             "for = 203.0.113.7",
                             "for=2001:db8::7%eth0",
                             "for=\"[2001:db8::7\"",
                             "xfor=203.0.113.7",
                             "for=\"\"203.0.113.7\"\"",
                             ";;;",
                             "=",
                             "\"",
                             "\\\""}) {
        EXPECT_EQ(rfc({text}), "-") << text;
    }
    EXPECT_EQ(rfc({"for=203.0.113.7, for=unknown, for=10.0.0.2"}), "10.0.0.2");
}

TEST(Forwarded, IsNotChangedByWhatAClientWritesBefore) {
    for (const char* before :
         {"for=\"", "for=\"198.51.100.9", "\"", "for=\"a\\", "for=\\\"", ",\";,\"", "for=x;for=\"y"}) {
        EXPECT_EQ(rfc({std::string(before) + ", for=203.0.113.7"}), "203.0.113.7") << before;
        EXPECT_EQ(rfc({before, "for=203.0.113.7"}), "203.0.113.7") << before;
        EXPECT_EQ(rfc({std::string(before) + ", for=\"203.0.113.7:1\", for=10.0.0.2"}), "203.0.113.7") << before;
    }
}

TEST(ForwardedHeaders, AreNamedByTheirSetting) {
    EXPECT_EQ(forwarded_header_of("forwarded"), ForwardedHeader::kForwarded);
    EXPECT_EQ(forwarded_header_of("x-forwarded-for"), ForwardedHeader::kXForwardedFor);
    EXPECT_EQ(forwarded_header_of("both"), std::nullopt);
}

}  // namespace
}  // namespace tulle::node::http::forwarded_test
