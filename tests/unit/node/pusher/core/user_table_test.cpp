#include "node/pusher/core/user_table.hpp"

#include <map>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "mesh/base/prng.hpp"
#include "node/pusher/core/channel_name.hpp"

namespace tulle::node::user_table_test {
namespace {

constexpr Slot kA{1};
constexpr Slot kB{2};
constexpr Slot kC{3};
const std::string kAnn = online_key("app", "ann");
const std::string kBob = online_key("app", "bob");

class UserTableTest : public ::testing::Test {
protected:
    UserEffects take() { return std::exchange(out, {}); }

    /// Of a connection that is reachable.
    UserEffects sign_in(Slot slot, std::string_view user, const std::vector<std::string>& watchlist = {}) {
        table.sign_in(slot, "app", user, watchlist, out);
        table.on_reachable(slot, out);
        return take();
    }
    UserEffects subscribed(const std::string& key, std::uint64_t generation, bool online = false) {
        table.on_subscribed(key, generation, online, out);
        return take();
    }
    UserEffects joined(std::uint64_t id) {
        table.on_joined(id, out);
        return take();
    }
    UserEffects changed(const std::string& key, bool online) {
        table.on_changed(key, online, out);
        return take();
    }
    UserEffects remove(Slot slot) {
        table.remove(slot, out);
        return take();
    }

