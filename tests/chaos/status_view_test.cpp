#include "tools/chaos/status_view.hpp"

#include <gtest/gtest.h>

namespace tulle::chaos::status_view_test {
namespace {

TEST(StatusView, TakesWhatIsJudgedAndSortsTheMembers) {
    const auto view = view_from(2, R"({"self":{"oid":"b","interest":{"version":9,"digest":"0f"}},"members":[
        {"name":"n3","oid":"c","state":"dead"},
        {"name":"n4","oid":"d","state":"alive","session":{"tag":3,"interest":{"known":false,"version":0,"digest":"0"}}},
        {"name":"n1","oid":"a","state":"alive","rtt_us":80,
         "session":{"tag":17,"peer_tag":4,"interest":{"known":true,"version":4,"digest":"1a"}}}]})");
    ASSERT_TRUE(view.has_value());
    EXPECT_EQ(view->kind, EventKind::kView);
    EXPECT_EQ(view->node, 2U);
    EXPECT_EQ(view->text, "b");
    EXPECT_EQ(view->interest, "9:0f");
    EXPECT_EQ(
        view->members,
        (std::vector<Member>{{1, "a", "alive", "17", "4:1a"}, {3, "c", "dead", "", ""}, {4, "d", "alive", "3", ""}}));
}

TEST(StatusView, WhatANodeDoesNotTellIsEmpty) {
    const auto view = view_from(1, R"({"self":{"oid":"a"},"members":[{"name":"n2","oid":"b","state":"alive"}]})");
    ASSERT_TRUE(view.has_value());
    EXPECT_EQ(view->interest, "");
    EXPECT_EQ(view->members, (std::vector<Member>{{2, "b", "alive", "", ""}}));
}

TEST(StatusView, ANameThatIsNotOfTheRunHasNoNumber) {
    const auto view = view_from(1, R"({"self":{"oid":"a"},"members":[{"name":"web","oid":"b","state":"alive"}]})");
    ASSERT_TRUE(view.has_value());
    EXPECT_EQ(view->members.front().node, 0U);
}

TEST(StatusView, RefusesWhatIsNoStatus) {
    for (const char* text : {"", "[]", "{}", R"({"self":{}})", R"({"self":1,"members":[]})",
                             R"({"self":{},"members":{}})", R"({"self":{},"members":[1]})"}) {
        EXPECT_EQ(view_from(1, text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace tulle::chaos::status_view_test
