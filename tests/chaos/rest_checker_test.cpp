#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/chaos/judged.hpp"
#include "tools/chaos/checker.hpp"

namespace tulle::chaos::rest_checker_test {
namespace {

/// What is read when all is at rest, and what users are told of each other before.
class Rest : public Judged {
protected:
    void enter(int at, std::uint32_t node, const std::string& user) {
        history_.add(at, EventKind::kEntered, node, user);
    }
    void part(int at, std::uint32_t node, const std::string& user) { history_.add(at, EventKind::kParted, node, user); }
    void told(int at, std::uint32_t node, const std::string& observer, const std::string& user, bool has_come) {
        Event& event = history_.add(at, EventKind::kMemberTold, node, user);
        event.interest = observer;
        event.number = has_come ? 1 : 0;
    }
    void read(int at, std::uint32_t node, const std::string& what, const std::string& answer) {
        history_.add(at, EventKind::kRead, node, what).interest = answer;
    }
    /// Of publisher 2, to its cache channel.
    void publish_to_cache(int at, std::uint64_t number, EventKind outcome = EventKind::kAccepted) {
        history_.publish(at, 2, number, outcome).channel = cache_channel(2);
    }
    void read_cache(int at, const std::string& answer) {
        read(at, 1, kCacheRead + std::to_string(cache_channel(2)), answer);
    }
};

TEST_F(Rest, ReadsOfWhatIsTruePass) {
    enter(2'000, 1, "a");
    enter(2'100, 2, "b");
    enter(2'200, 3, "guest");
    part(3'000, 3, "guest");
    read(20'000, 1, kMembersRead, "a,b");
    read(20'000, 3, kUsersRead, "a,b");
    read(20'000, 3, kChannelsRead, "chaos-1,presence-chaos");
    EXPECT_EQ(verdict("PR").checked, 1U);
    EXPECT_EQ(verdict("PR").violations, 0U);
    EXPECT_EQ(verdict("RD").checked, 2U);
    EXPECT_EQ(verdict("RD").violations, 0U);
}

TEST_F(Rest, FindsAGhostAndAMissingUser) {
    enter(2'000, 1, "a");
    enter(2'200, 3, "guest");
    part(3'000, 3, "guest");
    read(20'000, 1, kMembersRead, "a,guest");
    read(20'000, 3, kUsersRead, "");
    EXPECT_EQ(verdict("PR").violations, 1U);
    EXPECT_EQ(verdict("RD").violations, 1U);
}

TEST_F(Rest, FindsAChannelThatIsNoMore) {
    history_.unsubscribe(5'000, 1);
    history_.unsubscribe(5'000, 2);
    history_.unsubscribe(5'000, 3);
    read(20'000, 1, kChannelsRead, "chaos-1");
    read(20'000, 2, kChannelsRead, "");
    EXPECT_EQ(verdict("RD").violations, 1U);
}

TEST_F(Rest, FindsAFlap) {
    enter(2'000, 1, "a");
    enter(2'000, 2, "b");
    told(15'000, 1, "a", "b", false);
    told(15'010, 1, "a", "b", true);
    EXPECT_EQ(verdict("PR").violations, 2U);
}

TEST_F(Rest, IsToldRightlyOfWhoComesOrWhoseNodeWasHarmed) {
    enter(2'000, 1, "a");
    enter(8'000, 2, "b");
    told(8'010, 1, "a", "b", true);
    enter(2'000, 3, "c");
    history_.add(14'000, EventKind::kStop, 3);
    told(16'500, 1, "a", "c", false);
    history_.add(17'000, EventKind::kContinue, 3);
    told(17'100, 1, "a", "c", true);
    EXPECT_EQ(verdict("PR").violations, 0U);
    EXPECT_EQ(verdict("PR").notes.at("changes told while somebody came or went"), 3U);
}

TEST_F(Rest, TheLastAcceptedEventIsInTheCache) {
    publish_to_cache(5'000, 1);
    publish_to_cache(6'000, 2);
    read_cache(20'000, "2:2");
    EXPECT_EQ(verdict("CA").checked, 1U);
    EXPECT_EQ(verdict("CA").violations, 0U);
}

TEST_F(Rest, FindsAnOldEventAndAnEmptyCache) {
    publish_to_cache(5'000, 1);
    publish_to_cache(6'000, 2);
    read_cache(20'000, "2:1");
    read_cache(20'000, "nothing");
    read_cache(20'000, "no answer");
    EXPECT_EQ(verdict("CA").violations, 3U);
}

TEST_F(Rest, WhatIsInDoubtMayBeInTheCache) {
    publish_to_cache(5'000, 1);
    publish_to_cache(6'000, 2, EventKind::kUnknown);
    publish_to_cache(7'000, 3, EventKind::kRefused);
    read_cache(20'000, "2:1");
    read_cache(20'000, "2:2");
    read_cache(20'000, "2:3");
    EXPECT_EQ(verdict("CA").violations, 1U) << "the refused one";
}

TEST_F(Rest, TheLastWordOfWebhooksIsTrue) {
    const auto subscribe = [this](int at, std::uint32_t subscription, std::uint32_t channel) {
        Event& event = history_.add(at, EventKind::kSubscribed, 1);
        event.subscription = subscription;
        event.channel = kFirstHookChannel + channel;
    };
    const auto hook = [this](int at, const std::string& event, std::uint32_t channel) {
        history_.add(at, EventKind::kHook, 0, event).interest = channel_name(kFirstHookChannel + channel);
    };
    for (std::uint32_t channel = 0; channel < 6; ++channel) {
        subscribe(3'000, 10 + channel, channel);
    }
    for (const std::uint32_t gone : {1U, 3U, 5U}) {
        history_.unsubscribe(6'000, 10 + gone);
    }
    hook(3'100, "channel_occupied", 0);  // true
    hook(3'100, "channel_occupied", 1);  // true in the end
    hook(7'000, "channel_vacated", 1);
    hook(7'000, "channel_vacated", 2);   // wrong: it is occupied
    hook(3'100, "channel_occupied", 3);  // wrong: it was vacated
    // Nothing is told of 4, which is occupied: wrong; nothing of 5, which was so for a moment: right.
    hook(25'000, "channel_occupied", 4);  // too late
    read(20'000, 0, kHooksRead, "");
    EXPECT_EQ(verdict("WH").checked, 6U);
    EXPECT_EQ(verdict("WH").violations, 3U);
}

TEST_F(Rest, SaysSoWhenNothingWasRead) {
    static_cast<void>(verdict("PR"));
    EXPECT_NE(std::find(report_->skipped.begin(), report_->skipped.end(),
                        "RD, CA, WH, and PR at rest: nothing was read at rest"),
              report_->skipped.end());
}

}  // namespace
}  // namespace tulle::chaos::rest_checker_test