    UserTable table;
    UserEffects out;
};

TEST_F(UserTableTest, SaysSignedInWhenTheMeshHasConfirmedTheUserAndTakenItIn) {
    EXPECT_EQ(sign_in(kA, "ann"), (UserEffects{SubscribeHub{kAnn, 1, true}}));
    EXPECT_EQ(table.connections(kAnn), std::vector<Slot>{kA});
    EXPECT_EQ(subscribed(kAnn, 1), (UserEffects{JoinHub{1, kAnn, {"ann", ""}}}));
    EXPECT_EQ(changed(kAnn, true), UserEffects{});
    EXPECT_EQ(joined(1), (UserEffects{SignedIn{kA}}));
    EXPECT_EQ(remove(kA), (UserEffects{LeaveHub{kAnn, "ann"}, UnsubscribeHub{kAnn}}));
    EXPECT_EQ(table.size(), 0u);
    EXPECT_TRUE(table.connections(kAnn).empty());
}

TEST_F(UserTableTest, SaysSignedInOnceTheConnectionIsReachable) {
    table.sign_in(kA, "app", "ann", {"ann"}, out);
    take();
    subscribed(kAnn, 1, true);
    EXPECT_EQ(joined(1), UserEffects{});
    table.sign_in(kB, "app", "ann", {}, out);
    EXPECT_EQ(take(), UserEffects{}) << "the user is in, the connection is not yet reached";
    table.on_reachable(kB, out);
    table.on_reachable(kC, out);
    EXPECT_EQ(take(), (UserEffects{SignedIn{kB}}));
    table.on_reachable(kA, out);
    EXPECT_EQ(take(), (UserEffects{SignedIn{kA}, TellWatchers{{kA}, {"ann"}, {}}}));
    table.on_reachable(kA, out);
    EXPECT_EQ(take(), UserEffects{}) << "once";
}

TEST_F(UserTableTest, AsksTheMeshOnceForManyConnectionsOfOneUser) {
    sign_in(kA, "ann");
    EXPECT_EQ(sign_in(kB, "ann"), UserEffects{});
    subscribed(kAnn, 1);
    EXPECT_EQ(joined(1), (UserEffects{SignedIn{kA}, SignedIn{kB}}));
    EXPECT_EQ(sign_in(kC, "ann"), (UserEffects{SignedIn{kC}}));
    EXPECT_EQ(sign_in(kC, "ann"), (UserEffects{SignedIn{kC}})) << "again";
    EXPECT_EQ(table.connections(kAnn), (std::vector<Slot>{kA, kB, kC}));
    EXPECT_EQ(table.size(), 1u);
    EXPECT_EQ(remove(kA), UserEffects{});
    EXPECT_EQ(remove(kC), UserEffects{});
    EXPECT_EQ(remove(kB), (UserEffects{LeaveHub{kAnn, "ann"}, UnsubscribeHub{kAnn}}));
    EXPECT_EQ(remove(kB), UserEffects{});
}

TEST_F(UserTableTest, AnswersARepeatedSignInThatIsPendingOnce) {
    sign_in(kA, "ann");
    EXPECT_EQ(sign_in(kA, "ann"), UserEffects{});
    subscribed(kAnn, 1);
    EXPECT_EQ(joined(1), (UserEffects{SignedIn{kA}}));
}

TEST_F(UserTableTest, IgnoresAnswersToWhoHasGoneMeanwhile) {
    sign_in(kA, "ann");
    EXPECT_EQ(remove(kA), (UserEffects{UnsubscribeHub{kAnn}}));
    EXPECT_EQ(sign_in(kB, "ann"), (UserEffects{SubscribeHub{kAnn, 2, true}}));
    EXPECT_EQ(subscribed(kAnn, 1), UserEffects{});
    EXPECT_EQ(subscribed(kAnn, 2), (UserEffects{JoinHub{1, kAnn, {"ann", ""}}}));
    EXPECT_EQ(subscribed(kAnn, 2), UserEffects{});
    EXPECT_EQ(remove(kB), (UserEffects{LeaveHub{kAnn, "ann"}, UnsubscribeHub{kAnn}})) << "the mesh may have it by now";
    EXPECT_EQ(joined(1), UserEffects{});
}

TEST_F(UserTableTest, TellsWhomTheMeshTakesInNoMore) {
    sign_in(kA, "ann");
    subscribed(kAnn, 1);
    table.on_refused(1, out);
    EXPECT_EQ(take(), (UserEffects{SignInFailed{kA}}));
    EXPECT_EQ(remove(kA), (UserEffects{UnsubscribeHub{kAnn}}));
}

TEST_F(UserTableTest, TellsAWatcherOnceEverybodyIsKnownAndThenOfEachChange) {
    EXPECT_EQ(sign_in(kA, "ann", {"bob", "bob", "eve"}),
              (UserEffects{SubscribeHub{kAnn, 1, true}, SubscribeHub{kBob, 2, true},
                           SubscribeHub{online_key("app", "eve"), 3, true}}));
    EXPECT_EQ(subscribed(kBob, 2, true), UserEffects{});
    EXPECT_EQ(subscribed(kAnn, 1), (UserEffects{JoinHub{1, kAnn, {"ann", ""}}}));
    EXPECT_EQ(joined(1), (UserEffects{SignedIn{kA}}));
    EXPECT_EQ(changed(kBob, false), UserEffects{}) << "before the snapshot nothing is told";
    EXPECT_EQ(changed(kBob, true), UserEffects{});
    EXPECT_EQ(subscribed(online_key("app", "eve"), 3), (UserEffects{TellWatchers{{kA}, {"bob"}, {"eve"}}}));
    EXPECT_EQ(changed(kBob, true), UserEffects{});
    EXPECT_EQ(changed(kBob, false), (UserEffects{TellWatchers{{kA}, {}, {"bob"}}}));
    EXPECT_EQ(sign_in(kB, "bob", {"eve"}), (UserEffects{JoinHub{2, kBob, {"bob", ""}}}))
        << "bob is confirmed here for its watcher";
    EXPECT_EQ(changed(kBob, true), (UserEffects{TellWatchers{{kA}, {"bob"}, {}}}));
    EXPECT_EQ(joined(2), (UserEffects{SignedIn{kB}, TellWatchers{{kB}, {}, {"eve"}}}));
    EXPECT_EQ(changed(online_key("app", "eve"), true), (UserEffects{TellWatchers{{kA, kB}, {"eve"}, {}}}));
    EXPECT_EQ(remove(kB), (UserEffects{LeaveHub{kBob, "bob"}})) << "still watched";
    EXPECT_EQ(remove(kA), (UserEffects{LeaveHub{kAnn, "ann"}, UnsubscribeHub{kBob},
                                       UnsubscribeHub{online_key("app", "eve")}, UnsubscribeHub{kAnn}}));
}

TEST_F(UserTableTest, LetsAUserWatchItself) {
    sign_in(kA, "ann", {"ann"});
    subscribed(kAnn, 1);
    changed(kAnn, true);
    EXPECT_EQ(joined(1), (UserEffects{SignedIn{kA}, TellWatchers{{kA}, {"ann"}, {}}}));
    EXPECT_EQ(remove(kA), (UserEffects{LeaveHub{kAnn, "ann"}, UnsubscribeHub{kAnn}}));
}

TEST_F(UserTableTest, KeepsAppsApart) {
    sign_in(kA, "ann");
    EXPECT_EQ((table.sign_in(kB, "other", "ann", {}, out), take()),
              (UserEffects{SubscribeHub{online_key("other", "ann"), 2, true}}));
    EXPECT_EQ(table.connections(kAnn), std::vector<Slot>{kA});
}

/// A mesh in small: what it is told, and what it answers, some of it late.
struct PlayedMesh {
    std::map<std::string, std::uint64_t> subscribed;
    std::set<std::string> members;
    std::vector<SubscribeHub> to_confirm;
    std::vector<JoinHub> to_join;

