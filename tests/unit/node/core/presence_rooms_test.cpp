#include "node/core/presence_rooms.hpp"

#include <utility>

#include <gtest/gtest.h>

namespace tulle::node::presence_rooms_test {
namespace {

constexpr Slot kA{1};
constexpr Slot kB{2};
constexpr Slot kC{3};
const std::string kRoom = "app/presence-x";

Member member(const std::string& user) {
    return {user, "card of " + user};
}

class PresenceRoomsTest : public ::testing::Test {
protected:
    PresenceEffects take() { return std::exchange(out, {}); }

    PresenceEffects ask(Slot slot) {
        rooms.ask(slot, kRoom, out);
        return take();
    }
    PresenceEffects joined(std::uint64_t id) {
        rooms.on_joined(id, out);
        return take();
    }
    PresenceEffects changed(const std::string& user, bool is_joined) {
        rooms.on_changed(kRoom, is_joined ? member(user) : Member{user, {}}, is_joined, out);
        return take();
    }
    PresenceEffects leave(Slot slot) {
        rooms.leave(slot, kRoom, out);
        return take();
    }
    /// As the hub does it: the change first, then the answer.
    void enter(Slot slot, const std::string& user) {
        rooms.enter(slot, kRoom, member(user));
        if (rooms.users(kRoom) == nullptr) {
            rooms.on_listed(kRoom, {});
        }
        const PresenceEffects asked = ask(slot);
        if (const auto* join = std::get_if<JoinHub>(&asked[0])) {
            changed(user, true);
            joined(join->id);
        }
    }

