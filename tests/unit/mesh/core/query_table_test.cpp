#include "mesh/core/query/query_table.hpp"

#include <gtest/gtest.h>

namespace tulle::mesh::query_table_test {
namespace {

constexpr Instant kStart{10s};
constexpr ShardIndex kAsker{0};
constexpr OriginId kB{2};
constexpr OriginId kC{3};

class QueryTableTest : public testing::Test {
protected:
    QueryTableTest() {
        table_.set_shards(0b11);
        table_.set_names([](OriginId oid) { return oid == OriginId{} ? "self" : "n" + std::to_string(oid.value); });
    }

    std::uint64_t ask() { return table_.ask(kStart, kAsker, {7, "q", 1s}, {kB, kC}, {}, out_).value(); }

    const QueryResult* result() const {
        const auto* to = out_.empty() ? nullptr : std::get_if<ToPort>(&out_.back());
        return to == nullptr ? nullptr : std::get_if<QueryResult>(&to->message);
    }

    QueryTable table_{Limits{}};
    Effects out_;
};

TEST_F(QueryTableTest, GathersAllShardsAndMembers) {
    const std::uint64_t token = ask();
    EXPECT_EQ(out_.size(), 2u);  // a LocalQuery for each shard
    table_.on_local_answer(ShardIndex{0}, {token, "s0", true}, out_);
    table_.on_local_answer(ShardIndex{1}, {token, "", true}, out_);
    table_.on_answer(kStart, kB, {token, "b1", false}, out_);
    table_.on_answer(kStart, kB, {token, "b2", true}, out_);
    EXPECT_EQ(result(), nullptr);
    table_.on_answer(kStart, kC, {token, "c", true}, out_);
    ASSERT_NE(result(), nullptr);
    EXPECT_EQ(result()->id, 7u);
    EXPECT_EQ(result()->parts, (std::vector<std::string>{"s0", "b1", "b2", "c"}));
    EXPECT_TRUE(result()->missing.empty());
}

TEST_F(QueryTableTest, NamesWhoDidNotAnswerInTime) {
    const std::uint64_t token = ask();
    table_.on_local_answer(ShardIndex{0}, {token, "s0", true}, out_);
    table_.on_local_answer(ShardIndex{1}, {token, "s1", true}, out_);
    table_.on_answer(kStart, kC, {token, "c", true}, out_);
    EXPECT_EQ(table_.next_deadline(), kStart + 1s);
    table_.on_deadline(kStart + 1s, out_);
    ASSERT_NE(result(), nullptr);
    EXPECT_EQ(result()->missing, (std::vector<std::string>{"n2"}));
    EXPECT_EQ(table_.next_deadline(), std::nullopt);
}

TEST_F(QueryTableTest, DoesNotWaitForAMemberThatDies) {
    const std::uint64_t token = ask();
    table_.on_local_answer(ShardIndex{0}, {token, "", true}, out_);
    table_.on_local_answer(ShardIndex{1}, {token, "", true}, out_);
    table_.on_answer(kStart, kC, {token, "c", true}, out_);
    table_.member_gone(kB, out_);
    ASSERT_NE(result(), nullptr);
    EXPECT_EQ(result()->missing, (std::vector<std::string>{"n2"}));
}

TEST_F(QueryTableTest, ForwardsTheShardsAnswersToAMemberThatAsks) {
    EXPECT_TRUE(table_.on_ask(kStart, kB, {42, "q", 1000}, {}, out_).empty());
    const std::uint64_t token = std::get<LocalQuery>(std::get<ToPort>(out_[0]).message).token;
    const auto first = table_.on_local_answer(ShardIndex{0}, {token, "s0", true}, out_);
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->to, kB);
    EXPECT_EQ(first->answer.id, 42u);
    EXPECT_FALSE(first->answer.last);
    EXPECT_EQ(first->answer.part, 1u);
    const auto last = table_.on_local_answer(ShardIndex{1}, {token, "", true}, out_);
    ASSERT_TRUE(last.has_value());
    EXPECT_TRUE(last->answer.last);
    EXPECT_EQ(last->answer.part, 2u);
}

TEST_F(QueryTableTest, LastEventsAreTheFirstPartsOfAnAnswer) {
    const auto event =
        std::make_shared<const RetainedPart>(RetainedPart{.channel = "app/cache-a", .version = {}, .at = {}});
    const std::vector<QueryAnswer> answers =
        table_.on_ask(kStart, kB, {42, "q", 1000}, {.retained = {event, event}}, out_);
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].part, 1u);
    EXPECT_EQ(answers[1].part, 2u);
    EXPECT_EQ(answers[1].retained, event);
    EXPECT_FALSE(answers[1].last);
    const std::uint64_t token = std::get<LocalQuery>(std::get<ToPort>(out_[0]).message).token;
    EXPECT_EQ(table_.on_local_answer(ShardIndex{0}, {token, "s0", true}, out_)->answer.part, 3u);
}

