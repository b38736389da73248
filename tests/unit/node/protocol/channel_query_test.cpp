#include "node/protocol/pusher/channel_query.hpp"

#include <gtest/gtest.h>

namespace tulle::node::pusher {
namespace {

ChannelTable table_of(std::initializer_list<std::pair<std::string, std::uint32_t>> channels) {
    ChannelTable table;
    ChannelEffects out;
    std::uint64_t generation = 0;
    for (const auto& [name, subscribers] : channels) {
        for (std::uint32_t i = 0; i < subscribers; ++i) {
            table.subscribe(Slot{i}, name, out);
        }
        table.on_subscribed(name, ++generation, out);
    }
    return table;
}

TEST(ChannelQuery, SurvivesItsEncoding) {
    for (const ChannelQuery& query : {ChannelQuery{"app", true, ""}, ChannelQuery{"app", true, "private-"},
                                      ChannelQuery{"app", false, "news"}}) {
        EXPECT_EQ(decode_channel_query(encode(query)), query);
    }
}

TEST(ChannelQuery, IsNothingWhenAPeerSendsNonsense) {
    for (const char* text : {"", "x", "[]", "{}", R"({"app":"a/b","prefix":""})", R"({"app":"a"})",
                             R"({"app":"a","channel":""})", R"({"app":"a","channel":"x y"})",
                             R"({"app":"a","channel":"x","prefix":"y"})", R"({"app":1,"channel":"x"})"}) {
        EXPECT_EQ(decode_channel_query(text), std::nullopt) << text;
    }
}

TEST(ChannelAnswer, CountsTheSubscribersOfOneChannelOrOfAPrefix) {
    const ChannelTable table = table_of({{"app/a", 2}, {"app/b", 1}, {"app/private-c", 3}, {"other/a", 4}});
    const auto ask = [&](const ChannelQuery& query) {
        return sum_counts(answer_channel_query(encode(query), table, 1000));
    };
    EXPECT_EQ(ask({"app", false, "a"}), (ChannelCounts{{"a", 2}}));
    EXPECT_EQ(ask({"app", false, "none"}), ChannelCounts{});
    EXPECT_EQ(ask({"app", true, ""}), (ChannelCounts{{"a", 2}, {"b", 1}, {"private-c", 3}}));
    EXPECT_EQ(ask({"app", true, "private-"}), (ChannelCounts{{"private-c", 3}}));
}

TEST(ChannelAnswer, ComesInPartsWithinTheLimit) {
    const ChannelTable table = table_of({{"app/aaaaaaaaaa", 1}, {"app/bbbbbbbbbb", 1}, {"app/cccccccccc", 1}});
    const auto parts = answer_channel_query(encode({"app", true, ""}), table, 40);
    EXPECT_EQ(parts.size(), 3u);
    for (const std::string& part : parts) {
        EXPECT_LE(part.size(), 40u);
    }
    EXPECT_EQ(sum_counts(parts).size(), 3u);
}

TEST(ChannelAnswer, IsOneEmptyPartForNonsense) {
    EXPECT_EQ(answer_channel_query("nonsense", ChannelTable{}, 100), std::vector<std::string>{std::string()});
}

TEST(SumCounts, AddsPartsAndLeavesOutWhatIsMalformed) {
    EXPECT_EQ(sum_counts({R"({"channels":{"a":1,"b":2}})", R"({"channels":{"a":3}})", "junk", "{}", R"({"channels":[]})",
                          R"({"channels":{"a":-1,"x y":1,"c":"1","d":0,"e":1e300,"f":99999999999}})"}),
              (ChannelCounts{{"a", 4}, {"b", 2}}));
}

}  // namespace
}  // namespace tulle::node::pusher