    void take(const UserEffects& effects, std::map<std::uint32_t, std::set<std::string>>& told) {
        for (const UserEffect& effect : effects) {
            if (const auto* first = std::get_if<SubscribeHub>(&effect)) {
                ASSERT_TRUE(subscribed.emplace(first->channel, first->generation).second);
                to_confirm.push_back(*first);
            } else if (const auto* last = std::get_if<UnsubscribeHub>(&effect)) {
                ASSERT_EQ(subscribed.erase(last->channel), 1u);
                ASSERT_FALSE(members.contains(last->channel)) << "left before";
            } else if (const auto* joining = std::get_if<JoinHub>(&effect)) {
                ASSERT_TRUE(subscribed.contains(joining->channel));
                to_join.push_back(*joining);
            } else if (const auto* left = std::get_if<LeaveHub>(&effect)) {
                members.erase(left->channel);
                std::erase_if(to_join, [&](const JoinHub& join) { return join.channel == left->channel; });
            } else if (const auto* news = std::get_if<TellWatchers>(&effect)) {
                for (const Slot slot : news->slots) {
                    told[slot.value].insert(news->online.begin(), news->online.end());
                    for (const std::string& user : news->offline) {
                        told[slot.value].erase(user);
                    }
                }
            }
        }
    }
};

void reach_all(UserTable& table, UserEffects& out) {
    for (std::uint32_t slot = 0; slot < 6; ++slot) {
        table.on_reachable(Slot{slot}, out);
    }
}

TEST_F(UserTableTest, LeavesNothingBehindAndTellsTheTruthWhateverComes) {
    const std::vector<std::string> users{"a", "b", "c", "d"};
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Prng prng(seed);
        UserTable random;
        PlayedMesh mesh;
        std::map<std::uint32_t, std::set<std::string>> told;
        std::map<std::uint32_t, std::vector<std::string>> watch;
        UserEffects effects;
        const auto flush = [&] { mesh.take(std::exchange(effects, {}), told); };
        const auto settle = [&] {
            while (!mesh.to_confirm.empty() || !mesh.to_join.empty()) {
                for (const SubscribeHub& first : std::exchange(mesh.to_confirm, {})) {
                    const bool is_there = mesh.members.contains(first.channel);
                    random.on_subscribed(first.channel, first.generation, is_there, effects);
                    flush();
                }
                for (const JoinHub& joining : std::exchange(mesh.to_join, {})) {
                    if (mesh.members.insert(joining.channel).second) {
                        random.on_changed(joining.channel, true, effects);
                    }
                    random.on_joined(joining.id, effects);
                    flush();
                }
            }
        };
        for (int step = 0; step < 400; ++step) {
            const Slot slot{static_cast<std::uint32_t>(prng.below(6))};
            if (watch.contains(slot.value)) {
                random.remove(slot, effects);
                watch.erase(slot.value);
                told.erase(slot.value);
            } else {
                watch[slot.value] = {users[prng.below(4)], users[prng.below(4)]};
                random.sign_in(slot, "app", users[prng.below(4)], watch[slot.value], effects);
                if (prng.chance(50)) {
                    random.on_reachable(slot, effects);
                }
            }
            const std::set<std::string> before = mesh.members;
            flush();
            for (const std::string& key : before) {
                if (!mesh.members.contains(key)) {
                    random.on_changed(key, false, effects);
                    flush();
                }
            }
            if (prng.below(3) > 0) {
                continue;
            }
            settle();
            reach_all(random, effects), flush();
            for (const auto& [watcher, watched] : watch) {
                std::set<std::string> online;
                for (const std::string& user : watched) {
                    if (mesh.members.contains(online_key("app", user))) {
                        online.insert(user);
                    }
                }
                ASSERT_EQ(told[watcher], online) << "seed " << seed << " step " << step;
            }
        }
        for (const auto& [slot, watched] : watch) {
            random.remove(Slot{slot}, effects);
        }
        flush();
        EXPECT_TRUE(mesh.subscribed.empty()) << "seed " << seed;
        EXPECT_EQ(random.size(), 0u);
    }
}

}  // namespace
}  // namespace tulle::node::user_table_test
