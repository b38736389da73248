#include "node/wire/client_rows.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "node/wire/first_rows.hpp"

namespace tulle::node::client_rows_test {
namespace {

ConnectionRow row(const std::string& id, std::uint64_t outbox) {
    return {
        .id = id, .kind = "protocol", .app = "app", .address = "10.0.0.1", .numbers = {5, 3, outbox, 7}, .node = "n1"};
}

TEST(ClientRows, AreReadAsTheyWereWritten) {
    AnswerWriter out({.node = "n1", .total = 9, .users = 4, .subscribers = 2}, 10'000);
    ConnectionRow full = row("1.2", 100);
    full.user = "\"ann\"";
    full.channels = {"a", "#server-to-user-\"x"};
    ConnectionRow bare = row("7@n1", 0);
    bare.numbers.received.reset();
    const ChannelRow channel{"app", "presence-x", 3, 2};
    out.add(full);
    out.add(bare);
    out.add(channel);
    out.add("ann");
    const std::vector<std::string> parts = out.finish();
    ASSERT_EQ(parts.size(), 1u);
    const std::optional<AnswerPart> part = read_answer_part(parts[0]);
    ASSERT_TRUE(part.has_value());
    EXPECT_EQ(part->head.node, "n1");
    EXPECT_EQ(part->head.total, 9u);
    EXPECT_EQ(part->head.users, 4u);
    EXPECT_EQ(part->head.subscribers, 2u);
    EXPECT_EQ(part->connections, (std::vector<ConnectionRow>{full, bare}));
    EXPECT_EQ(part->channels, std::vector<ChannelRow>{channel});
    EXPECT_EQ(part->texts, std::vector<std::string>{"ann"});
}

TEST(ClientRows, GoIntoPartsThatCanBeReadAlone) {
    constexpr std::size_t kPart = 1'000;
    AnswerWriter out({.node = "n1", .total = 50}, kPart);
    for (int i = 0; i < 50; ++i) {
        out.add(row(std::to_string(i), 0));
    }
    const std::vector<std::string> parts = out.finish();
    EXPECT_GT(parts.size(), 5u);
    std::size_t rows = 0;
    std::uint64_t total = 0;
    for (const std::string& text : parts) {
        EXPECT_LE(text.size(), kPart);
        const std::optional<AnswerPart> part = read_answer_part(text);
        ASSERT_TRUE(part.has_value());
        EXPECT_EQ(part->head.node, "n1");
        rows += part->connections.size();
        total += part->head.total;
    }
    EXPECT_EQ(rows, 50u);
    // Readers add the numbers up, so only one part has them.
    EXPECT_EQ(total, 50u);
}

TEST(ClientRows, OfAConnectionWithTenThousandChannelsFitIntoAPart) {
    ConnectionRow many = row("1.2", 0);
    for (int i = 0; i < 10'000; ++i) {
        many.channels.push_back("#server-to-user-" + std::string(190, '\x01'));
    }
    AnswerWriter out({.node = "n1", .total = 1}, 192u << 10);
    out.add(many);
    const std::vector<std::string> parts = out.finish();
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_LE(parts[0].size(), 192u << 10);
    const std::optional<AnswerPart> part = read_answer_part(parts[0]);
    ASSERT_TRUE(part.has_value());
    ASSERT_EQ(part->connections.size(), 1u);
    EXPECT_GT(part->connections[0].channels.size(), 10u);
}

TEST(ClientRows, NameHundredsOfChannelsOfAConnection) {
    ConnectionRow many = row("1.2", 0);
    for (int i = 0; i < 300; ++i) {
        many.channels.push_back(std::to_string(1'000 + i) + std::string(196, 'c'));
    }
    AnswerWriter out({.node = "n1", .total = 1}, 192u << 10);
    out.add(many);
    const std::optional<AnswerPart> part = read_answer_part(out.finish()[0]);
    ASSERT_TRUE(part.has_value());
    EXPECT_EQ(part->connections.at(0).channels, many.channels);
}

TEST(ClientRows, AreUtf8WhateverAClientCallsItself) {
    ConnectionRow odd = row("1@n1", 0);
    odd.user = "a\xFF\x80z";
    AnswerWriter out({.node = "n1"}, 10'000);
    out.add(odd);
    const std::optional<AnswerPart> part = read_answer_part(out.finish()[0]);
    ASSERT_TRUE(part.has_value());
    EXPECT_EQ(part->connections.at(0).user, "a??z");
}

TEST(ClientRows, OfAPeerAreReadWithCare) {
    for (const char* text : {"", "x", "[]", "{}", R"({"rows":[]})", R"({"node":"n1"})", R"({"node":"n1","rows":3})"}) {
        EXPECT_FALSE(read_answer_part(text).has_value()) << text;
    }
    const std::optional<AnswerPart> part = read_answer_part(
        R"({"node":"n1","total":-5,"users":"x","rows":[7,null,[],{},{"id":3},{"name":"a","subscribers":-1},"t",)"
        R"({"id":"1.2","outbox":9223372036854775807,"channels":[1,"a"]}]})");
    ASSERT_TRUE(part.has_value());
    EXPECT_EQ(part->head.total, 0u);
    ASSERT_EQ(part->connections.size(), 2u);
    EXPECT_EQ(part->connections[0].id, "");
    // The sum of any number of nodes does not overflow.
    EXPECT_LT(part->connections[1].numbers.outbox, std::uint64_t{1} << 49);
    EXPECT_EQ(part->connections[1].channels, std::vector<std::string>{"a"});
    ASSERT_EQ(part->channels.size(), 1u);
    EXPECT_EQ(part->channels[0].subscribers, 0u);
    EXPECT_EQ(part->texts, std::vector<std::string>{"t"});
}

TEST(ClientRows, HaveATotalOrder) {
    EXPECT_TRUE(comes_before(row("b", 2), row("a", 1), ClientOrder::kOutbox));
    EXPECT_TRUE(comes_before(row("a", 1), row("b", 1), ClientOrder::kOutbox));
    EXPECT_FALSE(comes_before(row("a", 1), row("a", 1), ClientOrder::kOutbox));
    ConnectionRow old = row("z", 0);
    old.numbers.age_ms = 50;
    EXPECT_TRUE(comes_before(old, row("a", 0), ClientOrder::kOldest));
    EXPECT_FALSE(comes_before(old, row("a", 0), ClientOrder::kNewest));
    EXPECT_TRUE(comes_before(ChannelRow{"a", "z", 1, {}}, ChannelRow{"b", "a", 9, {}}, ChannelOrder::kName));
    EXPECT_FALSE(comes_before(ChannelRow{"a", "z", 1, {}}, ChannelRow{"b", "a", 9, {}}, ChannelOrder::kSubscribers));
}

TEST(FirstRows, KeepsTheFirstOfManyInOrder) {
    FirstRows<int> first(3, [](int a, int b) { return a < b; });
    for (int i = 0; i < 100; ++i) {
        first.add((i * 37) % 100);
    }
    EXPECT_EQ(first.added(), 100u);
    EXPECT_EQ(first.take(), (std::vector<int>{0, 1, 2}));
    FirstRows<int> few(3, [](int a, int b) { return a < b; });
    few.add(2);
    few.add(1);
    EXPECT_EQ(few.take(), (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace tulle::node::client_rows_test
