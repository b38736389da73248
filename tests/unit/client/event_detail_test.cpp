#include "client/wire/event_detail.hpp"

#include <gtest/gtest.h>

#include "client/wire/codec.hpp"

namespace tulle::client::event_detail_test {
namespace {

Detail detail(std::string_view channel, std::string_view event, std::string_view data) {
    const std::optional<Detail> decoded = decode_detail(channel, event, data);
    EXPECT_TRUE(decoded.has_value()) << event << " " << data;
    return decoded.value_or(Detail());
}

bool is_bad(std::string_view frame) {
    const auto decoded = decode(frame);
    return decoded.has_error() && decoded.error() == DecodeErrc::kBadField;
}

TEST(EventDetail, ReadsTheListOfAPresenceChannelWithTheJsonOfIdsAndInfos) {
    const auto members = decode_members(R"({"presence":{"count":3,"ids":["ann",10,"q\"t"],)"
                                        R"("hash":{"ann":{"n": 1.0},"10":null,"q\"t":"x"}}})");
    EXPECT_EQ(members, (std::vector<Member>{
                           {"ann", R"("ann")", R"({"n": 1.0})"}, {"10", "10", ""}, {"q\"t", R"("q\"t")", R"("x")"}}));
}

TEST(EventDetail, ReadsAListWithoutIdsAndAnEmptyOne) {
    EXPECT_EQ(decode_members(R"({"presence":{"hash":{"a":1}}})"), (std::vector<Member>{{"a", R"("a")", "1"}}));
    EXPECT_EQ(decode_members(R"({"presence":{"count":0,"ids":[],"hash":{}}})"), std::vector<Member>{});
}

TEST(EventDetail, RefusesAListThatIsNone) {
    for (const char* bad : {"", "{}", "[]", R"({"presence":1})", R"({"presence":{}})", R"({"presence":{"hash":[]}})"}) {
        EXPECT_EQ(decode_members(bad), std::nullopt) << bad;
    }
    EXPECT_TRUE(is_bad(R"({"event":"pusher_internal:subscription_succeeded","channel":"presence-c","data":"{}"})"));
}

TEST(EventDetail, ReadsWhoComesAndGoes) {
    EXPECT_EQ(detail("presence-c", "pusher:member_added", R"({"user_id":10,"user_info":[1, 2]})"),
              Detail(MemberAdded{{"10", "10", "[1, 2]"}, 0}));
    EXPECT_EQ(detail("presence-c", "pusher:member_removed", R"({"user_id":"ann"})"),
              Detail(MemberRemoved{{"ann", R"("ann")", ""}, 0}));
    for (const char* bad : {"", "{}", R"({"user_id":null})", R"({"user_id":""})", R"({"user_id":{}})"}) {
        EXPECT_EQ(decode_detail("presence-c", "pusher:member_added", bad), std::nullopt) << bad;
    }
    EXPECT_TRUE(is_bad(R"({"event":"pusher_internal:member_added","channel":"presence-c","data":"{}"})"));
}

TEST(EventDetail, ReadsWhatTheServerSaysOfAnyChannel) {
    EXPECT_EQ(detail("c", "pusher:subscription_count", R"({"subscription_count":7})"), Detail(SubscriptionCount{7}));
    EXPECT_EQ(decode_detail("c", "pusher:subscription_count", R"({"subscription_count":-1})"), std::nullopt);
    EXPECT_EQ(decode_detail("c", "pusher:subscription_count", "{}"), std::nullopt);
    EXPECT_EQ(detail("cache-c", "pusher:cache_miss", ""), Detail(CacheMiss{}));
    EXPECT_EQ(detail("c", "tulle:gap", R"({"missing":3})"), Detail(Gap{3}));
    EXPECT_EQ(detail("c", "tulle:gap", "x"), Detail(Gap{0}));
}

TEST(EventDetail, IsNothingForTheEventsOfOthers) {
    EXPECT_EQ(detail("presence-c", "member_added", "{}"), Detail());
    EXPECT_EQ(detail("presence-c", "client-x", "{}"), Detail());
    EXPECT_EQ(detail("c", "pusher:new_in_a_later_protocol", "{}"), Detail());
}

TEST(EventDetail, ReadsARefusedSubscriptionAsFarAsItGoes) {
    EXPECT_EQ(decode_subscription_error(R"({"type":"LimitReached","error":"full","status":4100})"),
              (Fault{FaultKind::kRefused, 4100, "LimitReached", "full"}));
    EXPECT_EQ(decode_subscription_error(R"({"status":1e9})"), (Fault{FaultKind::kRefused, std::nullopt, "", ""}));
    EXPECT_EQ(decode_subscription_error("no"), (Fault{FaultKind::kRefused, std::nullopt, "", "no"}));
}

TEST(EventDetail, ReadsASignIn) {
    const SignInSuccess expected{"7", R"({"id":7})"};
    EXPECT_EQ(*decode(R"({"event":"pusher:signin_success","data":{"user_data":"{\"id\":7}"}})"),
              ServerMessage(expected));
    EXPECT_EQ(*decode(R"({"event":"pusher:signin_success","data":"{\"user_data\":\"{\\\"id\\\":7}\"}"})"),
              ServerMessage(expected));
    for (const char* bad : {"{}", R"({"user_data":7})", R"({"user_data":"x"})", R"({"user_data":"{}"})"}) {
        EXPECT_TRUE(is_bad(R"({"event":"pusher:signin_success","data":)" + std::string(bad) + "}")) << bad;
    }
}

TEST(EventDetail, ReadsTheWatchlist) {
    EXPECT_EQ(*decode(R"({"event":"pusher_internal:watchlist_events","data":{"events":[)"
                      R"({"name":"online","user_ids":["a",7]},{"name":"else"},{"name":"offline","user_ids":[]}]}})"),
              ServerMessage(WatchlistEvents{{{true, {"a", "7"}}, {false, {}}}}));
    for (const char* bad : {"{}", R"({"events":1})", R"({"events":[1]})"}) {
        EXPECT_TRUE(is_bad(R"({"event":"pusher_internal:watchlist_events","data":)" + std::string(bad) + "}")) << bad;
    }
}

}  // namespace
}  // namespace tulle::client::event_detail_test