TEST_F(QueryTableTest, AHistoryIsMadeOfTheAnswersOfAllNodes) {
    const auto part = [](std::uint64_t time_us) {
        HistoryPart made;
        made.items.push_back({RecordNo{time_us}, {time_us, kB}, share(EventBody("e", "1"))});
        made.whole_since_us = time_us;
        made.clock_us = 100 + time_us;
        return std::make_shared<const HistoryPart>(std::move(made));
    };
    const Query query{.id = 7, .body = "q", .timeout = 1s, .history = HistoryAsk{.channel = "app/c", .limit = 10}};
    const auto token = table_.ask(kStart, ShardIndex{0}, query, {kB}, {.history = {part(30)}}, out_);
    ASSERT_TRUE(token.has_value());
    for (std::uint16_t shard = 0; shard < 2; ++shard) {
        static_cast<void>(table_.on_local_answer(ShardIndex{shard}, {*token, "", true}, out_));
    }
    table_.on_answer(kStart, kB, {.id = *token, .part = 1, .history = part(20)}, out_);
    table_.on_answer(kStart, kB, {.id = *token, .last = true, .part = 3}, out_);
    table_.on_answer(kStart, kB, {.id = *token, .part = 2, .history = part(10)}, out_);
    const QueryResult& result = std::get<QueryResult>(std::get<ToPort>(out_.back()).message);
    ASSERT_TRUE(result.history.has_value());
    ASSERT_EQ(result.history->items.size(), 3u);
    EXPECT_EQ(result.history->items[2].stamp.time_us, 10u);
    EXPECT_EQ(result.history->whole_since_us, 10u);
    EXPECT_EQ(result.history->answered_us, 130u);
    EXPECT_TRUE(result.missing.empty());
}

TEST_F(QueryTableTest, ANodeWithoutAWordAboutTheHistoryIsMissing) {
    const Query query{.id = 7, .body = "q", .timeout = 1s, .history = HistoryAsk{.channel = "app/c", .limit = 10}};
    HistoryPart own;
    own.whole_since_us = 5;
    const auto token =
        table_.ask(kStart, ShardIndex{0}, query, {kB}, {.history = {std::make_shared<const HistoryPart>(own)}}, out_);
    for (std::uint16_t shard = 0; shard < 2; ++shard) {
        static_cast<void>(table_.on_local_answer(ShardIndex{shard}, {*token, "", true}, out_));
    }
    table_.on_answer(kStart, kB, {.id = *token, .last = true, .part = 1}, out_);
    const QueryResult& result = std::get<QueryResult>(std::get<ToPort>(out_.back()).message);
    EXPECT_EQ(result.missing.size(), 1u);
    EXPECT_EQ(result.history->whole_since_us, kNeverWhole) << "the claims of others say nothing about that node";
}

TEST_F(QueryTableTest, AsksForSoManyHistoriesAtATime) {
    const Query query{.id = 7, .body = "q", .timeout = 1s, .history = HistoryAsk{.channel = "app/c", .limit = 10}};
    for (std::size_t i = 0; i < Limits{}.history_reads; ++i) {
        EXPECT_TRUE(table_.ask(kStart, ShardIndex{0}, query, {kB}, {}, out_));
    }
    out_.clear();
    EXPECT_FALSE(table_.ask(kStart, ShardIndex{0}, query, {kB}, {}, out_));
    EXPECT_FALSE(std::get<QueryResult>(std::get<ToPort>(out_.back()).message).history);
    EXPECT_TRUE(table_.ask(kStart, ShardIndex{0}, {.id = 8, .body = "q", .timeout = 1s}, {kB}, {}, out_))
        << "other questions have room";
}

TEST_F(QueryTableTest, AHistoryIsTheFirstPartsOfAnAnswer) {
    const auto part = std::make_shared<const HistoryPart>();
    const std::vector<QueryAnswer> answers =
        table_.on_ask(kStart, kB, {42, "q", 1000}, {.history = {part, part}}, out_);
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[1].part, 2u);
    EXPECT_EQ(answers[1].history, part);
}

