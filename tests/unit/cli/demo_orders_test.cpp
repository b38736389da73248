// The orders of the demonstration page, as `tulle up` reads them from its pipe.
#include "tools/cli/demo_orders.hpp"

#include <unistd.h>

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace tulle::cli::demo_orders_test {
namespace {

/// The orders as "kill n1" and "start n2", each with a blank behind.
std::string told(DemoOrders& orders) {
    std::string text;
    for (const DemoOrder& order : orders.next()) {
        text += (order.is_start ? "start " : "kill ") + order.node + " ";
    }
    return text;
}

void write(const DemoOrders& orders, std::string_view text) {
    ASSERT_EQ(::write(orders.node_end(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

TEST(CliDemoOrders, ReadsWholeLinesInTheirOrder) {
    DemoOrders orders;
    EXPECT_EQ(told(orders), "");
    write(orders, "kill n1\nstart n2\nki");
    EXPECT_EQ(told(orders), "kill n1 start n2 ");
    EXPECT_EQ(told(orders), "");
    write(orders, "ll n3\n");
    EXPECT_EQ(told(orders), "kill n3 ");
}

TEST(CliDemoOrders, IgnoresOtherLines) {
    DemoOrders orders;
    write(orders, "\nstop n1\nkill\nkilln1\n start n1\nstart n2\n");
    EXPECT_EQ(told(orders), "start n2 ");
}

TEST(CliDemoOrders, AFullPipeTakesNoMoreAndNobodyWaits) {
    DemoOrders orders;
    const std::string line = "kill n1\n";
    std::size_t taken = 0;
    while (::write(orders.node_end(), line.data(), line.size()) == static_cast<ssize_t>(line.size())) {
        ++taken;
    }
    EXPECT_GT(taken, 1'000U);
    EXPECT_EQ(orders.next().size(), taken);
    write(orders, line);
    EXPECT_EQ(told(orders), "kill n1 ");
}

}  // namespace
}  // namespace tulle::cli::demo_orders_test
