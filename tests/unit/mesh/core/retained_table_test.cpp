#include "mesh/core/retained/retained_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace tulle::mesh::retained_table_test {
namespace {

constexpr Instant kStart{10s};
constexpr OriginId kSelf{1};

RetainedEvent event(std::uint64_t time_us, const std::string& body = "x", Duration keep_for = 1h) {
    return {{time_us, OriginId{9}}, share(EventBody({}, body)), kStart + keep_for};
}

RetainedPart answer(const std::string& channel, std::uint64_t version, std::uint64_t at) {
    return {.channel = channel, .version = InterestVersion{version}, .at = RecordNo{at}};
}

TEST(RetainedTable, HoldsTheEventWithTheGreatestStampUntilItIsTooOld) {
    RetainedTable table(kSelf, {}, {});
    table.put(kStart, "a", event(5, "five", 10s), false);
    table.put(kStart, "a", event(4, "four"), false);
    ASSERT_NE(table.find(kStart, "a"), nullptr);
    EXPECT_EQ(table.find(kStart, "a")->body->data(), "five");
    EXPECT_EQ(table.find(kStart + 10s, "a"), nullptr);
    EXPECT_EQ(table.find(kStart, "b"), nullptr);
}

TEST(RetainedTable, DropsTheEventThatWasPutFirstWhenItIsFull) {
    Limits limits;
    limits.retained_bytes = 3 * (event(1).cost() + 1);
    RetainedTable table(kSelf, {}, limits);
    for (const char* channel : {"a", "b", "c"}) {
        table.put(kStart, channel, event(1), false);
    }
    table.put(kStart, "a", event(2), false);  // b is the first now
    table.put(kStart, "d", event(1), false);
    EXPECT_EQ(table.find(kStart, "b"), nullptr);
    EXPECT_NE(table.find(kStart, "a"), nullptr);
    EXPECT_EQ(table.evicted(), 1u);
    EXPECT_LE(table.bytes(), limits.retained_bytes);
}

TEST(RetainedTable, NamesThreeKeepersTheSameOnEveryNode) {
    RetainedTable here(kSelf, {}, {});
    RetainedTable there(OriginId{2}, {}, {});
    here.set_members({OriginId{2}, OriginId{3}, OriginId{4}, OriginId{5}});
    there.set_members({OriginId{5}, OriginId{4}, OriginId{3}, kSelf});
    std::set<OriginId> all;
    for (int i = 0; i < 50; ++i) {
        const std::string channel = "app/cache-" + std::to_string(i);
        EXPECT_EQ(here.keepers(channel), there.keepers(channel));
        EXPECT_EQ(here.keepers(channel).size(), kKeepers);
        all.insert(here.keepers(channel).front());
    }
    EXPECT_EQ(all.size(), 5u);  // everybody is the first for some
}

std::vector<RetainedTable::HandOn> all_moves(RetainedTable& table, Instant now) {
    std::vector<RetainedTable::HandOn> moves;
    while (table.next_deadline() == Instant{}) {
        for (const RetainedTable::HandOn& move : table.on_deadline(now)) {
            moves.push_back(move);
        }
    }
    return moves;
}

TEST(RetainedTable, HandsOnToWhoeverBecomesAKeeper) {
    RetainedTable table(kSelf, {}, {});
    table.set_members({OriginId{2}, OriginId{3}});
    for (int i = 0; i < 40; ++i) {
        table.put(kStart, "app/cache-" + std::to_string(i), event(1), false);
    }
    table.set_members({OriginId{2}, OriginId{3}, OriginId{4}});
    std::set<std::string> given;
    for (const RetainedTable::HandOn& move : all_moves(table, kStart)) {
        EXPECT_EQ(move.to, OriginId{4});
        EXPECT_TRUE(table.keeps(OriginId{4}, move.channel));
        given.insert(move.channel);
    }
    for (int i = 0; i < 40; ++i) {
        const std::string channel = "app/cache-" + std::to_string(i);
        EXPECT_EQ(given.contains(channel), table.keeps(OriginId{4}, channel));
    }
    EXPECT_GT(given.size(), 15u);
    EXPECT_LT(given.size(), 40u);
}

RetainedPart told(const std::string& channel, const RetainedEvent& event) {
    return {.channel = channel,
            .version = {},
            .at = {},
            .stamp = event.stamp,
            .body = event.body,
            .left = event.until - kStart};
}

/// Who is given what: by channel.
std::map<std::string, std::set<OriginId>> given(RetainedTable& table, Instant now) {
    std::map<std::string, std::set<OriginId>> out;
    for (const RetainedTable::HandOn& move : all_moves(table, now)) {
        out[move.channel].insert(move.to);
    }
    return out;
}

TEST(RetainedTable, HandsOnToEverybodyWhatOnlyTheLostHadToldUs) {
    const OriginId stranger{9};
    const std::vector<OriginId> others{OriginId{2}, OriginId{3}, OriginId{4}, OriginId{5}, OriginId{6}};
    std::vector<OriginId> all = others;
    all.push_back(stranger);
    RetainedTable table(kSelf, {}, {});
    table.set_members(all);
    for (const char* channel : {"only", "others too", "a record"}) {
        static_cast<void>(table.accept(kStart, stranger, told(channel, event(1)), std::nullopt));
    }
    static_cast<void>(table.accept(kStart, OriginId{2}, told("others too", event(1)), std::nullopt));
    table.put(kStart, "a record", event(1), false);
    static_cast<void>(all_moves(table, kStart));
    table.set_members(others);
    const auto moves = given(table, kStart + 1s);
    std::set<OriginId> everybody{OriginId{}};  // all that are interested
    for (const OriginId keeper : table.keepers("only")) {
        if (keeper != kSelf) {
            everybody.insert(keeper);
        }
    }
    ASSERT_TRUE(moves.contains("only"));
    EXPECT_EQ(moves.at("only"), everybody);
    for (const char* channel : {"others too", "a record"}) {
        EXPECT_TRUE(!moves.contains(channel) || table.keeps(kSelf, channel)) << channel;
    }
    table.set_members(all);
    static_cast<void>(all_moves(table, kStart + 1s));
    table.set_members(others);
    const auto again = given(table, kStart + 2s);
    EXPECT_TRUE(!again.contains("only") || table.keeps(kSelf, "only"));  // it has been told
}

TEST(RetainedTable, HandsOnToKeepersThatHaveNotToldTheEventThemselves) {
    constexpr Duration kSpread = Timing{}.retained_spread;
    const std::vector<OriginId> others{OriginId{2}, OriginId{3}, OriginId{4}, OriginId{5}};
    RetainedTable table(kSelf, {}, {});
    table.set_members(others);
    const auto name = [&](const std::string& what, bool keeps) {
        std::string channel = what;
        while (table.keeps(kSelf, channel) != keeps) {
            channel += "-";
        }
        return channel;
    };
    const auto other_keepers = [&](const std::string& channel) {
        std::vector<OriginId> keepers = table.keepers(channel);
        std::erase(keepers, kSelf);
        return keepers;
    };
    const std::string told_by_one = name("one", true);
    const std::string told_by_all = name("all", true);
    const std::string record = name("record", true);
    const std::string replaced = name("replaced", true);
    const std::string kept_by_others = name("others", false);
    for (const std::string& channel : {told_by_one, told_by_all, record, replaced, kept_by_others}) {
        static_cast<void>(table.accept(kStart, other_keepers(channel)[0], told(channel, event(1)), std::nullopt));
    }
    static_cast<void>(table.accept(kStart, other_keepers(told_by_all)[1], told(told_by_all, event(1)), std::nullopt));
    table.put(kStart, record, event(1), false);
    table.put(kStart, replaced, event(2), false);
    EXPECT_EQ(table.next_deadline(), kStart + kSpread);
    EXPECT_TRUE(table.on_deadline(kStart + kSpread - 1ms).empty()) << "the other keepers have time to tell the event";
    const std::vector<RetainedTable::HandOn> moves = table.on_deadline(kStart + kSpread);
    ASSERT_EQ(moves.size(), 1u);
    EXPECT_EQ(moves[0].channel, told_by_one);
    EXPECT_EQ(moves[0].to, other_keepers(told_by_one)[1]);
    EXPECT_TRUE(table.on_deadline(kStart + 2 * kSpread).empty()) << "once";
}

TEST(RetainedTable, ForgetsTheAnswersOfEndedSessionsAndKeepsThoseThatStand) {
    RetainedTable table(kSelf, {}, {});
    const OriginId stays{2};
    table.set_members({stays, OriginId{3}});
    table.want("c");
    const InterestVersion since{1};
    ASSERT_TRUE(table.accept(kStart, stays, answer("c", 1, 0), since));
    for (std::uint64_t id = 100; id < 200; ++id) {
        ASSERT_TRUE(table.accept(kStart, OriginId{id}, answer("c", 1, 0), since));
        table.lose(OriginId{id});
        EXPECT_FALSE(table.knows(OriginId{id}, "c", since));
    }
    EXPECT_LE(table.answers("c"), 7u) << "three members, twice, and one";
    EXPECT_TRUE(table.knows(stays, "c", since));
    table.lose(stays);
    ASSERT_TRUE(table.accept(kStart, OriginId{3}, answer("c", 1, 0), since));
    EXPECT_FALSE(table.knows(stays, "c", since)) << "another session's number is another one";
}

TEST(RetainedTable, NamesWhatWasAcceptedLatelyForWhoKeepsItOrAsksForIt) {
    const Timing timing;
    RetainedTable table(kSelf, timing, {});
    const OriginId other{7};
    table.set_members({OriginId{2}, OriginId{3}, OriginId{4}, OriginId{5}, OriginId{6}, other});
    std::map<bool, std::string> channels;
    for (int i = 0; channels.size() < 2; ++i) {
        const std::string channel = "c" + std::to_string(i);
        channels.try_emplace(table.keeps(other, channel), channel);
    }
    for (const auto& [keeps, channel] : channels) {
        table.put(kStart, channel, event(1), true);
    }
    table.put(kStart, "of another node", event(1), false);
    const auto nothing = [](const std::string&) { return false; };
    const auto everything = [](const std::string&) { return true; };
    EXPECT_EQ(table.lately_for(kStart, other, nothing), std::vector{channels[true]});
    EXPECT_EQ(table.lately_for(kStart, other, everything).size(), 2u);
    EXPECT_TRUE(table.lately_for(kStart + timing.retained_transit, other, everything).empty());
}

TEST(RetainedTable, HandsOnToAllKeepersWhatTheLostHadAcceptedLately) {
    const Timing timing;
    const OriginId origin{9};
    RetainedTable table(kSelf, timing, {});
    table.set_members({OriginId{2}, OriginId{3}, origin});
    std::string channel = "c0";
    for (int i = 1;
         !table.keeps(kSelf, channel) || table.keeps(OriginId{2}, channel) != table.keeps(OriginId{3}, channel); ++i) {
        channel = "c" + std::to_string(i);  // kept by this node and both others
    }
    RetainedEvent accepted = event(1);
    accepted.stamp.origin = origin;
    table.put(kStart, channel, accepted, false);
    static_cast<void>(all_moves(table, kStart));
    table.set_members({OriginId{2}, OriginId{3}});
    const std::set<OriginId> everybody{OriginId{}, OriginId{2}, OriginId{3}};
    EXPECT_EQ(given(table, kStart + 1s)[channel], everybody) << "it may have had no session with one of them";
    table.set_members({OriginId{2}, OriginId{3}, origin});
    static_cast<void>(all_moves(table, kStart + 1s));
    table.set_members({OriginId{2}, OriginId{3}});
    EXPECT_TRUE(given(table, kStart + timing.retained_transit)[channel].empty()) << "it is there by now";
}

TEST(RetainedTable, HandsOnWhatTheLostHadToldWhileAnEarlierChangeWasWorkedOn) {
    Limits limits;
    limits.retained_slice = 1;  // an event a turn
    RetainedTable table(kSelf, {}, limits);
    const std::vector<OriginId> others{OriginId{2}, OriginId{3}, OriginId{4}, OriginId{5}, OriginId{6}};
    std::vector<OriginId> all = others;
    all.push_back(OriginId{9});
    table.set_members(others);
    table.put(kStart, "a", event(1), false);
    table.put(kStart, "b", event(1), false);
    table.set_members({OriginId{2}, OriginId{3}, OriginId{4}, OriginId{5}});
    static_cast<void>(table.on_deadline(kStart));  // has looked at a
    table.set_members(all);
    static_cast<void>(table.accept(kStart, OriginId{9}, told("c", event(2)), std::nullopt));
    table.set_members(others);  // the stranger has come and gone meanwhile
    EXPECT_TRUE(given(table, kStart)["c"].contains(OriginId{}));
}

TEST(RetainedTable, WhatItWasToldLongAgoOthersHaveToo) {
    const Timing timing;
    RetainedTable table(kSelf, timing, {});
    table.set_members({OriginId{2}, OriginId{3}, OriginId{4}, OriginId{5}, OriginId{6}});
    static_cast<void>(table.accept(kStart, OriginId{6}, told("a", event(1)), std::nullopt));
    static_cast<void>(all_moves(table, kStart));
    table.set_members({OriginId{2}, OriginId{3}, OriginId{4}, OriginId{5}});
    EXPECT_FALSE(given(table, kStart + timing.retained_transit)["a"].contains(OriginId{}));
}

TEST(RetainedTable, ForgetsWhatIsNeitherToBeKeptNorWantedHere) {
    const Timing timing;
    RetainedTable table(kSelf, timing, {});
    table.set_members({OriginId{2}, OriginId{3}, OriginId{4}, OriginId{5}, OriginId{6}});
    table.want("app/cache-0");
    for (int i = 0; i < 40; ++i) {
        table.put(kStart, "app/cache-" + std::to_string(i), event(1, "x", 10h), true);
    }
    static_cast<void>(table.on_deadline(kStart + timing.retained_sweep));
    EXPECT_EQ(table.size(), 40u);  // they may be on their way
    static_cast<void>(table.on_deadline(kStart + timing.retained_transit + timing.retained_sweep));
    for (int i = 0; i < 40; ++i) {
        const std::string channel = "app/cache-" + std::to_string(i);
        EXPECT_EQ(table.find(kStart, channel) != nullptr, i == 0 || table.keeps(kSelf, channel)) << channel;
    }
    table.set_members({});
    EXPECT_TRUE(table.keeps(kSelf, "app/cache-0"));
}

TEST(RetainedTable, DropsNothingForAWhileAfterTheNodeDidNotRun) {
    const Timing timing;
    RetainedTable table(kSelf, timing, {});
    table.set_members({OriginId{2}, OriginId{3}, OriginId{4}, OriginId{5}, OriginId{6}});
    static_cast<void>(all_moves(table, kStart));
    for (int i = 0; i < 40; ++i) {
        table.put(kStart, "app/cache-" + std::to_string(i), event(1, "x", 10h), true);
    }
    const Instant woke = kStart + 2 * timing.retained_transit;
    table.postpone_sweep(woke);
    static_cast<void>(table.on_deadline(woke));
    EXPECT_EQ(table.size(), 40u) << "the keepers may have died meanwhile";
    static_cast<void>(table.on_deadline(woke + timing.retained_transit));
    EXPECT_LT(table.size(), 40u);
}

TEST(RetainedTable, WhoWasAKeeperHoldsItForTheMembersThatHaveNotAskedYet) {
    const Timing timing;
    RetainedTable table(kSelf, timing, {});
    for (int i = 0; i < 40; ++i) {
        table.put(kStart, "app/cache-" + std::to_string(i), event(1, "x", 10h), true);
    }
    const Instant met = kStart + 2 * timing.retained_transit;  // a part of one node meets the others
    table.set_members({OriginId{2}, OriginId{3}, OriginId{4}, OriginId{5}, OriginId{6}});
    static_cast<void>(all_moves(table, met));
    static_cast<void>(table.on_deadline(met + timing.retained_sweep));
    EXPECT_EQ(table.size(), 40u);
    static_cast<void>(table.on_deadline(met + timing.retained_transit + timing.retained_sweep));
    for (int i = 0; i < 40; ++i) {
        const std::string channel = "app/cache-" + std::to_string(i);
        EXPECT_EQ(table.find(met, channel) != nullptr, table.keeps(kSelf, channel)) << channel;
    }
}

TEST(RetainedTable, KnowsWhoHasAnsweredThePresentInterest) {
    RetainedTable table(kSelf, {}, {});
    const OriginId peer{2};
    EXPECT_FALSE(table.accept(kStart, peer, answer("a", 3, 7), std::nullopt));  // nobody has asked
    table.want("a");
    EXPECT_FALSE(table.accept(kStart, peer, answer("a", 3, 7), InterestVersion{4}));
    EXPECT_FALSE(table.knows(peer, "a", InterestVersion{4}));
    EXPECT_TRUE(table.accept(kStart, peer, answer("a", 4, 7), InterestVersion{4}));
    EXPECT_TRUE(table.knows(peer, "a", InterestVersion{4}));
    EXPECT_TRUE(table.is_answered(peer, "a", RecordNo{7}));
    EXPECT_FALSE(table.is_answered(peer, "a", RecordNo{8}));
    table.lose(peer);
    EXPECT_FALSE(table.knows(peer, "a", InterestVersion{4}));
    EXPECT_FALSE(table.is_answered(peer, "a", RecordNo{7}));
}

TEST(RetainedTable, TakesNothingFromSubscribersWhoAreServedAlready) {
    RetainedTable table(kSelf, {}, {});
    table.want("a");
    table.confirmed("a");
    // a new session answers again
    EXPECT_TRUE(table.accept(kStart, OriginId{2}, answer("a", 4, 7), InterestVersion{4}));
    EXPECT_FALSE(table.is_answered(OriginId{2}, "a", RecordNo{7}));
}

}  // namespace
}  // namespace tulle::mesh::retained_table_test