TEST_F(QueryTableTest, APartThatIsLostMakesTheAnswerPartial) {
    const std::uint64_t token = ask();
    table_.on_local_answer(ShardIndex{0}, {token, "", true}, out_);
    table_.on_local_answer(ShardIndex{1}, {token, "", true}, out_);
    table_.on_answer(kStart, kC, {token, "c", true, {}, 1}, out_);
    table_.on_answer(kStart, kB, {token, "b1", false, {}, 1}, out_);
    table_.on_answer(kStart, kB, {token, "b3", true, {}, 3}, out_);
    EXPECT_EQ(result(), nullptr) << "the second part may still come";
    table_.on_deadline(kStart + 1s, out_);
    ASSERT_NE(result(), nullptr);
    EXPECT_EQ(result()->missing, (std::vector<std::string>{"n2"}));
    EXPECT_EQ(result()->parts, (std::vector<std::string>{"c", "b1", "b3"}));
}

TEST_F(QueryTableTest, PartsCountOnceInWhateverOrderTheyCome) {
    const std::uint64_t token = ask();
    table_.on_local_answer(ShardIndex{0}, {token, "", true}, out_);
    table_.on_local_answer(ShardIndex{1}, {token, "", true}, out_);
    table_.on_answer(kStart, kC, {token, "c", true, {}, 1}, out_);
    table_.on_answer(kStart, kB, {token, "b2", true, {}, 2}, out_);
    table_.on_answer(kStart, kB, {token, "b2", true, {}, 2}, out_);
    EXPECT_EQ(result(), nullptr);
    table_.on_answer(kStart, kB, {token, "b1", false, {}, 1}, out_);
    ASSERT_NE(result(), nullptr);
    EXPECT_EQ(result()->parts, (std::vector<std::string>{"c", "b2", "b1"}));
    EXPECT_TRUE(result()->missing.empty());
}

TEST_F(QueryTableTest, IgnoresAnswersThatNobodyAskedFor) {
    const std::uint64_t token = ask();
    table_.on_answer(kStart, OriginId{99}, {token, "x", true}, out_);
    table_.on_answer(kStart, kB, {token + 1, "x", true}, out_);
    table_.on_local_answer(ShardIndex{0}, {token + 1, "x", true}, out_);
    EXPECT_EQ(out_.size(), 2u);
}

TEST_F(QueryTableTest, OnePeerCannotFillTheTable) {
    for (std::uint64_t id = 0; id < 5000; ++id) {
        static_cast<void>(table_.on_ask(kStart, kB, {id, "q", 60'000}, {}, out_));
    }
    EXPECT_EQ(out_.size(), 2 * Limits{}.queries_per_peer);
    EXPECT_TRUE(table_.ask(kStart, kAsker, {7, "q", 1s}, {kB}, {}, out_));
}

TEST_F(QueryTableTest, WhatOurOwnShardsSayTooMuchOfMakesTheAnswerPartial) {
    const std::uint64_t token = ask();
    table_.on_answer(kStart, kB, {token, "", true}, out_);
    table_.on_answer(kStart, kC, {token, "", true}, out_);
    table_.on_local_answer(ShardIndex{0}, {token, std::string(Limits{}.query_bytes, 'x'), false}, out_);
    table_.on_local_answer(ShardIndex{0}, {token, "y", true}, out_);
    table_.on_local_answer(ShardIndex{1}, {token, "", true}, out_);
    ASSERT_NE(result(), nullptr);
    EXPECT_EQ(result()->parts.size(), 1u);
    EXPECT_EQ(result()->missing, (std::vector<std::string>{"self"}));
}

TEST_F(QueryTableTest, WhatIsCollectedIsBoundedInBytes) {
    const std::uint64_t token = ask();
    for (int i = 0; i < 1000; ++i) {
        table_.on_answer(kStart, kB, {token, std::string(kMaxQueryPartBytes, 'x'), false}, out_);
    }
    table_.on_answer(kStart, kC, {token, "", true}, out_);
    table_.on_local_answer(ShardIndex{0}, {token, "", true}, out_);
    table_.on_local_answer(ShardIndex{1}, {token, "", true}, out_);
    ASSERT_NE(result(), nullptr);
    EXPECT_LE(result()->parts.size() * kMaxQueryPartBytes, Limits{}.query_bytes);
    EXPECT_EQ(result()->missing, (std::vector<std::string>{"n2"}));
}

}  // namespace
}  // namespace tulle::mesh::query_table_test
