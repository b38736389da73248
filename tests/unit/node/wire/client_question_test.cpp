#include "node/wire/client_question.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tulle::node::client_question_test {
namespace {

using What = ClientQuestion::What;

ClientQuestion full() {
    ClientQuestion question;
    question.what = What::kKick;
    question.node = "n1";
    question.app = "app";
    question.channel = "news";
    question.user = "\"\\\n\xC3\xA4";
    question.address = parse_peer_address("203.0.113.7");
    question.socket = "1.2";
    question.order = ClientOrder::kNewest;
    question.channel_order = ChannelOrder::kSubscribers;
    question.limit = kMaxClientRows;
    question.names_channels = true;
    question.reconnects = false;
    return question;
}

/// The text of a question with `members` in the place of its own.
std::string question_of(const std::string& members) {
    const std::string text = encode({});
    return text.substr(0, text.find('{')) + "{" + members + "}";
}

TEST(ClientQuestion, IsReadAsItWasWritten) {
    EXPECT_EQ(decode_client_question(encode({})), ClientQuestion{});
    EXPECT_EQ(decode_client_question(encode(full())), full());
    ClientQuestion presence;
    presence.what = What::kPresence;
    presence.app = "app";
    presence.channel = "presence-room";
    EXPECT_EQ(decode_client_question(encode(presence)), presence);
}

TEST(ClientQuestion, OfAPeerIsRefusedUnlessEverythingIsRight) {
    EXPECT_TRUE(decode_client_question(question_of(R"("what":"channels")")).has_value());
    for (const char* wrong : {R"("what":"all")", R"("what":3)", R"("app":7)", R"("app":"")", R"("more":1)",
                              R"("limit":0)", R"("limit":1001)", R"("limit":-1)", R"("limit":1.5)", R"("limit":"5")",
                              R"("order":"most")", R"("channel_order":"most")", R"("names_channels":"yes")",
                              R"("reconnects":1)", R"("address":"10.0.0.0/8")", R"("address":"here")", R"("app":"a)"}) {
        EXPECT_FALSE(decode_client_question(question_of(wrong)).has_value()) << wrong;
    }
    for (const char* other : {"", "{}", R"({"report":"status"})", R"({"app":"a","prefix":""})", "tulle.clients.v1 ",
                              "tulle.clients.v1 []", "tulle.clients.v2 {}"}) {
        EXPECT_FALSE(decode_client_question(other).has_value()) << other;
    }
}

TEST(ClientQuestion, AnOrderToCloseEverybodyIsNone) {
    EXPECT_FALSE(decode_client_question(question_of(R"("what":"kick")")).has_value());
    EXPECT_FALSE(decode_client_question(question_of(R"("what":"kick","app":"app")")).has_value());
    EXPECT_FALSE(decode_client_question(question_of(R"("what":"kick","user":"")")).has_value());
    EXPECT_TRUE(decode_client_question(question_of(R"("what":"kick","user":"ann")")).has_value());
    EXPECT_TRUE(decode_client_question(question_of(R"("what":"kick","socket":"1.2")")).has_value());
    EXPECT_TRUE(decode_client_question(question_of(R"("what":"kick","address":"::1")")).has_value());
    EXPECT_FALSE(decode_client_question(question_of(R"("what":"presence","app":"app")")).has_value());
}

TEST(PeerAddressText, IsAnAddressOrANetworkOf64Bits) {
    for (const char* text : {"203.0.113.7", "2001:db8:0:1::/64"}) {
        ASSERT_TRUE(parse_peer_address(text).has_value()) << text;
        EXPECT_EQ(to_string(*parse_peer_address(text)), text);
    }
    // Any address of the network, and IPv4 in the form of IPv6.
    EXPECT_EQ(parse_peer_address("2001:db8:0:1:2:3:4:5"), parse_peer_address("2001:db8:0:1::/64"));
    EXPECT_EQ(parse_peer_address("::ffff:203.0.113.7"), parse_peer_address("203.0.113.7"));
    for (const char* text : {"", "/64", "203.0.113.7/64", "203.0.113.7/32", "::ffff:203.0.113.7/64", "2001:db8::/48",
                             "203.0.113.7:80", "host"}) {
        EXPECT_FALSE(parse_peer_address(text).has_value()) << text;
    }
}

}  // namespace
}  // namespace tulle::node::client_question_test
