#include "node/pusher/wire/user_data.hpp"

#include <gtest/gtest.h>

#include "node/pusher/core/limits.hpp"

namespace tulle::node::pusher::user_data_test {
namespace {

UserData parsed(std::string_view text) {
    const auto user = parse_user_data(text);
    EXPECT_TRUE(user.has_value()) << text;
    return user ? *user : UserData{};
}

TEST(UserData, HasTheUserAsPresenceChannelsShowIt) {
    EXPECT_EQ(parsed(R"({"id":"ann"})").member, (Member{"ann", "\"ann\"\n"}));
    EXPECT_EQ(parsed(R"({"id":7,"user_info":{ "n":1.0}})").member, (Member{"7", "7\n{ \"n\":1.0}"}));
    EXPECT_TRUE(parsed(R"({"id":"ann"})").watchlist.empty());
    EXPECT_TRUE(parsed(R"({"id":"ann","watchlist":null})").watchlist.empty());
    EXPECT_EQ(parsed(R"({"id":"ann","watchlist":["b",7,18446744073709551615]})").watchlist,
              (std::vector<std::string>{"b", "7", "18446744073709551615"}));
}

TEST(UserData, IsCutToTheFirstUsersOfALongWatchlist) {
    const auto with = [](std::size_t count) {
        std::string text = R"({"id":"ann","watchlist":[)";
        for (std::size_t i = 0; i < count; ++i) {
            text += (i > 0 ? "," : "") + std::to_string(i);
        }
        return text + "]}";
    };
    EXPECT_FALSE(parsed(with(kMaxWatchlist)).is_watchlist_cut);
    const UserData cut = parsed(with(kMaxWatchlist + 1));
    EXPECT_TRUE(cut.is_watchlist_cut);
    EXPECT_EQ(cut.watchlist.size(), kMaxWatchlist);
    EXPECT_EQ(cut.watchlist.back(), "99");
}

TEST(UserData, IsRefusedWithItsReason) {
    const auto error = [](const std::string& text) { return parse_user_data(text).error(); };
    for (const char* text : {"", "7", "[]", "{"}) {
        EXPECT_EQ(error(text), UserDataErrc::kNoObject) << text;
    }
    for (const char* text : {R"({"id":1,"id":2})", R"({"id":1,"watchlist":[],"watchlist":[]})"}) {
        EXPECT_EQ(error(text), UserDataErrc::kDuplicate) << text;
    }
    for (const char* text : {R"({"id":"\udc00"})", R"({"id":"a","watchlist":["b","\ud800x"]})"}) {
        EXPECT_EQ(error(text), UserDataErrc::kHalfCharacter) << text;
    }
    EXPECT_TRUE(parse_user_data(R"({"id":"a","user_info":{"name":"\ud83d"}})").has_value());
    for (const char* text : {"{}", R"({"id":""})", R"({"id":null})", R"({"id":1.5})", R"({"id":{}})"}) {
        EXPECT_EQ(error(text), UserDataErrc::kNoId) << text;
    }
    EXPECT_TRUE(parse_user_data(R"({"id":")" + std::string(kMaxSignInIdCharacters, 'u') + R"("})").has_value());
    EXPECT_EQ(error(R"({"id":")" + std::string(kMaxSignInIdCharacters + 1, 'u') + R"("})"), UserDataErrc::kIdTooLong);
    const auto chinese = [](std::size_t characters) {
        std::string id;
        for (std::size_t i = 0; i < characters; ++i) {
            id.append("\xe4\xb8\xad");
        }
        return R"({"id":")" + id + R"("})";
    };
    EXPECT_TRUE(parse_user_data(chinese(kMaxSignInIdBytes / 3)).has_value()) << "counted by characters";
    EXPECT_EQ(error(chinese(kMaxSignInIdBytes / 3 + 1)), UserDataErrc::kIdTooLong) << "beyond what the mesh carries";
    EXPECT_EQ(error(R"({"id":")" + std::string(kMaxUserIdBytes + 1, 'u') + R"("})"), UserDataErrc::kIdTooLong);
    for (const char* text : {R"({"id":"a","watchlist":"b"})", R"({"id":"a","watchlist":[""]})",
                             R"({"id":"a","watchlist":[true]})", R"({"id":"a","watchlist":{}})"}) {
        EXPECT_EQ(error(text), UserDataErrc::kBadWatchlist) << text;
    }
    EXPECT_EQ(error(R"({"id":"a","watchlist":[")" + std::string(kMaxSignInIdCharacters + 1, 'u') + R"("]})"),
              UserDataErrc::kBadWatchlist);
    EXPECT_EQ(error(R"({"id":"a","x":")" + std::string(kMaxUserDataBytes, 'x') + R"("})"), UserDataErrc::kTooLarge);
}

}  // namespace
}  // namespace tulle::node::pusher::user_data_test
