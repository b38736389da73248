#include "node/pusher/wire/channel_query.hpp"
#include "node/pusher/core/channel_name.hpp"

#include <map>

#include <gtest/gtest.h>

namespace tulle::node::pusher::channel_query_test {
namespace {

ChannelTable table_of(std::initializer_list<std::pair<std::string, std::uint32_t>> channels) {
    ChannelTable table;
    ChannelEffects out;
    std::uint64_t generation = 0;
    for (const auto& [name, subscribers] : channels) {
        for (std::uint32_t i = 0; i < subscribers; ++i) {
            table.subscribe(Slot{i}, name, needs_of(channel_of_key(name)), out);
        }
        table.on_subscribed(name, ++generation, out);
    }
    return table;
}

TEST(ChannelQuery, SurvivesItsEncoding) {
    for (const ChannelQuery& query : {ChannelQuery{"app", true, {""}}, ChannelQuery{"app", true, {"private-"}},
                                      ChannelQuery{"app", false, {"news", "b"}}}) {
        EXPECT_EQ(decode_channel_query(encode(query)), query);
    }
}

TEST(ChannelQuery, IsNothingWhenAPeerSendsNonsense) {
    for (const char* text :
         {"", "x", "[]", "{}", R"({"app":"a/b","prefix":""})", R"({"app":"a"})", R"({"app":"a","channels":[""]})",
          R"({"app":"a","channels":["x y"]})", R"({"app":"a","channels":["x"],"prefix":"y"})",
          R"({"app":1,"channels":["x"]})", R"({"app":"a","channels":[1]})", R"({"app":"a","channels":"x"})"}) {
        EXPECT_EQ(decode_channel_query(text), std::nullopt) << text;
    }
}

std::map<std::string, std::uint64_t> counts_of(const std::vector<std::string>& parts) {
    std::map<std::string, std::uint64_t> counts;
    for (const auto& [name, facts] : sum_answers(parts)) {
        counts[name] = facts.subscribers;
    }
    return counts;
}

using Counts = std::map<std::string, std::uint64_t>;

TEST(ChannelAnswer, CountsTheSubscribersOfChannelsOrOfAPrefix) {
    const ChannelTable table = table_of({{"app/a", 2}, {"app/b", 1}, {"app/private-c", 3}, {"other/a", 4}});
    const auto ask = [&](const ChannelQuery& query) {
        return counts_of(answer_channel_query(encode(query), {table, PresenceRooms{}}, 1000));
    };
    EXPECT_EQ(ask({"app", false, {"a", "none", "b"}}), (Counts{{"a", 2}, {"b", 1}}));
    EXPECT_EQ(ask({"app", true, {""}}), (Counts{{"a", 2}, {"b", 1}, {"private-c", 3}}));
    EXPECT_EQ(ask({"app", true, {"private-"}}), (Counts{{"private-c", 3}}));
}

TEST(ChannelAnswer, ComesInPartsWithinTheLimit) {
    const ChannelTable table = table_of({{"app/aaaaaaaaaa", 1}, {"app/bbbbbbbbbb", 1}, {"app/cccccccccc", 1}});
    const auto parts = answer_channel_query(encode({"app", true, {""}}), {table, PresenceRooms{}}, 40);
    EXPECT_EQ(parts.size(), 3u);
    for (const std::string& part : parts) {
        EXPECT_LE(part.size(), 40u);
    }
    EXPECT_EQ(sum_answers(parts).size(), 3u);
}

TEST(ChannelAnswer, NamesTheUsersThatTheHubHasTakenInHoweverManyTheyAre) {
    ChannelTable table;
    PresenceRooms rooms;
    ChannelEffects changes;
    PresenceEffects effects;
    constexpr std::uint32_t kUsers = 1000;
    const std::string channel = "app/presence-a";
    for (std::uint32_t i = 0; i <= kUsers; ++i) {
        const std::string user = std::to_string(i) + std::string(50, 'u');
        rooms.enter(Slot{i}, channel, {user, "\"" + user + "\"\n"});
        table.subscribe(Slot{i}, channel, needs_of(channel_of_key(channel)), changes);
    }
    table.on_subscribed(channel, 1, changes);
    rooms.on_listed(channel, {});
    for (std::uint32_t i = 0; i <= kUsers; ++i) {
        rooms.ask(Slot{i}, channel, effects);
        if (i < kUsers) {
            rooms.on_joined(i + 1, effects);
            table.admit(Slot{i}, channel, changes);
        }
    }
    const auto parts = answer_channel_query(encode({"app", false, {"presence-a"}}), {table, rooms}, 20'000);
    EXPECT_GT(parts.size(), 1u);
    const ChannelFindings found = sum_answers(parts);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found.begin()->second.subscribers, kUsers);
    EXPECT_EQ(found.begin()->second.users.size(), kUsers);
}

TEST(ChannelAnswer, IsOneEmptyPartForNonsense) {
    EXPECT_EQ(answer_channel_query("nonsense", {ChannelTable{}, PresenceRooms{}}, 100),
              std::vector<std::string>{std::string()});
}

TEST(SumAnswers, AddsPartsAndLeavesOutWhatIsMalformed) {
    EXPECT_EQ(counts_of({R"({"rows":[["a",1],["b",2]]})", R"({"rows":[["a",3]]})", "junk", "{}", R"({"rows":{}})",
                         R"({"rows":[[],["a"],["a",-1],["x y",1],["c","1"],["e",1e300],["f",99999999999],7]})"}),
              (Counts{{"a", 4}, {"b", 2}}));
}

}  // namespace
}  // namespace tulle::node::pusher::channel_query_test