    PresenceRooms rooms;
    PresenceEffects out;
};

TEST_F(PresenceRoomsTest, AdmitsAConnectionWhenTheHubHasTakenItsUserIn) {
    rooms.enter(kA, kRoom, member("u"));
    EXPECT_EQ(rooms.users(kRoom), nullptr);
    rooms.on_listed(kRoom, {{"other", share("card of other")}});
    EXPECT_EQ(ask(kA), (PresenceEffects{JoinHub{1, kRoom, member("u")}}));
    EXPECT_TRUE(rooms.own_cards(kRoom).empty());
    EXPECT_EQ(changed("u", true), (PresenceEffects{TellMember{kRoom, member("u"), true}}));
    EXPECT_EQ(joined(1), (PresenceEffects{Admit{kA, kRoom}}));
    EXPECT_EQ(rooms.users(kRoom)->size(), 2u);
    EXPECT_EQ(rooms.own_cards(kRoom), std::vector<std::string_view>{"card of u"});
    EXPECT_EQ(*rooms.card_of(kA, kRoom), "card of u");
}

TEST_F(PresenceRoomsTest, AsksOnceForAUserWithSeveralConnections) {
    rooms.enter(kA, kRoom, member("u"));
    rooms.enter(kB, kRoom, member("u"));
    rooms.on_listed(kRoom, {});
    EXPECT_EQ(ask(kA), (PresenceEffects{JoinHub{1, kRoom, member("u")}}));
    EXPECT_EQ(ask(kB), PresenceEffects{});
    EXPECT_EQ(joined(1), (PresenceEffects{Admit{kA, kRoom}, Admit{kB, kRoom}}));
    rooms.enter(kC, kRoom, member("u"));
    EXPECT_EQ(ask(kC), (PresenceEffects{Admit{kC, kRoom}}));
    EXPECT_EQ(leave(kB), PresenceEffects{});
    EXPECT_EQ(leave(kA), PresenceEffects{});
    EXPECT_EQ(leave(kC), (PresenceEffects{LeaveHub{kRoom, "u"}}));
    EXPECT_EQ(leave(kC), PresenceEffects{});
}

TEST_F(PresenceRoomsTest, KeepsAConnectionWhoItWas) {
    enter(kA, "u");
    rooms.enter(kA, kRoom, member("v"));
    EXPECT_EQ(*rooms.card_of(kA, kRoom), "card of u");
    EXPECT_EQ(leave(kA), (PresenceEffects{LeaveHub{kRoom, "u"}}));
}

TEST_F(PresenceRoomsTest, TakesBackAJoinThatIsUnderWay) {
    enter(kB, "other");
    rooms.enter(kA, kRoom, member("u"));
    EXPECT_EQ(ask(kA), (PresenceEffects{JoinHub{2, kRoom, member("u")}}));
    EXPECT_EQ(leave(kA), (PresenceEffects{LeaveHub{kRoom, "u"}}));
    rooms.enter(kA, kRoom, member("u"));
    EXPECT_EQ(ask(kA), (PresenceEffects{JoinHub{3, kRoom, member("u")}}));
    EXPECT_EQ(joined(2), PresenceEffects{}) << "the answer to the first is nobody's";
    EXPECT_EQ(joined(3), (PresenceEffects{Admit{kA, kRoom}}));
}

TEST_F(PresenceRoomsTest, AsksForNothingBeforeTheChannelIsConfirmed) {
    rooms.enter(kA, kRoom, member("u"));
    EXPECT_EQ(changed("v", true), PresenceEffects{}) << "not listed yet";
    EXPECT_EQ(leave(kA), PresenceEffects{}) << "the hub has not heard of the user";
}

TEST_F(PresenceRoomsTest, TurnsAllConnectionsOfARefusedUserAway) {
    enter(kC, "other");
    rooms.enter(kA, kRoom, member("u"));
    rooms.enter(kB, kRoom, member("u"));
    ask(kA);
    ask(kB);
    rooms.on_refused(2, JoinRefusal::kFull, out);
    EXPECT_EQ(take(),
              (PresenceEffects{TurnAway{kA, kRoom, JoinRefusal::kFull}, TurnAway{kB, kRoom, JoinRefusal::kFull}}));
    EXPECT_EQ(rooms.card_of(kA, kRoom), nullptr);
    EXPECT_EQ(leave(kA), PresenceEffects{});
    rooms.remove(kB, out);
    EXPECT_EQ(take(), PresenceEffects{});
}

TEST_F(PresenceRoomsTest, TellsEachChangeOnce) {
    enter(kA, "u");
    EXPECT_EQ(changed("v", true), (PresenceEffects{TellMember{kRoom, member("v"), true}}));
    EXPECT_EQ(changed("v", true), PresenceEffects{});
    EXPECT_EQ(changed("v", false), (PresenceEffects{TellMember{kRoom, member("v"), false}})) << "with the card it had";
    EXPECT_EQ(changed("v", false), PresenceEffects{});
    EXPECT_EQ(changed("u", false), (PresenceEffects{TellMember{kRoom, member("u"), false}}));
}

TEST_F(PresenceRoomsTest, ForgetsAConnectionThatHasGone) {
    enter(kA, "u");
    rooms.enter(kA, "app/presence-y", member("w"));
    rooms.remove(kA, out);
    EXPECT_EQ(take(), (PresenceEffects{LeaveHub{kRoom, "u"}}));
    EXPECT_EQ(rooms.users(kRoom), nullptr);
    rooms.enter(kB, kRoom, member("v"));
    EXPECT_EQ(rooms.users(kRoom), nullptr) << "the list of an earlier subscription is not this one's";
}

TEST(PresenceRooms, FindsTheConnectionsOfAUserInTheChannelsOfAnApp) {
    PresenceRooms rooms;
    rooms.enter(Slot{3}, "app/presence-a", {"ann", "1"});
    rooms.enter(Slot{1}, "app/presence-b", {"ann", "2"});
    rooms.enter(Slot{1}, "app/presence-c", {"ann", "2"});
    rooms.enter(Slot{2}, "app/presence-a", {"bob", "3"});
    rooms.enter(Slot{4}, "app2/presence-a", {"ann", "4"});
    EXPECT_EQ(rooms.connections("app/", "ann"), (std::vector<Slot>{Slot{1}, Slot{3}}));
    EXPECT_EQ(rooms.connections("app/", "eve"), std::vector<Slot>{});
}

TEST_F(PresenceRoomsTest, NamesTheUsersOfThisShardAndTheUserOfAConnection) {
    EXPECT_EQ(rooms.any_user_of(kA), nullptr);
    enter(kA, "u");
    enter(kB, "t");
    enter(kC, "s");
    std::size_t number = 9;
    EXPECT_EQ(rooms.own_ids(kRoom, 2, number), (std::vector<std::string_view>{"s", "t"}));
    EXPECT_EQ(number, 3u);
    ASSERT_NE(rooms.any_user_of(kA), nullptr);
    EXPECT_EQ(*rooms.any_user_of(kA), "u");
    leave(kA);
    EXPECT_EQ(rooms.any_user_of(kA), nullptr);
    EXPECT_TRUE(rooms.own_ids("app/presence-none", 2, number).empty());
    EXPECT_EQ(number, 0u);
}

}  // namespace
}  // namespace tulle::node::presence_rooms_test
