#include "node/redis/wire/question.hpp"

#include <string>

#include <gtest/gtest.h>

#include "node/redis/core/limits.hpp"

namespace tulle::node::redis::question_test {
namespace {

TEST(Question, IsReadAsItWasWritten) {
    const Question question{.what = Question::What::kNames,
                            .realm = "shop",
                            .kind = Kind::kPattern,
                            .names = {"a", std::string("\0\xff", 2)},
                            .pattern = "x*",
                            .wants_number = true};
    EXPECT_EQ(decode_question(encode(question)), question);
    EXPECT_FALSE(decode_question("{\"app\":\"a\"}")) << "a question of another protocol";
    EXPECT_FALSE(decode_question(""));
    std::string text = encode(question);
    text.resize(text.size() - 1);
    EXPECT_FALSE(decode_question(text));
}

TEST(Question, IsSplitIntoTextsThatTheMeshTakes) {
    Question question{.realm = "shop"};
    for (int i = 0; i < 100; ++i) {
        question.names.emplace_back(static_cast<std::size_t>(i * 40), 'x');
    }
    question.names.emplace_back(kMaxNameBytes, 'y');
    std::size_t names = 0;
    for (const Question& part : split(question, 4096)) {
        EXPECT_LE(encode(part).size(), 4096u);
        names += part.names.size();
    }
    EXPECT_EQ(names, question.names.size());
}

TEST(Answer, AddsTheNodesUp) {
    Receivers first;
    Receivers second;
    (void)first.add(Kind::kChannel, "a");
    (void)second.add(Kind::kChannel, "a");
    (void)second.add(Kind::kChannel, "b");
    const Question question{.names = {"a", "b", "c"}};
    std::vector<std::string> parts = answer(question, first, 1000);
    for (std::string& part : answer(question, second, 1000)) {
        parts.push_back(std::move(part));
    }
    parts.emplace_back("not an answer");
    parts.emplace_back();
    const Answers sums = sum(parts);
    EXPECT_EQ(sums.counts.at("a"), 2u);
    EXPECT_EQ(sums.counts.at("b"), 1u);
    EXPECT_FALSE(sums.counts.contains("c"));
}

TEST(CountChange, IsToldWholeInParts) {
    Receivers node;
    for (int i = 0; i < 100; ++i) {
        (void)node.add(Kind::kShardChannel, std::string(100, 'x') + std::to_string(i));
    }
    std::optional<CountChange> change = node.take_change(kMaxToldBytes);
    ASSERT_TRUE(change);
    change->node = OriginId(5);
    EXPECT_EQ(decode_count_change(encode(*change)), change);
    CountChange all = node.told();
    all.node = OriginId(5);
    std::vector<std::string> parts = encode_told(all, 1000);
    EXPECT_GT(parts.size(), 10u);
    for (const std::string& part : parts) {
        EXPECT_LE(part.size(), 1000u);
    }
    ASSERT_EQ(decode_told(parts).size(), 1u);
    EXPECT_EQ(decode_told(parts).front(), all);
    parts.pop_back();
    EXPECT_TRUE(decode_told(parts).empty()) << "a part is missing";
}

}  // namespace
}  // namespace tulle::node::redis::question_test
