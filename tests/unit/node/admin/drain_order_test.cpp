#include "node/admin/drain_order.hpp"

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "mesh/core/node/numbers.hpp"

namespace tulle::node::drain_order_test {
namespace {

TEST(DrainOrder, GoesThroughAQuestion) {
    for (const DrainOrder& order : {DrainOrder{"n2", true}, DrainOrder{"a name with spaces", false}}) {
        EXPECT_EQ(parse_drain_query(drain_query(order)), order);
    }
    const std::string long_name(mesh::kMaxNameBytes + 1, 'n');
    for (const std::string& query : {std::string(), std::string("tulle.drain.v1 "), std::string("tulle.drain.v1"),
                                     std::string("tulle.drain.v2 n1"), "tulle.undrain.v1 " + long_name}) {
        EXPECT_EQ(parse_drain_query(query), std::nullopt) << query;
    }
}

TEST(DrainOrder, IsNotTakenByANodeThatMustStop) {
    for (const bool drains : {true, false}) {
        EXPECT_FALSE(is_drain_order_taken(drains, DrainState::kLeaving, false));
        EXPECT_TRUE(is_drain_order_taken(drains, DrainState::kMoving, false));
    }
    EXPECT_TRUE(is_drain_order_taken(true, DrainState::kMoving, true));
    EXPECT_FALSE(is_drain_order_taken(false, DrainState::kMoving, true)) << "a signal stops the node";
}

TEST(DrainOrder, FindsTheAnswerOfTheNodeThatWasMeant) {
    mesh::QueryResult result;
    result.parts = {"", "not JSON", "{}", render_drain_answer("n2", DrainState::kMoving, true)};
    const std::optional<DrainAnswer> answer = find_drain_answer(result);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->json, R"({"node":"n2","was":"moving","taken":true})");
    EXPECT_TRUE(answer->is_taken);
    result.parts.back() = render_drain_answer("n2", DrainState::kLeaving, false);
    EXPECT_FALSE(find_drain_answer(result).value().is_taken);
    result.parts.pop_back();
    EXPECT_FALSE(find_drain_answer(result).has_value());
}

}  // namespace
}  // namespace tulle::node::drain_order_test
