#include "node/app/config_history.hpp"

#include <string>

#include <gtest/gtest.h>

#include "node/app/config_file.hpp"

namespace tulle::node::config_history_test {
namespace {

const std::string kApp = "[[apps]]\nid = \"1\"\nkey = \"k\"\nsecret = \"s\"\n";

ConfigFile parse(const std::string& rules) {
    return parse_config_file(kApp + rules, "f.toml");
}

std::string error_of(const std::string& rules) {
    try {
        parse(rules);
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "no error";
}

TEST(ConfigHistory, TheFirstRuleThatFitsHolds) {
    const App app = parse(
                        "[[apps.history]]\nchannel_name_starts_with = \"pay-\"\nchannel_name_ends_with = \"-x\"\n"
                        "ack = 3\n"
                        "[[apps.history]]\nchannel_name_starts_with = \"pay-\"\nack = 2\n"
                        "[[apps.history]]\nchannel_name_starts_with = \"log-\"\n")
                        .apps[0];
    ASSERT_EQ(app.history.size(), 3u);
    const auto ack_of = [&app](std::string_view channel) {
        const HistoryRule* rule = rule_for(app.history, channel);
        return rule == nullptr ? 0 : int{rule->ack};
    };
    EXPECT_EQ(ack_of("pay-1-x"), 3);
    EXPECT_EQ(ack_of("pay-1"), 2);
    EXPECT_EQ(ack_of("log-1"), 1) << "what a 200 means without a rule";
    EXPECT_EQ(ack_of("other"), 0);
}

TEST(ConfigHistory, ARuleForEveryChannelNeedsNoNames) {
    EXPECT_EQ(parse("[[apps.history]]\nack = 2\n").apps[0].history, (std::vector<HistoryRule>{{"", "", 2}}));
}

TEST(ConfigHistory, ARuleSaysWhatAChannelHolds) {
    const auto rule = [](const std::string& keys) { return parse("[[apps.history]]\n" + keys).apps[0].history[0]; };
    EXPECT_EQ(rule("size = 200\n"), (HistoryRule{"", "", 1, 200, 1u << 20, 2min}));
    EXPECT_EQ(rule("size = 10000\nbytes = 16777216\nttl = \"24h\"\nack = 2\n"),
              (HistoryRule{"", "", 2, 10'000, 16u << 20, 24h}));
    EXPECT_EQ(rule("ack = 2\n").size, 0u) << "no history";
    for (const std::string wrong : {"size = 0", "size = 10001", "size = 1\nbytes = 0", "size = 1\nbytes = 16777217",
                                    "size = 1\nttl = \"500ms\"", "size = 1\nttl = \"25h\"", "size = \"1\""}) {
        EXPECT_NE(error_of("[[apps.history]]\n" + wrong + "\n"), "no error") << wrong;
    }
    EXPECT_NE(error_of("[[apps.history]]\nttl = \"1m\"\n").find("without size"), std::string::npos);
}

TEST(ConfigHistory, MistakesAreNamedWithTheirPlace) {
    EXPECT_EQ(error_of("[[apps.history]]\nack = 4\n").substr(0, 8), "f.toml:6");
    EXPECT_NE(error_of("[[apps.history]]\nack = 4\n").find("3"), std::string::npos);
    EXPECT_NE(error_of("[[apps.history]]\nack = 0\n"), "no error");
    EXPECT_NE(error_of("[[apps.history]]\nacks = 2\n").find("is ack meant"), std::string::npos);
    EXPECT_NE(error_of("history = 2\n"), "no error");
    EXPECT_NE(error_of("[[apps.history]]\n[[apps.history]]\nchannel_name_starts_with = \"a\"\n").find("never holds"),
              std::string::npos);
}

TEST(ConfigHistory, AnAppHasNoMoreThanSixtyFourRules) {
    std::string rules;
    for (std::size_t i = 0; i < kMaxHistoryRules; ++i) {
        rules += "[[apps.history]]\nchannel_name_starts_with = \"" + std::to_string(100 + i) + "\"\n";
    }
    EXPECT_EQ(parse(rules).apps[0].history.size(), kMaxHistoryRules);
    EXPECT_NE(error_of(rules + "[[apps.history]]\nchannel_name_starts_with = \"x\"\n").find("64"), std::string::npos);
}

}  // namespace
}  // namespace tulle::node::config_history_test
