#include "node/admin/admin_tokens.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tulle::node::admin_tokens_test {
namespace {

const std::string kOne = "0123456789abcdef";
const std::string kOther = "fedcba9876543210";

TEST(AdminTokens, AreLinesOfNameScopeAndToken) {
    const ParsedAdminTokens parsed =
        parse_admin_tokens("# who may look\n\nprometheus read " + kOne + "\n \tops\toperate  " + kOther + " \r\n");
    EXPECT_EQ(parsed.error, "");
    ASSERT_EQ(parsed.tokens.size(), 2u);
    EXPECT_EQ(parsed.tokens[0].name, "prometheus");
    EXPECT_EQ(parsed.tokens[0].scope, AdminScope::kRead);
    EXPECT_EQ(parsed.tokens[0].secret, kOne);
    EXPECT_EQ(parsed.tokens[1].name, "ops");
    EXPECT_EQ(parsed.tokens[1].scope, AdminScope::kOperate);
    EXPECT_EQ(parsed.tokens[1].secret, kOther) << "blanks and the line break of Windows belong to no token";
}

struct BadTokens {
    std::string text;
    std::size_t line;
    std::string error;
};

TEST(AdminTokens, AnErrorNamesTheLineAndNeverAWordOfTheFile) {
    const std::string form = "a line must be NAME SCOPE TOKEN, with the scope read or operate";
    std::string many;
    for (int i = 0; i <= static_cast<int>(kMaxAdminTokens); ++i) {
        many += "n" + std::to_string(i) + " read " + kOne + std::to_string(i) + "\n";
    }
    const std::string short_one = kOne.substr(1);
    const BadTokens bad[] = {
        {"", 0, "holds no token: " + form},
        {"# nothing\n\n", 0, "holds no token: " + form},
        {kOne, 1, form},
        {"a read\n", 1, form},
        {"\na " + kOne + " read\n", 2, form},
        {"a READ " + kOne, 1, form},
        {"a read " + kOne + " # mine", 1, form},
        {"a/b read " + kOne, 1, "the name must be 1 to 64 of the characters A-Z a-z 0-9 - _ ."},
        {std::string(65, 'a') + " read " + kOne, 1, "the name must be 1 to 64 of the characters A-Z a-z 0-9 - _ ."},
        {"a read " + short_one, 1, "the token must have 16 to 256 characters"},
        {"a read " + std::string(257, 'x'), 1, "the token must have 16 to 256 characters"},
        {"a read " + kOne + "\"", 1, "the token may have the characters A-Z a-z 0-9 - . _ ~ + / = alone"},
        {"a read " + kOne + "\na read " + kOther, 2, "an earlier line has the same name"},
        {"a read " + kOne + "\nb operate " + kOne, 2, "an earlier line has the same token"},
        {many, kMaxAdminTokens + 1, "more than 64 tokens"},
    };
    for (const BadTokens& each : bad) {
        const ParsedAdminTokens parsed = parse_admin_tokens(each.text);
        EXPECT_EQ(parsed.error, each.error) << each.text;
        EXPECT_EQ(parsed.line, each.line) << each.text;
        EXPECT_TRUE(parsed.tokens.empty());
        EXPECT_EQ(parsed.error.find(short_one), std::string::npos);
    }
}

TEST(AdminTokens, FindsExactlyTheTokensOfTheFile) {
    const AdminTokens tokens(parse_admin_tokens("a read " + kOne + "\nb operate " + kOther).tokens);
    ASSERT_NE(tokens.find(kOne), nullptr);
    EXPECT_EQ(tokens.find(kOne)->name, "a");
    ASSERT_NE(tokens.find(kOther), nullptr);
    EXPECT_EQ(tokens.find(kOther)->scope, AdminScope::kOperate);
    for (const std::string& wrong : {std::string(), kOne.substr(1), kOne + "0", kOne + kOther, std::string("?"),
                                     std::string("0123456789ABCDEF"), kOne + std::string(1, '\0')}) {
        EXPECT_EQ(tokens.find(wrong), nullptr) << wrong;
    }
    EXPECT_TRUE(AdminTokens().empty());
    EXPECT_EQ(AdminTokens().find(""), nullptr);
    for (const AdminTokens::Entry& entry : tokens.entries()) {
        EXPECT_EQ(entry.digest.find(kOne), std::string::npos) << "the secret itself is not kept";
    }
}

TEST(AdminTokens, AProgramSendsABareTokenOrTheStrongestOfTheNodesFile) {
    EXPECT_EQ(admin_token_to_send(kOne + "\n"), kOne);
    EXPECT_EQ(admin_token_to_send("\n " + kOne), kOne);
    EXPECT_EQ(admin_token_to_send("# mine\na read " + kOne + "\nb operate " + kOther + "\n"), kOther);
    EXPECT_EQ(admin_token_to_send("a read " + kOne + "\nb read " + kOther), kOne);
    for (const std::string& none : {std::string(), std::string("short"), kOne + " " + kOther, kOne + "\n" + kOther,
                                    std::string("a read short"), kOne + "\"", std::string(300, 'x')}) {
        EXPECT_EQ(admin_token_to_send(none), "") << none;
    }
}

}  // namespace
}  // namespace tulle::node::admin_tokens_test
