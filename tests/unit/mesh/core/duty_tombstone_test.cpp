#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mesh/core/duty/duty_desk.hpp"
#include "mesh/core/duty/duty_source.hpp"

/// Which ends of items are remembered, since a lost holder may have told otherwise meanwhile.
namespace tulle::mesh::duty_tombstone_test {
namespace {

constexpr DutyMember kSelf{OriginId{1}, kOwnTie};
constexpr DutyMember kHolder{OriginId{2}, DutyTie{2}};
constexpr DutyMember kNext{OriginId{3}, DutyTie{3}};
constexpr Instant kStart{1s};

DutyMembers members_of(const std::vector<DutyMember>& list) {
    DutyMembers members;
    for (const DutyMember& member : list) {
        members.add(member);
    }
    return members;
}

/// A holder tells 1, then 0, and its session ends as given. True when the next desk is told that the holder is lost.
bool is_holder_lost(DutyEnd end) {
    std::string key = "app/k";
    while (members_of({kSelf, kHolder}).responsible(stable_hash(key)) != kSelf.tie ||
           members_of({kSelf, kNext}).responsible(stable_hash(key)) != kNext.tie) {
        key += "k";
    }
    DutyDesk desk({}, {});
    desk.set_members(members_of({kSelf, kHolder}), {});
    for (const std::uint64_t count : {1u, 0u}) {
        std::vector<DutyChanged> changes;
        desk.on_report(kStart, kHolder, {.key = key, .item = "i", .revision = 2 - count, .current = count});
        desk.act(kStart, true, changes);
        EXPECT_EQ(changes.size(), 1u);
        EXPECT_TRUE(desk.on_done(kStart, {changes.at(0).token, count}));
    }
    desk.lose(kStart, kHolder.tie, end);
    desk.set_members(members_of({kSelf}), {});
    desk.work(kStart);
    desk.work(kStart + Timing{}.duty_grace);
    desk.set_members(members_of({kSelf, kNext}), {});
    desk.work(kStart + Timing{}.duty_grace);
    const std::vector<DutyDesk::HandedOn> handed_on = desk.take_handed_on();
    EXPECT_EQ(handed_on.size(), 1u);
    return handed_on.at(0).holder_lost;
}

TEST(DutyTombstone, AHolderWhoseLastWordWasNothingMayHaveToldOtherwiseSince) {
    EXPECT_TRUE(is_holder_lost(DutyEnd::kAnswered));
    EXPECT_TRUE(is_holder_lost(DutyEnd::kUnanswered));
    EXPECT_TRUE(is_holder_lost(DutyEnd::kDeaf));
}

TEST(DutyTombstone, AHolderThatLeftInOrderHasToldNothingSince) {
    EXPECT_FALSE(is_holder_lost(DutyEnd::kLeft));
}

TEST(DutyTombstone, OneThatWasHandedOverTwiceIsKeptWhenEitherWordKnewOfALostHolder) {
    const DutyMembers members = members_of({kSelf, kNext});
    std::string key = "app/k";
    while (members.responsible(stable_hash(key)) != kNext.tie) {
        key += "k";
    }
    DutySource source({});
    source.set_members(members);
    source.work();
    source.adopt({key, "i"}, {.told = 0, .told_version = 2, .doubt = {}, .info = nullptr, .holder_lost = true});
    source.adopt({key, "i"}, {.told = 0, .told_version = 2, .doubt = {}, .info = nullptr, .holder_lost = false});
    DutyMail mail;
    ASSERT_TRUE(source.compose(kNext.tie, mail));
    ASSERT_EQ(mail.reports.size(), 1u);
    source.on_settle(kNext.tie, {key, "i", mail.reports[0].revision, 0, 3, true});
    EXPECT_EQ(source.items(), 0u);
    EXPECT_EQ(source.tombstones(), 1u);
}

}  // namespace
}  // namespace tulle::mesh::duty_tombstone_test
