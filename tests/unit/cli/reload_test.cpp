#include "tools/cli/reload_text.hpp"

#include <gtest/gtest.h>

namespace tulle::cli::reload_test {
namespace {

TEST(CliReload, TellsOfTheAppsAndOfTheReason) {
    EXPECT_EQ(reload_text(R"({"apps":3})"), "the configuration has been read again, apps: 3\n");
    EXPECT_EQ(reload_text(R"({"apps":3,"after_restart":"shards"})"),
              "the configuration has been read again, apps: 3\n"
              "these settings have changed and hold only after a restart: shards\n");
    EXPECT_EQ(reload_failure_text(R"({"error":"x","code":422})"), "the configuration stays as it was: x");
    EXPECT_EQ(reload_failure_text(R"({"error":"x","code":422,"apps":1})"), "x");
    EXPECT_EQ(error_in(R"({"error":"a\u001bb","code":422})"), error_in("a\x1b"
                                                                       "b"))
        << "nothing steers the terminal";
    EXPECT_EQ(error_in(R"({"error":"node.toml:1: x","code":422})"), "node.toml:1: x");
    EXPECT_EQ(error_in("<html>"), "<html>");
    EXPECT_EQ(error_in("[1]"), "[1]");
}

}  // namespace
}  // namespace tulle::cli::reload_test
